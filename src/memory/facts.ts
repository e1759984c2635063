// The facts of one scope: values under names, with what was known when.
//
//   F1. A fact that exists is written by one compare-and-set on its revision, as of a moment at which the scope was not
//       being erased: an erasure that comes between takes the revision away.
//   F2. What does not exist is written only while the scope's head is as it was read: what was formed before an erasure
//       never lands after it.
//   F3. A write whose answer was lost is looked for by its id; what cannot be known rejects with OUTCOME_UNKNOWN.
//   F4. A fact whose time to live is over is absent for every reader.

import type { Json } from "../core/codec.ts";
import type { JsonPatch } from "../core/json-patch.ts";
import type { Schema } from "../core/schema.ts";
import type { Fact } from "./fact.ts";
import type { FactMoment, FactVersion } from "./fact-history.ts";
import type { DeleteOptions, FactOutcome, FactWriteOptions } from "./fact-outcome.ts";
import type { MergePolicy } from "./fact-policy.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";

/** Leads a fact's value from one schema number to the next. Synchronous. */
export type FactUpcaster = (value: Json, name: string) => Json;

export interface FactsOptions {
  /** How `merge` brings values together, by fact name; `*` for all others. Default "last". */
  readonly policies?: Readonly<Record<string, MergePolicy>>;
  /** What values must be, by fact name; `*` for all others. Checked before a write, and when they are read. */
  readonly schemas?: Readonly<Record<string, Schema>>;
  /** The schema number of today's values. Default 1. */
  readonly schema?: number;
  /** By the schema number that each leads on from. */
  readonly upcasters?: Readonly<Record<number, FactUpcaster>>;
}

export interface FactsPlace {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  readonly options?: FactsOptions;
}

export interface FactListOptions {
  /** Only names that begin so. */
  readonly prefix?: string;
  /** At most so many. Default 100, at most 500. */
  readonly limit?: number;
  /** The `cursor` of the page before. */
  readonly cursor?: string;
}

export interface FactPage {
  /** By name. */
  readonly facts: readonly Fact[];
  /** Undefined on the last page. */
  readonly cursor: string | undefined;
}

/** Makes the next value of the present one; undefined, or the same value, leaves the fact as it is. */
export type FactChange = (present: Json | undefined) => Json | undefined | Promise<Json | undefined>;

export interface MergeOptions extends FactWriteOptions {
  /** Default: what `policies` says of the name. */
  readonly policy?: MergePolicy;
}

export interface HeldAtOptions {
  /** As the store had it then. Default: now. */
  readonly asOf?: FactMoment;
}

export interface FactsShape {
  get(name: string): Promise<Fact | undefined>;
  getMany(names: readonly string[]): Promise<ReadonlyMap<string, Fact>>;
  list(options?: FactListOptions): Promise<FactPage>;
  set(name: string, value: Json, options?: FactWriteOptions): Promise<FactOutcome>;
  update(name: string, change: FactChange, options?: FactWriteOptions): Promise<FactOutcome>;
  merge(name: string, value: Json, options?: MergeOptions): Promise<FactOutcome>;
  delete(name: string, options?: DeleteOptions): Promise<FactOutcome>;
  history(name: string): Promise<readonly FactVersion[]>;
  at(name: string, moment: FactMoment): Promise<Fact | undefined>;
  heldAt(name: string, timeMs: number, options?: HeldAtOptions): Promise<Fact | undefined>;
  diff(name: string, from: FactMoment, to: FactMoment): Promise<JsonPatch>;
}
