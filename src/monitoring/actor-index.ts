// All actors of an app in a few words each, so that 100,000 of them can be searched and paged in milliseconds.
//
//   X1. It says what the state feed has told, of each actor the last. What is gone leaves it: by a deletion, or by not being
//       told again after the feed has started over.
//   X2. It holds no states, and at most `actorsMax` actors: of more it knows no more, and says so (`isFull`).
//   X3. Paging goes through all that stood still: an actor that changes meanwhile may come twice or, when it moves to a part
//       that was shown, not again; no other is left out.

import { addressOf } from "../core/ids.ts";
import type { KvEntry } from "../kv/store.ts";
import type { ActorFacts } from "./actor-row.ts";
import { factsOf } from "./actor-row.ts";
import { Foremost } from "./foremost.ts";
import type { StateListener } from "./state-feed.ts";

/** Some 400 bytes each. */
export const actorsMax = 500_000;

export interface IndexedActor extends ActorFacts {
  /** `type.id` escaped. */
  readonly key: string;
  readonly type: string;
  readonly id: string;
  /** Of the snapshot in which it was told last. */
  round: number;
}

export type ActorOrder = "changed" | "key" | "bytes";

/** Where a page ends: what its last actor has in the order, and its key. */
export interface ActorPlace {
  readonly value: number;
  readonly key: string;
}

export interface ActorQuery {
  readonly type?: string | undefined;
  /** Somewhere in `type/id`, in capitals or not. */
  readonly search?: string | undefined;
  readonly only?: ((actor: IndexedActor) => boolean) | undefined;
  readonly order: ActorOrder;
  readonly most: number;
  /** Only those behind it. */
  readonly after?: ActorPlace | undefined;
}

export interface ActorsFound {
  readonly actors: readonly IndexedActor[];
  /** All that match, of any page. */
  readonly total: number;
  /** Undefined when these are the last. */
  readonly end: ActorPlace | undefined;
}

export class ActorIndex implements StateListener {
  readonly #actors = new Map<string, IndexedActor>();
  readonly #types = new Map<string, number>();
  readonly #listeners = new Set<(actor: IndexedActor) => void>();
  readonly #most: number;
  #round = 0;
  #isFull = false;

  constructor(most = actorsMax) {
    this.#most = most;
  }

  /** More actors came than it takes (X2). */
  get isFull(): boolean {
    return this.#isFull;
  }

  get size(): number {
    return this.#actors.size;
  }

  /** Actors by type. */
  get types(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#types].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get(key: string): IndexedActor | undefined {
    return this.#actors.get(key);
  }

  /** Runs for each change that is news. Returns the function that stops it. */
  onChange(listener: (actor: IndexedActor) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onEntry(entry: KvEntry, isSnapshot: boolean): void {
    const { key } = entry;
    const known = this.#actors.get(key);
    if (entry.operation !== "put") {
      if (known !== undefined) this.#forget(known);
      return;
    }
    const actor = known ?? this.#add(key);
    if (actor === undefined) return;
    Object.assign(actor, factsOf(entry));
    actor.round = this.#round;
    if (!isSnapshot) for (const listener of this.#listeners) listener(actor);
  }

  onRestarted(): void {
    this.#round += 1;
  }

  onCurrent(): void {
    for (const actor of this.#actors.values()) if (actor.round !== this.#round) this.#forget(actor); // X1
  }

  find({ type, search, only, order, most, after }: ActorQuery): ActorsFound {
    const compare = comparisons[order];
    const matches = matcherOf(search);
    const first = new Foremost<IndexedActor>(most, compare);
    const behind = after === undefined ? undefined : placed(order, after);
    let total = 0;
    let left = 0;
    for (const actor of this.#actors.values()) {
      if (type !== undefined && actor.type !== type) continue;
      if (only !== undefined && !only(actor)) continue;
      if (!matches(actor)) continue;
      total += 1;
      if (behind !== undefined && compare(actor, behind) <= 0) continue;
      left += 1;
      first.offer(actor);
    }
    const actors = first.list();
    const last = actors.at(-1);
    const isEnd = left <= actors.length || last === undefined;
    return { actors, total, end: isEnd ? undefined : { value: valueIn(order, last), key: last.key } };
  }

  #add(key: string): IndexedActor | undefined {
    const address = addressOf(key);
    if (address === undefined) return undefined;
    if (this.#actors.size >= this.#most) {
      this.#isFull = true; // X2
      return undefined;
    }
    const { type, id } = address;
    const nothing = {
      revision: 0,
      changedAtMs: 0,
      bytes: 0,
      pendingSends: 0,
      isStopped: false,
      trace: null,
      glimpse: "",
    };
    const actor: IndexedActor = { key, type, id, ...nothing, round: this.#round };
    this.#actors.set(key, actor);
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
    return actor;
  }

  #forget({ key, type }: IndexedActor): void {
    this.#actors.delete(key);
    const left = (this.#types.get(type) ?? 1) - 1;
    if (left > 0) this.#types.set(type, left);
    else this.#types.delete(type);
  }
}

type Placed = Pick<IndexedActor, "key" | "revision" | "bytes">;

const byKey = (a: Placed, b: Placed) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Revisions grow with each change of any actor, so that no two have the same. */
const comparisons: Readonly<Record<ActorOrder, (a: Placed, b: Placed) => number>> = {
  changed: (a, b) => b.revision - a.revision || byKey(a, b),
  bytes: (a, b) => b.bytes - a.bytes || byKey(a, b),
  key: byKey,
};

function valueIn(order: ActorOrder, { revision, bytes }: Placed): number {
  return order === "changed" ? revision : order === "bytes" ? bytes : 0;
}

function placed(order: ActorOrder, { value, key }: ActorPlace): Placed {
  return { key, revision: order === "changed" ? value : 0, bytes: order === "bytes" ? value : 0 };
}

/** `/` and `.` stand for each other: people write `type/id`, keys `type.id`. */
function matcherOf(search: string | undefined): (actor: IndexedActor) => boolean {
  if (search === undefined) return () => true;
  const source = search.replace(/[\\^$.*+?()[\]{}|/-]/g, (char) => (/[./]/.test(char) ? "[./]" : `\\${char}`));
  const form = new RegExp(source, "i");
  return ({ key, type, id }) => form.test(key) || (key.includes("=") && form.test(`${type}/${id}`));
}
