// What stands in the memory, summed up by scope and by kind of scope: what the watches of its two buckets tell comes in, counts
// come out. Of a value nothing is kept but its size.
//
//   T1. The sums are what a listing of both buckets would find: each key counts as it was told last, and not at all once it is
//       deleted or emptied. Telling it again changes nothing.
//   T2. At most `keysMax` keys are known. What comes beyond is not counted, and `left` says how many writes that was.
//
// Bytes are those of the values that stand, heads included: without history, and without what the server adds to a message.

import { decodeText } from "../core/codec.ts";
import type { KvEntry } from "../kv/store.ts";
import type { MemoryBucketName } from "../memory/memory-change.ts";
import { placeOf } from "../memory/memory-keys.ts";
import type { Scope } from "../memory/scope.ts";

export interface ScopeSum {
  /** Its key text. */
  readonly scope: string;
  /** The parts that it has: "user", "agent.session", "shared". */
  readonly kind: string;
  /** Entries of its own log; one for a record that is written with a codec, which is not read here. */
  readonly entries: number;
  /** Facts that were not deleted, those whose time to live is over included while they lie there. */
  readonly facts: number;
  readonly bytes: number;
  readonly changedAtMs: number;
}

export interface KindSum {
  scopes: number;
  entries: number;
  facts: number;
  bytes: number;
}

/** What is known of one scope. A size is `count * sizeUnit + bytes`, in one number. */
interface Known {
  readonly scope: string;
  readonly kind: string;
  readonly sizes: Readonly<Record<MemoryBucketName, Map<number | string, number>>>;
  entries: number;
  facts: number;
  bytes: number;
  changedAtMs: number;
}

export interface ScopeTallyOptions {
  /** Default 1,000,000: some 60 to 120 MB. */
  readonly keysMax?: number;
}

const sizeUnit = 2 ** 32;
const head = "head";

export class ScopeTally {
  readonly #keysMax: number;
  readonly #scopes = new Map<string, Known>();
  readonly #kinds = new Map<string, KindSum>();
  #keys = 0;
  #left = 0;

  constructor({ keysMax = 1_000_000 }: ScopeTallyOptions = {}) {
    this.#keysMax = keysMax;
  }

  /** Keys that are known. */
  get keys(): number {
    return this.#keys;
  }

  /** Writes that were not counted (T2). */
  get left(): number {
    return this.#left;
  }

  /** By kind, those that hold something. */
  get kinds(): ReadonlyMap<string, Readonly<KindSum>> {
    return this.#kinds;
  }

  /** The scopes that hold an entry or a fact. */
  *scopes(): Generator<ScopeSum, void, undefined> {
    for (const known of this.#scopes.values()) {
      if (!holdsSomething(known)) continue;
      const { sizes: _own, ...sum } = known;
      yield sum;
    }
  }

  /** Whether something stands in the scope of this key text. */
  holds(scope: string): boolean {
    const known = this.#scopes.get(scope);
    return known !== undefined && holdsSomething(known);
  }

  /** Takes in what a watch of a bucket tells (T1). */
  take(bucket: MemoryBucketName, entry: KvEntry): void {
    const place = placeOf(entry.key);
    if (place === undefined) return;
    const text = scopeTextOf(entry.key, place.kind);
    const name = place.kind === "head" ? head : place.kind === "record" ? place.record : `.${place.name}`;
    const size = entry.operation === "put" ? sizeOf(place.kind, entry.value) : 0;
    const known = this.#scopes.get(text) ?? (size === 0 ? undefined : this.#add(text, place.scope));
    if (known === undefined) return;
    const sizes = known.sizes[bucket];
    const before = sizes.get(name);
    if (before === undefined && size > 0 && this.#keys >= this.#keysMax) {
      this.#left += 1; // T2
      this.#dropWhenEmpty(known);
      return;
    }
    this.#count(known, place.kind, size - (before ?? 0));
    if (size > 0) sizes.set(name, size);
    else sizes.delete(name);
    this.#keys += (size > 0 ? 1 : 0) - (before === undefined ? 0 : 1);
    known.changedAtMs = Math.max(known.changedAtMs, entry.writtenAtMs);
    this.#dropWhenEmpty(known);
  }

  /** A watch begins anew: nothing of the bucket is known until it is told again. */
  forget(bucket: MemoryBucketName): void {
    for (const known of this.#scopes.values()) {
      for (const [name, size] of known.sizes[bucket]) {
        this.#count(known, typeof name === "number" ? "record" : name === head ? "head" : "fact", -size);
      }
      this.#keys -= known.sizes[bucket].size;
      known.sizes[bucket].clear();
      this.#dropWhenEmpty(known);
    }
    this.#left = 0;
  }

  #add(scope: string, parts: Scope): Known {
    const known: Known = {
      ...{ scope, kind: kindOf(parts), entries: 0, facts: 0, bytes: 0, changedAtMs: 0 },
      sizes: { memory: new Map(), facts: new Map() },
    };
    this.#scopes.set(scope, known);
    return known;
  }

  /** `change`: of a size. Its bytes may go down while its count goes up, so it is taken apart with care. */
  #count(known: Known, kind: "head" | "record" | "fact", change: number): void {
    const count = Math.round(change / sizeUnit);
    const bytes = change - count * sizeUnit;
    const sum = this.#kinds.get(known.kind) ?? { scopes: 0, entries: 0, facts: 0, bytes: 0 };
    this.#kinds.set(known.kind, sum);
    const held = holdsSomething(known);
    const [entries, facts] = [kind === "record" ? count : 0, kind === "fact" ? count : 0];
    known.entries += entries;
    known.facts += facts;
    known.bytes += bytes;
    sum.entries += entries;
    sum.facts += facts;
    sum.bytes += bytes;
    sum.scopes += Number(holdsSomething(known)) - Number(held);
    if (sum.scopes === 0 && sum.bytes === 0) this.#kinds.delete(known.kind);
  }

  #dropWhenEmpty({ scope, sizes }: Known): void {
    if (sizes.memory.size === 0 && sizes.facts.size === 0) this.#scopes.delete(scope);
  }
}

const holdsSomething = ({ entries, facts }: Known): boolean => entries > 0 || facts > 0;

/** What stands before the facet of a key. */
function scopeTextOf(key: string, kind: "head" | "record" | "fact"): string {
  const cut = key.lastIndexOf(".");
  return key.slice(0, kind === "head" ? cut : key.lastIndexOf(".", cut - 1));
}

export function kindOf(scope: Scope): string {
  return Object.keys(scope).join(".");
}

const curly = 0x7b; // "{"
const square = 0x5b; // "["

/** Count and bytes of a value, in one number; 0 of one that was emptied. */
function sizeOf(kind: "head" | "record" | "fact", value: Uint8Array): number {
  if (value.length === 0) return 0;
  const count = kind === "head" ? 0 : kind === "record" ? entriesIn(value) : factsIn(value);
  return count * sizeUnit + value.length;
}

function entriesIn(value: Uint8Array): number {
  if (value[0] === curly) return holds(value, '"gone":1') ? countOf(value, ({ gone }) => gone !== 1) : 1;
  return value[0] === square ? countOf(value, ({ gone }) => gone !== 1) : 1;
}

/** A deletion that says who made it is a value too (`storedDeletion` of `fact.ts`). */
function factsIn(value: Uint8Array): number {
  return value[0] === curly && holds(value, '"expires":0') ? countOf(value, ({ expires }) => expires !== 0) : 1;
}

const holds = (value: Uint8Array, text: string): boolean =>
  Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(text);

/** Of what is no JSON, one: it stands there, whatever it is. */
function countOf(value: Uint8Array, counts: (one: Readonly<Record<string, unknown>>) => boolean): number {
  try {
    return [JSON.parse(decodeText(value)) as Readonly<Record<string, unknown>>].flat().filter(counts).length;
  } catch {
    return 1;
  }
}
