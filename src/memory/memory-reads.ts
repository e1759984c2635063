// What an actor's turn reads of memories.
//
//   D1. A read sees what the store holds when it is called, and after it the writes that are `unwritten`, each once, whether
//       the store has got them meanwhile or not.
//   D2. What has been erased or taken out is never read, also when an index still knows it.

import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import type { NamedWrite } from "./memory-write.ts";
import type { RecallHit } from "./recall/hit.ts";
import type { Scope } from "./scope.ts";

export interface RecallRequest {
  readonly query: string;
  readonly scopes: readonly Scope[];
  readonly k: number;
  readonly kinds?: readonly string[] | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Positions in the first scope that are known already and are not to be found again. */
  readonly without?: ReadonlySet<number> | undefined;
}

/** A scope's era in each of the two buckets. */
export interface ScopeEras {
  readonly entries: number;
  readonly facts: number;
}

/** What recall calls an entry: the same when it was found and when it was read. */
export const documentId = ({ key, id }: Pick<Entry, "key" | "id">): string => `${key} ${id}`;

/** All reject as the store does, with MEMORY_UNREADABLE and CODEC_UNKNOWN. */
export interface MemoryReads {
  /** The eras of these scopes (their key texts) now. */
  eras(scopes: readonly string[]): Promise<ReadonlyMap<string, ScopeEras>>;
  window(scope: Scope, tokens: number, unwritten: readonly NamedWrite[]): Promise<readonly Entry[]>;
  /** The last entries, the oldest of them first. */
  last(scope: Scope, count: number, unwritten: readonly NamedWrite[]): Promise<readonly Entry[]>;
  /** By name; of several scopes the first that has it counts. */
  facts(
    scopes: readonly Scope[],
    names: readonly string[] | true,
    unwritten: readonly NamedWrite[],
  ): Promise<ReadonlyMap<string, Fact>>;
  recall(request: RecallRequest, unwritten: readonly NamedWrite[]): Promise<readonly RecallHit[]>;
}
