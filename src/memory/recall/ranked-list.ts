// The best few of many, in order, without sorting them all.

import type { RecallDocument } from "./document.ts";

export interface Ranked {
  readonly slot: number;
  readonly document: RecallDocument;
  readonly score: number;
}

/** R3 of `lexical-ranking.ts`: below 0 when the first one comes first. */
export function compareRanked(first: Ranked, second: Ranked): number {
  if (first.score !== second.score) return second.score - first.score;
  if (first.document.atMs !== second.document.atMs) return second.document.atMs - first.document.atMs;
  return first.document.id < second.document.id ? -1 : first.document.id > second.document.id ? 1 : 0;
}

/** The first `lengthMax` of what is offered. `passes` is only asked about what would be among them. */
export function bestOf(
  offered: Iterable<Ranked>,
  lengthMax: number,
  passes: (document: RecallDocument) => boolean,
): readonly Ranked[] {
  const best: Ranked[] = [];
  for (const ranked of offered) {
    const last = best.at(-1);
    if (best.length === lengthMax && last !== undefined && compareRanked(last, ranked) < 0) continue;
    if (!passes(ranked.document)) continue;
    let low = 0;
    let high = best.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = best[middle];
      if (other !== undefined && compareRanked(other, ranked) < 0) low = middle + 1;
      else high = middle;
    }
    best.splice(low, 0, ranked);
    if (best.length > lengthMax) best.pop();
  }
  return best;
}
