// What is known of a scope besides its entries and facts: one small value per scope and bucket, changed by compare-and-set
// only. A scope that has none is as if it had the first one.
//
//   H1. `era` grows when an erasure begins and when it ends; whoever formed a write under an earlier era is refused.
//   H2. Records below `first` are gone for readers. Every record number up to `floor` has been in use: the end of the log
//       is looked for above it.
//   H3. `cuts` grows when something that this log shared as a fork was erased: what was made of it is void.
//   H4. A scope that lies under others and has no head is of an era that these say (U1 of `unborn-head.ts`), and nothing is
//       written to it before it has one (U2).

import type { Clock } from "../core/clock.ts";
import { contentionDelay } from "../core/clock.ts";
import { decodeText, encodeText } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { KvEntry, KvOperationRequest, KvStore, Revision } from "../kv/store.ts";
import { headKey } from "./memory-keys.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import type { Scope } from "./scope.ts";
import { scopeKey, scopesAbove } from "./scope.ts";
import type { ScopesAbove } from "./unborn-head.ts";
import { aboveOf } from "./unborn-head.ts";

export interface Head {
  readonly era: number;
  /** Grows with the era when an erasure takes the scopes that lie under this one too (U1 of `unborn-head.ts`). */
  readonly underEra: number;
  readonly first: number;
  readonly floor: number;
  readonly cuts: number;
  /** Positions that stand in every window, in order. */
  readonly pins: readonly number[];
  readonly summary: SummaryPlace | undefined;
  /** Set while this log is a fork: entries up to `upTo` are the other's. */
  readonly base: ForkBase | undefined;
  /** Key texts of the scopes that are forks of this one. */
  readonly forks: readonly string[];
  readonly retention: RetentionPolicy | undefined;
  /** Set while an erasure is under way. */
  readonly erasing: ErasureUnderWay | undefined;
  /** The last erasure that was completed. */
  readonly erased: ErasureDone | undefined;
}

export interface SummaryPlace {
  readonly position: number;
  /** Position up to which it speaks. */
  readonly covers: number;
}

export interface ForkBase {
  /** Key text of the scope. */
  readonly scope: string;
  /** The scope's era at the fork: after an erasure of it nothing of it is left here. */
  readonly era: number;
  readonly upTo: number;
}

export interface ErasureMark {
  readonly id: string;
  readonly atMs: number;
}

/** How far it has come: whoever takes it up goes on from there. */
export interface ErasureUnderWay extends ErasureMark {
  /** The scopes under this one go with it. */
  readonly under?: true;
  /** Record above which nobody who was writing at its beginning can write: no writer reaches beyond it. */
  readonly sealed?: number;
  /** What there was, counted before any of it was removed. */
  readonly found?: ErasureFound;
  /** Set when all of it is gone. */
  readonly forks?: readonly ErasedFork[];
}

export interface ErasureFound {
  readonly records: number;
  readonly entries: number;
  readonly facts: number;
  /** Of the records, and of the facts with their histories, as they were stored. */
  readonly bytes: number;
  /** Lowest revision that was found in each bucket; 0 where nothing was. */
  readonly firstEntry: Revision;
  readonly firstFact: Revision;
}

/** In the head of the memory bucket with what was erased; in that of the facts, and before the first, without. */
export interface ErasureDone extends ErasureMark {
  readonly under?: true;
  readonly found?: ErasureFound;
  /** Nothing of the scope with this revision or an older one is left in the bucket. */
  readonly lastEntry?: Revision;
  readonly lastFact?: Revision;
  readonly forks?: readonly ErasedFork[];
}

/** A fork that has lost what it shared. */
export interface ErasedFork {
  /** Key text. */
  readonly scope: string;
  /** No summary in its log that is older than this revision is left. */
  readonly last: Revision;
}

/** A head and the revision that it has: 0 when nobody has written one. */
export interface StandingHead {
  readonly head: Head;
  readonly revision: Revision;
  /** Of a scope that has no head and lies under others: what these say of it. */
  readonly above?: ScopesAbove;
}

export const firstHead: Head = {
  era: 1,
  underEra: 0,
  first: 1,
  floor: 0,
  cuts: 0,
  pins: [],
  summary: undefined,
  base: undefined,
  forks: [],
  retention: undefined,
  erasing: undefined,
  erased: undefined,
};

/** Attempts to change a head before it is given up, and the longest wait between two. Unit of the wait: ms. */
const attemptsMax = 50;
const waitMsMax = 50;

/** Rejects with MEMORY_UNREADABLE, and as `get` does. */
export async function readHead(store: KvStore, scope: Scope): Promise<StandingHead> {
  return standingHead(store, scope, await store.get(headKey(scope)));
}

/** The head that was read as `entry`; when it has none, as the scopes above say. Rejects as `readHead` and `getMany` do. */
export async function standingHead(store: KvStore, scope: Scope, entry: KvEntry | undefined): Promise<StandingHead> {
  if (entry !== undefined) return { head: parseHead(entry.key, entry.value), revision: entry.revision };
  const keys = scopesAbove(scope).map(headKey);
  if (keys.length === 0) return { head: firstHead, revision: 0 };
  const found = await store.getMany(keys);
  const above = aboveOf(
    keys.map((key) => {
      const { value, revision = 0 } = found.get(key) ?? {};
      return { key, head: value === undefined ? firstHead : parseHead(key, value), revision };
    }),
  );
  return { head: { ...firstHead, era: above.era }, revision: 0, above };
}

/**
 * What a transaction does to write a head if nobody has changed it since it was read, and a first one only as the scopes
 * above let it come into being (U2). Rejects with SCOPE_ERASED while these are being erased: then only who erases may.
 */
export function headWrite(scope: Scope, head: Head, { revision, above }: StandingHead): readonly KvOperationRequest[] {
  if (above?.isErasing === true && head.erasing === undefined) throw shutAbove(scope);
  const value = encodeText(printHead(head));
  return [{ kind: "put", key: headKey(scope), value, expected: revision }, ...(above?.checks ?? [])];
}

/** Writes the head as `headWrite` says; undefined when somebody was quicker. */
export async function tryWriteHead(
  store: KvStore,
  scope: Scope,
  head: Head,
  standing: StandingHead,
): Promise<StandingHead | undefined> {
  if (standing.above === undefined) {
    const write = await store.update(headKey(scope), encodeText(printHead(head)), standing.revision);
    return write.kind === "written" ? { head, revision: write.revision } : undefined;
  }
  const outcome = await store.transact(headWrite(scope, head, standing));
  return outcome.kind === "written" ? { head, revision: outcome.revisions[0] ?? 0 } : undefined;
}

/** Sees to it that a scope has a head where it needs one (H4). Rejects with SCOPE_ERASED, WRITE_CONTENDED. */
export async function bearHead(store: KvStore, scope: Scope, clock: Clock): Promise<StandingHead> {
  return changeHead(store, scope, clock, (head, { above }) => (above === undefined ? undefined : head));
}

/**
 * Changes the head by `change`, again on what stands then when somebody else was quicker. `change` returns undefined to
 * leave it as it is. Rejects with WRITE_CONTENDED, and with what `change` throws.
 */
export async function changeHead(
  store: KvStore,
  scope: Scope,
  clock: Clock,
  change: (head: Head, standing: StandingHead) => Head | undefined,
): Promise<StandingHead> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const standing = await readHead(store, scope);
    const next = change(standing.head, standing);
    if (next === undefined) return standing;
    try {
      const written = await tryWriteHead(store, scope, next, standing);
      if (written !== undefined) return written;
    } catch (thrown) {
      // Whether it stands is seen by reading it again: `change` is given what it has left and may have nothing to add.
      if (!isTroupeError(thrown) || thrown.code !== "OUTCOME_UNKNOWN") throw thrown;
    }
    await contentionDelay(clock, attempt, waitMsMax);
  }
  throw new TroupeError("WRITE_CONTENDED", `${headKey(scope)} was changed by others ${attemptsMax} times in a row`);
}

/** Rejects with SCOPE_ERASED when what was formed under `era` may not be written any more (H1). */
export function checkEra(scope: string, head: Head, era: number): void {
  if (head.erasing !== undefined) throw new TroupeError("SCOPE_ERASED", `${scope} is being erased`);
  if (head.era !== era)
    throw new TroupeError("SCOPE_ERASED", `${scope} was erased (era ${head.era}, formed in ${era})`);
}

const shutAbove = (scope: Scope) =>
  new TroupeError("SCOPE_ERASED", `what ${scopeKey(scope)} lies under is being erased with all that lies under it`);

export function printHead(head: Head): string {
  const { era, underEra, first, floor, cuts, pins, summary, base, forks, retention, erasing, erased } = head;
  return JSON.stringify({
    ...{ era, first, floor },
    ...(underEra === 0 ? {} : { underEra }),
    ...(cuts === 0 ? {} : { cuts }),
    ...(pins.length === 0 ? {} : { pins }),
    ...(forks.length === 0 ? {} : { forks }),
    ...{ summary, base, retention, erasing, erased },
  });
}

export function parseHead(key: string, value: Uint8Array): Head {
  let raw: Partial<Head>;
  try {
    raw = JSON.parse(decodeText(value)) as Partial<Head>;
  } catch (thrown) {
    throw new TroupeError("MEMORY_UNREADABLE", `the value of ${key} is not JSON: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  if (typeof raw !== "object" || raw === null || !Number.isInteger(raw.era)) {
    throw new TroupeError("MEMORY_UNREADABLE", `the value of ${key} has no \`era\``);
  }
  return { ...firstHead, ...raw };
}
