// What is to be written to a memory once something else stands: an entry of a log, or a change of a fact, as it waits in
// an actor's outbox. JSON as it is, so that a person can read it there.

import type { Json } from "../core/codec.ts";
import type { NewEntry } from "./entry.ts";
import type { FactOptions } from "./fact.ts";
import type { MergePolicyName } from "./fact-policy.ts";
import type { WriterNumber } from "./fact-writers.ts";

interface WritePlace {
  /** Key text of the scope. */
  readonly in: string;
  /** The scope's era in the bucket under which it was formed: after an erasure it is not written any more. */
  readonly era?: number;
}

export interface EntryWrite extends WritePlace {
  readonly entry: NewEntry;
  readonly fact?: undefined;
}

export interface FactWrite extends WritePlace {
  /** The fact's name. */
  readonly fact: string;
  readonly change: FactChange;
}

export type FactChange =
  | { readonly kind: "set"; readonly value: Json; readonly options?: FactOptions }
  | { readonly kind: "merge"; readonly value: Json; readonly policy: MergePolicyName; readonly options?: FactOptions }
  | { readonly kind: "delete"; readonly options?: Pick<FactOptions, "by" | "cause" | "trace"> };

export type MemoryWrite = EntryWrite | FactWrite;

/** A write and what it is called: who writes it again under the same id writes it once. */
export interface NamedWrite {
  readonly id: string;
  /** Its number among those of its writer, which makes them in order. */
  readonly numbered?: WriterNumber;
  readonly write: MemoryWrite;
}

export function isEntryWrite(write: MemoryWrite): write is EntryWrite {
  return write.fact === undefined;
}
