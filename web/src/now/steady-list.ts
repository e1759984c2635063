// What is unhealthy, steady enough to be read: an entry keeps its place while it lasts, and one that is over stays for some
// seconds, marked as over, so that what flickers is seen to flicker and the page does not jump.

import type { Unhealthy } from "../../../src/monitoring/dashboard/api/page.ts";

export interface Shown {
  readonly entry: Unhealthy;
  /** Null: it is so now. */
  readonly overSinceMs: number | null;
}

const keptMs = 6_000;
const ranks = { problem: 0, warning: 1, note: 2 } as const;

/** `shown` as it was a second ago, and what is said now. Worst first, then the order in which they came. */
export function steadied(shown: readonly Shown[], said: readonly Unhealthy[], nowMs: number): readonly Shown[] {
  const fresh = new Map(said.map((entry) => [entry.id, entry]));
  const next: Shown[] = [];
  for (const { entry, overSinceMs } of shown) {
    const again = fresh.get(entry.id);
    fresh.delete(entry.id);
    if (again !== undefined) next.push({ entry: again, overSinceMs: null });
    else if (nowMs - (overSinceMs ?? nowMs) < keptMs) next.push({ entry, overSinceMs: overSinceMs ?? nowMs });
  }
  next.push(...[...fresh.values()].map((entry) => ({ entry, overSinceMs: null })));
  return next.toSorted((one, other) => ranks[one.entry.level] - ranks[other.entry.level]);
}
