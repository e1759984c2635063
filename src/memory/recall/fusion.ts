// Reciprocal rank fusion: of two lists that were ranked by scores of different kinds only the ranks are taken.

import type { RecallDocument } from "./document.ts";
import type { Ranked } from "./ranked-list.ts";
import { compareRanked } from "./ranked-list.ts";

/** The usual one (Cormack, Clarke and Büttcher, 2009): how little the first places differ. */
const rankOffset = 60;

export interface Fused {
  readonly slot: number;
  readonly document: RecallDocument;
  readonly score: number;
  /** From 1; undefined when it is not in that list. */
  readonly lexicalRank: number | undefined;
  readonly vectorRank: number | undefined;
}

/** The first `k` of both lists together. */
export function fuse(byWords: readonly Ranked[], byVector: readonly Ranked[], k: number): readonly Fused[] {
  const lexicalRanks = ranksOf(byWords);
  const vectorRanks = ranksOf(byVector);
  const all = new Map([...byWords, ...byVector].map((ranked) => [ranked.slot, ranked]));
  return [...all.values()]
    .map(({ slot, document }) => {
      const lexicalRank = lexicalRanks.get(slot);
      const vectorRank = vectorRanks.get(slot);
      return { slot, document, lexicalRank, vectorRank, score: share(lexicalRank) + share(vectorRank) };
    })
    .sort(compareRanked)
    .slice(0, k);
}

function ranksOf(list: readonly Ranked[]): ReadonlyMap<number, number> {
  return new Map(list.map(({ slot }, at) => [slot, at + 1]));
}

function share(rank: number | undefined): number {
  return rank === undefined ? 0 : 1 / (rankOffset + rank);
}
