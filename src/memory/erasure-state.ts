// How far an erasure has come, as the heads say it: which change leads to the next step, and whether it is still to be
// made. Pure: whoever was cut short, came second or is late decides the same from what stands.

import type { ErasedFork, ErasureFound, ErasureMark, ErasureUnderWay, Head } from "./head.ts";
import { firstHead } from "./head.ts";
import { recordOf } from "./memory-keys.ts";

/** The erasure of this id, while it is under way. */
export function underWay(head: Head, id: string): ErasureUnderWay | undefined {
  return head.erasing?.id === id ? head.erasing : undefined;
}

export const isDone = (head: Head, id: string): boolean => head.erased?.id === id;

/**
 * From here on writers are refused: by `erasing` while it lasts, by the era if they began before (H1). The memory's head
 * decides which erasure is under way: there another one is not displaced.
 */
export function begin(head: Head, erasing: ErasureUnderWay): Head | undefined {
  return head.erasing === undefined ? beginFacts(head, erasing) : undefined;
}

/** Whether another erasure of the whole was begun and finished since the head was as `before`: it has done the work. */
export function isErasedSince(head: Head, before: Head, isUnder: boolean): boolean {
  if (head.erasing !== undefined || before.erasing !== undefined || head.erased === undefined) return false;
  return head.erased.id !== before.erased?.id && (head.erased.under === true || !isUnder);
}

export function beginFacts(head: Head, erasing: ErasureUnderWay): Head | undefined {
  if (head.erasing?.id === erasing.id || isDone(head, erasing.id)) return undefined;
  return { ...head, ...laterEra(head, erasing), erasing };
}

/** U1 of `unborn-head.ts`. */
const laterEra = ({ era, underEra }: Head, { under }: ErasureUnderWay): Pick<Head, "era" | "underEra"> => ({
  era: era + 1,
  underEra: under === true ? underEra + 1 : underEra,
});

/** Nothing of the log is seen any more, and no number up to `record` is used again (H2). */
export function seal(head: Head, id: string, record: number): Head | undefined {
  const erasing = underWay(head, id);
  if (erasing === undefined || (erasing.sealed ?? 0) >= record) return undefined;
  return {
    ...head,
    first: record + 1,
    floor: record,
    pins: [],
    summary: undefined,
    base: undefined,
    erasing: { ...erasing, sealed: record },
  };
}

/** The first count stands: whoever counts later may find a part removed. */
export function count(head: Head, id: string, found: ErasureFound): Head | undefined {
  const erasing = underWay(head, id);
  if (erasing === undefined || erasing.found !== undefined) return undefined;
  return { ...head, erasing: { ...erasing, found } };
}

/** All of it is gone: the head's revision is now above that of everything that was removed. */
export function markRemoved(head: Head, id: string, forks: readonly ErasedFork[]): Head | undefined {
  const erasing = underWay(head, id);
  return erasing === undefined ? undefined : { ...head, erasing: { ...erasing, forks } };
}

/** Of the facts' head; as `finish`. */
export function finishFacts(head: Head, { id, atMs }: ErasureMark): Head | undefined {
  const erasing = underWay(head, id);
  if (erasing === undefined) return undefined;
  return { ...firstHead, ...laterEra(head, erasing), erased: { id, atMs } };
}

/**
 * Of the memory's head, whose revision is `lastEntry`: all that was removed is older. The scope is open again, in another
 * era: what was formed while the erasure was under way may come from what was not removed yet.
 */
export function finish(head: Head, id: string, lastEntry: number, lastFact: number): Head | undefined {
  const erasing = underWay(head, id);
  if (erasing === undefined) return undefined;
  const { atMs, under, found, forks = [] } = erasing;
  const { first, floor, retention, cuts } = head;
  return {
    ...firstHead,
    ...laterEra(head, erasing),
    ...{ first, floor, retention, cuts },
    erased: {
      ...{ id, atMs, lastEntry, lastFact },
      ...(under === undefined ? {} : { under }),
      ...(found === undefined ? {} : { found }),
      ...(forks.length === 0 ? {} : { forks }),
    },
  };
}

export function forgetFork(head: Head, fork: string): Head | undefined {
  return head.forks.includes(fork) ? { ...head, forks: head.forks.filter((one) => one !== fork) } : undefined;
}

/**
 * A fork without what came from the erased scope, positions up to `upTo`. It says so in any case (H3): a summary that is
 * being made of what came from there is refused.
 */
export function cutFork(head: Head, erased: string, upTo: number): Head {
  const cuts = head.cuts + 1;
  const cut = { ...head, cuts, pins: head.pins.filter((position) => position > upTo), summary: undefined };
  if (head.base?.scope !== erased) return cut;
  const record = recordOf(head.base.upTo);
  return {
    ...cut,
    base: undefined,
    first: Math.max(head.first, record + 1),
    floor: Math.max(head.floor, record),
  };
}
