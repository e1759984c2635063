// Facts as they lie in the store: one with the scope's head as of one moment, many, and the versions that are kept.

import type { KvEntry, Revision } from "../kv/store.ts";
import { type Fact, isDeletion, isExpired, readFact, toFact } from "./fact.ts";
import type { FactHistory, FactVersion } from "./fact-history.ts";
import { type StandingHead, standingHead } from "./head.ts";
import { factKey, headKey } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";

/** What stands at a fact's key, and the head of its scope, as of one moment. */
export interface StandingFact {
  readonly head: StandingHead;
  /** Undefined when the key does not exist or is deleted. It may have expired. */
  readonly stored: Fact | undefined;
}

export class FactReader {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  readonly #headKey: string;

  constructor(stores: MemoryStores, scope: Scope) {
    this.stores = stores;
    this.scope = scope;
    this.#headKey = headKey(scope);
  }

  async get(name: string): Promise<Fact | undefined> {
    return this.#alive(await this.stores.facts.get(factKey(this.scope, name)), name);
  }

  /** Those that there are, by name. */
  async getMany(names: readonly string[]): Promise<ReadonlyMap<string, Fact>> {
    const keys = new Map(names.map((name) => [name, factKey(this.scope, name)]));
    const entries = await this.stores.facts.getMany([...keys.values()]);
    const facts = new Map<string, Fact>();
    for (const [name, key] of keys) {
      const fact = await this.#alive(entries.get(key), name);
      if (fact !== undefined) facts.set(name, fact);
    }
    return facts;
  }

  async standing(name: string): Promise<StandingFact> {
    const key = factKey(this.scope, name);
    const entries = await this.stores.facts.getMany([this.#headKey, key]);
    const entry = entries.get(key);
    return {
      head: await standingHead(this.stores.facts, this.scope, entries.get(this.#headKey)),
      stored: entry === undefined ? undefined : await this.#factOf(entry, name),
    };
  }

  /** A write that the store had to make of several equal ones is one version: the last of them. */
  async history(name: string): Promise<FactHistory> {
    const { facts } = this.stores;
    const entries = await facts.history(factKey(this.scope, name));
    const versions: FactVersion[] = [];
    for (const entry of entries) {
      const fact = entry.operation === "put" ? await this.#factOf(entry, name) : undefined;
      const before = versions.at(-1);
      if (fact !== undefined && before !== undefined && writeIdOf(before) === fact.writeId) versions.pop();
      versions.push(versionOf(entry, fact));
    }
    return { name, versions, isComplete: entries.length < facts.historyMax };
  }

  async #factOf(entry: KvEntry, name: string): Promise<Fact> {
    const { key, revision, writtenAtMs } = entry;
    const stored = readFact(key, await this.stores.codecs.decode(key, entry.value));
    return toFact(stored, { scope: this.scope, name, key, revision, writtenAtMs });
  }

  async #alive(entry: KvEntry | undefined, name: string): Promise<Fact | undefined> {
    if (entry === undefined) return undefined;
    const fact = await this.#factOf(entry, name);
    return isExpired(fact, this.stores.clock.now()) ? undefined : fact;
  }
}

/** The version that a write of this id has left; undefined when there is none. */
export function versionOfWrite(history: FactHistory, writeId: string): FactVersion | undefined {
  return history.versions.findLast((version) => writeIdOf(version) === writeId);
}

function versionOf({ revision, writtenAtMs }: KvEntry, fact: Fact | undefined): FactVersion {
  if (fact === undefined || !isDeletion(fact)) return { revision, writtenAtMs, fact };
  const { by, cause, trace, writeId } = fact;
  return { revision, writtenAtMs, fact: undefined, deletion: { by, cause, trace, writeId } };
}

function writeIdOf({ fact, deletion }: FactVersion): string | undefined {
  return fact?.writeId ?? deletion?.writeId;
}

/** The deletion that came right after a revision and does not say whose it is; undefined when something else did. */
export function deletionAfter({ versions }: FactHistory, revision: Revision): FactVersion | undefined {
  const at = versions.findIndex((version) => version.revision === revision);
  const next = at < 0 ? undefined : versions[at + 1];
  return next !== undefined && writeIdOf(next) === undefined ? next : undefined;
}
