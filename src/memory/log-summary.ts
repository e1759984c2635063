// A summary comes to stand: its record and the head that says that it is in force, in one transaction.

import { contentionDelay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { NewEntry } from "./entry.ts";
import type { Head, SummaryPlace } from "./head.ts";
import { checkEra, headWrite } from "./head.ts";
import type { SeenLog } from "./log-end.ts";
import type { LogHandle } from "./log-handle.ts";
import { readStored } from "./log-record.ts";
import { positionOf, recordKey, recordOf } from "./memory-keys.ts";
import { scopeKey } from "./scope.ts";

/** What it was made of, and up to where it speaks. */
export interface MadeSummary {
  readonly summary: NewEntry;
  readonly covers: number;
  /** The head as it was before the entries were read. */
  readonly madeUnder: Head;
}

const attemptsMax = 100;
const waitMsMax = 64;

export type SummaryWrite =
  | { readonly kind: "written"; readonly summary: SummaryPlace }
  /** Another summary came into force meanwhile, or none is any more. */
  | { readonly kind: "superseded"; readonly standing: SummaryPlace | undefined };

/**
 * Rejects with SCOPE_ERASED when
 * what it was made of was erased meanwhile, with ENTRY_INVALID, PAYLOAD_TOO_LARGE, WRITE_CONTENDED, and as the store does.
 */
export async function writeSummary(log: LogHandle, made: MadeSummary): Promise<SummaryWrite> {
  const { id, value } = await log.summaryRecord(made.summary, made.covers);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const seen = await log.look();
    checkSource(log, seen.head, made.madeUnder);
    const standing = seen.head.summary;
    if (!isSame(standing, made.madeUnder.summary)) {
      // Its own, if the answer was lost.
      const isOwn = standing !== undefined && (await holds(log, recordKey(log.scope, recordOf(standing.position)), id));
      return isOwn ? { kind: "written", summary: standing } : { kind: "superseded", standing };
    }
    const place = { position: positionOf(seen.end + 1, 0), covers: made.covers };
    if (await tryWrite(log, seen, place, value)) return { kind: "written", summary: place };
    await contentionDelay(log.stores.clock, attempt, waitMsMax);
  }
  throw new TroupeError("WRITE_CONTENDED", `others wrote to ${scopeKey(log.scope)} ${attemptsMax} times in a row`);
}

function checkSource(log: LogHandle, head: Head, madeUnder: Head): void {
  const name = scopeKey(log.scope);
  checkEra(name, head, madeUnder.era);
  if (head.cuts === madeUnder.cuts) return;
  throw new TroupeError(
    "SCOPE_ERASED",
    `what ${name} shared with another log was erased, and summarized here meanwhile`,
  );
}

async function tryWrite(
  { stores, scope }: LogHandle,
  seen: SeenLog,
  summary: SummaryPlace,
  value: Uint8Array,
): Promise<boolean> {
  const key = recordKey(scope, seen.end + 1);
  try {
    const outcome = await stores.entries.transact([
      { kind: "put", key, value, expected: 0 },
      ...headWrite(scope, { ...seen.head, summary }, seen),
    ]);
    return outcome.kind === "written";
  } catch (thrown) {
    if (!isTroupeError(thrown) || thrown.code !== "OUTCOME_UNKNOWN") throw thrown;
    return false; // The next look tells.
  }
}

async function holds({ stores }: LogHandle, key: string, id: string): Promise<boolean> {
  const kv = await stores.entries.get(key);
  return kv !== undefined && (await readStored(stores.codecs, kv)).some((stored) => stored.id === id);
}

const isSame = (one: SummaryPlace | undefined, other: SummaryPlace | undefined): boolean =>
  one?.position === other?.position && one?.covers === other?.covers;
