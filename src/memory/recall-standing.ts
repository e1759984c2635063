// Which hits still stand: what the index knows against what the store holds.

import type { KvStore, Revision } from "../kv/store.ts";
import type { Fact } from "./fact.ts";
import { recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { RecallDocument } from "./recall/document.ts";
import type { RecallHit } from "./recall/hit.ts";

/** Facts whose time to live, and scopes whose beginning, is remembered here; others are noticed when they are looked up. */
const knownMax = 100_000;

export class StandingHits {
  readonly #stores: MemoryStores;
  /** When facts end, by key. */
  readonly #mortal = new Map<string, { readonly revision: Revision; readonly expiresAtMs: number }>();
  readonly #firsts = new Map<string, number>();

  constructor(stores: MemoryStores) {
    this.#stores = stores;
  }

  note({ key, revision, expiresAtMs }: Fact): void {
    this.#mortal.delete(key);
    if (expiresAtMs === undefined) return;
    this.#mortal.set(key, { revision, expiresAtMs });
    letGoOfOldest(this.#mortal);
  }

  /** Where a log begins, as its head says before each record that lies before is emptied. */
  noteHead(scope: string, first: number): void {
    if (first === 1) return;
    this.#firsts.delete(scope);
    this.#firsts.set(scope, first);
    letGoOfOldest(this.#firsts);
  }

  /** What heads have said of the scopes with these key texts: they are read again, and may be in another bucket. */
  forget(isGone: (scope: string) => boolean): void {
    for (const scope of this.#firsts.keys()) if (isGone(scope)) this.#firsts.delete(scope);
  }

  /** A fact whose time to live is over, an entry that was cut off. */
  isOver({ key, scope, revision, kind, position }: RecallDocument, nowMs: number): boolean {
    if (kind !== "fact") return recordOf(position) < (this.#firsts.get(scope) ?? 0);
    const mortal = this.#mortal.get(key);
    return mortal !== undefined && mortal.revision === revision && mortal.expiresAtMs <= nowMs;
  }

  /** The hits that stand, in their order. One request for each bucket. */
  async of(hits: readonly RecallHit[]): Promise<readonly RecallHit[]> {
    const { entries, facts } = this.#stores;
    const [ofEntries, ofFacts] = await Promise.all([
      revisionsOf(
        entries,
        hits.filter(({ document }) => document.kind !== "fact"),
      ),
      revisionsOf(
        facts,
        hits.filter(({ document }) => document.kind === "fact"),
      ),
    ]);
    return hits.filter(({ document }) => {
      const { kind, key, revision } = document;
      return (kind === "fact" ? ofFacts : ofEntries).get(key) === revision;
    });
  }
}

function letGoOfOldest(known: Map<string, unknown>): void {
  const [oldest] = known.keys();
  if (known.size > knownMax && oldest !== undefined) known.delete(oldest);
}

async function revisionsOf(store: KvStore, hits: readonly RecallHit[]): Promise<ReadonlyMap<string, Revision>> {
  const keys = [...new Set(hits.map(({ document }) => document.key))];
  if (keys.length === 0) return new Map();
  const found = await store.getMany(keys);
  return new Map([...found].map(([key, { revision }]) => [key, revision]));
}
