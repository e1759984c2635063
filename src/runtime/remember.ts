// Writes to memories what committed turns have left for them, however long that takes.
//
//   M1. A write keeps its name through all attempts and owners, `<actor's key>:<number>`, so that it takes effect once.
//   M2. What was formed before its scope was erased is not written any more.
//   M3. What is refused for good is let go, and said: it would hold up whatever its actor remembers, for ever.

import { shortName } from "../actors/memory-log.ts";
import type { OutboxMemory } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { applyTogether, togetherOf } from "../memory/apply-writes.ts";
import type { NamedWrite } from "../memory/memory-write.ts";
import { isEntryWrite } from "../memory/memory-write.ts";
import { waitAgain } from "./burial.ts";
import type { WorkerMemory } from "./worker-memory.ts";

/** An actor, as far as its memory needs it. */
export interface RememberPlace {
  readonly self: ActorAddress;
  readonly key: string;
  readonly memory: WorkerMemory;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly log: Logger;
  /** Aborts when this worker no longer owns the actor. */
  readonly lost: AbortSignal;
}

/** Entries of one append. */
const togetherMax = 256;

/** What can be repaired by people, or by newer code: the writes wait for it. */
const repairable: ReadonlySet<string> = new Set(["MEMORY_UNREADABLE", "CODEC_UNKNOWN"]);

/** The writes of an outbox under the names that they have through all attempts (M1). */
export function namedWrites(key: string, entries: readonly OutboxMemory[]): readonly NamedWrite[] {
  return entries.map(({ n, memory: write }) => {
    return { id: shortName(`${key}:${n}`), numbered: { writer: key, number: n }, write };
  });
}

/** All of one scope. Resolves when none is left to write; false when ownership was lost before. */
export async function remember(place: RememberPlace, entries: readonly OutboxMemory[]): Promise<boolean> {
  let left = namedWrites(place.key, entries);
  let most = togetherMax;
  for (let attempt = 0; !place.lost.aborted; ) {
    const together = left.slice(0, togetherOf(left, most));
    const [first] = together;
    if (first === undefined) return true;
    try {
      const memory = await place.memory.open();
      await applyTogether(memory.of(first.write.in), together);
      announce(place, together);
      left = left.slice(together.length);
      attempt = 0;
    } catch (thrown) {
      const refusal = await refusalOf(place, first, thrown);
      if (refusal === undefined) {
        warn(place, first, thrown, attempt);
        await waitAgain(place, attempt);
        attempt += 1;
      } else if (together.length > 1)
        most = 1; // One of them: which, each alone will tell.
      else {
        refuse(place, first, refusal);
        left = left.slice(1);
      }
    }
  }
  return false;
}

/** Why it will never be written; undefined when it may be. */
async function refusalOf(
  place: RememberPlace,
  { write }: NamedWrite,
  thrown: unknown,
): Promise<TroupeError | undefined> {
  if (!isTroupeError(thrown)) return new TroupeError("STORE_FAILED", messageOf(thrown), { cause: thrown });
  if (thrown.code === "SCOPE_ERASED") return (await isOfEarlierEra(place, write)) ? thrown : undefined; // M2
  return thrown.retry === "never" && thrown.code !== "CLOSED" && !repairable.has(thrown.code) ? thrown : undefined;
}

/** False while the scope is still being erased and this was formed since that began: it is written when that is over. */
async function isOfEarlierEra({ memory }: RememberPlace, write: NamedWrite["write"]): Promise<boolean> {
  try {
    const eras = (await (await memory.open()).eras([write.in])).get(write.in);
    const now = isEntryWrite(write) ? eras?.entries : eras?.facts;
    return now !== undefined && write.era !== undefined && write.era < now;
  } catch {
    // The server is away: asked again when the write is refused again.
    return false;
  }
}

function announce({ events, self }: RememberPlace, written: readonly NamedWrite[]): void {
  if (!events.isHeard) return;
  for (const { id, write } of written) events.emit({ kind: "remembered", actor: self, scope: write.in, id });
}

function refuse({ events, self }: RememberPlace, { id, write }: NamedWrite, { code, message }: TroupeError): void {
  events.emit({ kind: "memory-refused", actor: self, scope: write.in, id, code, message });
}

/** The first time, and then ever more rarely. */
function warn({ log, key }: RememberPlace, { write }: NamedWrite, thrown: unknown, attempt: number): void {
  if ((attempt & (attempt - 1)) !== 0) return;
  const fields = { actor: key, scope: write.in, attempt, error: messageOf(thrown) };
  log.warn(fields, "a memory could not be written, trying again");
}
