// Where a log ends, found in a handful of requests whatever its size.
//
//   E1. Above the head's floor the records that stand have no gap (L1 of `log-writer.ts`): the end is galloped for and
//       then narrowed down.
//   E2. The head is read in the same request, as of the same moment, as the records that decide. So an erasure that the
//       head does not show begins later, and sets its seal above the end that was found.
//   E3. A record above the floor goes only after the floor has passed it (T1, G2, F2). So where one that is known to have
//       stood above the floor does not stand, the bucket is another one, made anew or set back: what is known is of no use.

import type { KvEntry, Revision } from "../kv/store.ts";
import type { StandingHead } from "./head.ts";
import { standingHead } from "./head.ts";
import { headKey, recordKey, recordMax } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";

/** The end lies from `low`, which stands (or nothing does), up to `high`, which does not, itself excluded. */
export interface Bracket {
  readonly low: number;
  readonly high: number;
}

/** Records that are looked at in one request. More would spare a request and read more values that nobody wants. */
const probesMax = 15;
const gallopFactor = 4;

/** All that is known at the beginning: `low` stands. */
export const openBracket = (low: number): Bracket => ({ low, high: recordMax + 1 });
export const isFound = ({ low, high }: Bracket): boolean => high - low <= 1;

/** The records to look at next: ever further apart as long as nothing bounds the end, then evenly spread. */
export function probesOf({ low, high }: Bracket): readonly number[] {
  const room = high - low - 1;
  if (high > recordMax) {
    const steps: number[] = [];
    for (let step = 1; step <= room; step *= gallopFactor) steps.push(low + step);
    return steps;
  }
  if (room <= probesMax) return Array.from({ length: room }, (_, at) => low + 1 + at);
  const spread = Array.from({ length: probesMax }, (_, at) => low + Math.round(((at + 1) * room) / (probesMax + 1)));
  return [...new Set(spread)];
}

/** What is known when these of the probes stand. Records that come to stand meanwhile may be seen or not. */
export function narrow(bracket: Bracket, probes: readonly number[], stands: (record: number) => boolean): Bracket {
  const missing = probes.find((record) => !stands(record));
  const standing = probes.filter((record) => record < (missing ?? Number.POSITIVE_INFINITY));
  return { low: standing.at(-1) ?? bracket.low, high: missing ?? bracket.high };
}

/** A log at one moment. */
export interface SeenLog extends StandingHead {
  /** The last record that stands; 0 for none. It may be a tombstone. */
  readonly end: number;
  /** What stood behind `from` when the search began. */
  readonly next: KvEntry | undefined;
  /** The highest revision that was met: what the bucket has come to at least. */
  readonly newest: Revision;
}

/**
 * Looks for the end of a log of which record `from` is known to stand (0: nothing is). When it does not (E3) the end is
 * looked for from the floor on, and may lie below `from`. Rejects as `getMany` does.
 */
export async function findEnd(stores: MemoryStores, scope: Scope, from = 0): Promise<SeenLog> {
  let bracket = openBracket(from);
  let next: KvEntry | undefined;
  let newest = 0;
  for (;;) {
    const { low } = bracket;
    const probes = probesOf(bracket);
    const { records, ...standing } = await readWithHead(stores, scope, low === 0 ? probes : [low, ...probes]);
    const { floor } = standing.head;
    const stands = (record: number) => records.has(recordKey(scope, record));
    newest = Math.max(newest, ...[...records.values()].map((entry) => entry.revision));
    if (low === from) next = records.get(recordKey(scope, from + 1)) ?? next;
    const isKnown = low === floor || (low > floor && stands(low)); // E3
    bracket = isKnown ? narrow(bracket, probes, stands) : openBracket(floor);
    if (isFound(bracket)) return { ...standing, end: bracket.low, next, newest };
  }
}

interface ReadWithHead extends StandingHead {
  readonly records: ReadonlyMap<string, KvEntry>;
}

/** The head and records, as of one moment (E2). At most 499 records. */
export async function readWithHead(
  { entries }: Pick<MemoryStores, "entries">,
  scope: Scope,
  records: readonly number[],
): Promise<ReadWithHead> {
  const key = headKey(scope);
  const found = await entries.getMany([key, ...records.map((record) => recordKey(scope, record))]);
  return { ...(await standingHead(entries, scope, found.get(key))), records: found };
}
