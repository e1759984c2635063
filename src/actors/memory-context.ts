// `ctx.memory`: what a handler and a query see of what is remembered.

import type { Json } from "../core/codec.ts";
import type { Entry, EntryKind, NewEntry } from "../memory/entry.ts";
import type { Fact, FactOptions } from "../memory/fact.ts";
import type { MergePolicyName } from "../memory/fact-policy.ts";
import type { RecallHit } from "../memory/recall/hit.ts";
import type { Scope } from "../memory/scope.ts";

/** Which memory is meant. */
export interface MemoryPlaceOptions {
  /** Default: the turn's own, as the definition says. */
  readonly scope?: Scope;
}

export interface MemoryRecallOptions {
  /** Hits at most. Default 8. */
  readonly k?: number;
  /** Default: the turn's own scope and the definition's `scopes`. */
  readonly scopes?: readonly Scope[];
  /** Default: all. */
  readonly kinds?: readonly EntryKind[];
  /** From this moment on, and before that one. Unit: ms since the Unix epoch. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

export interface MemoryReadOptions extends MemoryPlaceOptions {
  /** The last so many entries. Default 100, at most 10,000. */
  readonly last?: number;
}

/**
 * What is remembered, as the store has it when it is asked, with what this actor has written in turns before and the store
 * does not have yet.
 */
export interface MemoryInQuery {
  /** Whose memory it is when nothing else is said. */
  readonly scope: Scope;
  /** What fits the query best, the best first. Rejects as the store does, and with SCOPE_INVALID. */
  recall(query: string, options?: MemoryRecallOptions): Promise<readonly RecallHit[]>;
  /** The newest entries of the log, the oldest of them first. What is not in the store yet has the revision 0. */
  read(options?: MemoryReadOptions): Promise<readonly Entry[]>;
  /** Undefined when nothing is known under the name. What is not in the store yet has the revision 0. */
  fact(name: string, options?: MemoryPlaceOptions): Promise<Fact | undefined>;
}

/** Reads see what this turn has written as well. What it writes takes effect if and only if this turn commits. */
export interface MemoryInTurn extends MemoryInQuery {
  /** The newest entries that fit the budget, with the summary and what is pinned; empty unless `bring.window` is set. */
  readonly window: readonly Entry[];
  /** What fits the message, without what stands in the window; empty unless `bring.recall` is set. */
  readonly recalled: readonly RecallHit[];
  /** By name; empty unless `bring.facts` is set. */
  readonly facts: ReadonlyMap<string, Fact>;
  /** Adds an entry to the log. `cause` and `trace` are the turn's. Throws ENTRY_INVALID, SCOPE_INVALID, PAYLOAD_TOO_LARGE. */
  append(entry: Omit<NewEntry, "id" | "cause" | "trace">, options?: MemoryPlaceOptions): void;
  /** Throws FACT_INVALID, SCOPE_INVALID, PAYLOAD_TOO_LARGE. */
  setFact(name: string, value: Json, options?: MemoryFactOptions): void;
  /** Brings the value together with what stands when it is written. Throws as `setFact`. */
  mergeFact(name: string, value: Json, policy: MergePolicyName, options?: MemoryFactOptions): void;
  /** Throws as `setFact`. */
  deleteFact(name: string, options?: MemoryPlaceOptions): void;
}

export type MemoryFactOptions = MemoryPlaceOptions & Omit<FactOptions, "cause" | "trace">;
