// What an erasure says that it has done, in a form that can be kept as JSON and held against the store later.

import type { Revision } from "../kv/store.ts";
import type { ErasureDone } from "./head.ts";
import { parseScope, type Scope } from "./scope.ts";

export interface ErasureReceipt {
  readonly id: string;
  readonly scope: Scope;
  /** The scopes under it went with it. */
  readonly isUnder: boolean;
  /** When it began. Unit: ms since the Unix epoch. */
  readonly atMs: number;
  /** The scope itself first. */
  readonly scopes: readonly ErasedScope[];
}

export interface ErasedScope {
  readonly scope: Scope;
  readonly records: number;
  readonly entries: number;
  readonly facts: number;
  /** Of the records, and of the facts with their histories, as they were stored. */
  readonly bytes: number;
  /** From the oldest revision that was found (0: nothing was) to one at and below which nothing is left. */
  readonly revisions: { readonly memory: RevisionSpan; readonly facts: RevisionSpan };
  /** Forks that have lost what they shared. */
  readonly forks: readonly CutFork[];
}

export interface CutFork {
  readonly scope: Scope;
  /** No summary in its log that is older than this revision is left. */
  readonly last: Revision;
}

export type RevisionSpan = readonly [first: Revision, last: Revision];

/** What the head of a scope tells of its last erasure. */
export function erasedScope(scope: Scope, done: ErasureDone): ErasedScope {
  const { found, lastEntry = 0, lastFact = 0, forks = [] } = done;
  return {
    scope,
    records: found?.records ?? 0,
    entries: found?.entries ?? 0,
    facts: found?.facts ?? 0,
    bytes: found?.bytes ?? 0,
    revisions: { memory: [found?.firstEntry ?? 0, lastEntry], facts: [found?.firstFact ?? 0, lastFact] },
    forks: forks.map((fork) => ({ scope: parseScope(fork.scope), last: fork.last })),
  };
}
