// The memories of the agents of one process: what their turns read of them, and what their commits write to them. The laws
// of reading stand in `memory-reads.ts`.

import type { EventStream } from "../core/events.ts";
import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import type { Facts } from "./facts.ts";
import { readHead } from "./head.ts";
import { heardRecall } from "./heard-recall.ts";
import type { MemoryReads, RecallRequest, ScopeEras } from "./memory-reads.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { NamedWrite } from "./memory-write.ts";
import type { RecallHit } from "./recall/hit.ts";
import type { Scope } from "./scope.ts";
import { parseScope, scopeKey } from "./scope.ts";
import type { AgentMemorySettings, ScopeMemory } from "./scope-memories.ts";
import { ScopeMemories } from "./scope-memories.ts";
import { approximateTokens } from "./token-count.ts";
import { unwrittenEntries, unwrittenFact, unwrittenNames } from "./unwritten.ts";

/** Facts that `true` brings of one scope. */
const factsMax = 1_000;
const factsPage = 500;

export class AgentMemory implements MemoryReads {
  readonly #stores: MemoryStores;
  readonly #memories: ScopeMemories;
  readonly #events: EventStream | undefined;

  /** Rejects with OPTION_INVALID. */
  constructor(stores: MemoryStores, settings: AgentMemorySettings = {}) {
    this.#stores = stores;
    this.#memories = new ScopeMemories(stores, settings);
    this.#events = settings.events;
  }

  /** To write to. `scope`: its key text. */
  of(scope: string): ScopeMemory {
    return this.#memories.of(scope);
  }

  async eras(scopes: readonly string[]): Promise<ReadonlyMap<string, ScopeEras>> {
    const { entries, facts } = this.#stores;
    const eraIn = async (store: typeof entries, scope: Scope) => (await readHead(store, scope)).head.era;
    const found = await Promise.all(
      scopes.map(async (text) => {
        const scope = parseScope(text);
        const [ofEntries, ofFacts] = await Promise.all([eraIn(entries, scope), eraIn(facts, scope)]);
        return [text, { entries: ofEntries, facts: ofFacts }] as const;
      }),
    );
    return new Map(found);
  }

  async window(scope: Scope, tokens: number, unwritten: readonly NamedWrite[]): Promise<readonly Entry[]> {
    const { text, log } = this.#memories.of(scopeKey(scope));
    const all = unwrittenEntries(text, unwritten, new Set());
    let left = tokens;
    // The newest first, as long as they fit: what is not stored yet is newer than all that is.
    const fitting = all.toReversed().filter((entry) => {
      left -= approximateTokens(entry);
      return left >= 0;
    });
    const { entries } = await log.window({ tokens: Math.max(1, left) });
    const stored = new Set(entries.map(({ id }) => id));
    const wanted = new Set(fitting.map(({ id }) => id));
    const missing = unwrittenEntries(text, unwritten, stored, entries.at(-1)?.position);
    return [...entries, ...missing.filter(({ id }) => wanted.has(id))];
  }

  async last(scope: Scope, count: number, unwritten: readonly NamedWrite[]): Promise<readonly Entry[]> {
    const { text, log } = this.#memories.of(scopeKey(scope));
    const entries: Entry[] = [];
    for await (const entry of log.read({ last: count })) entries.push(entry);
    const stored = new Set(entries.map(({ id }) => id));
    return [...entries, ...unwrittenEntries(text, unwritten, stored, entries.at(-1)?.position)].slice(-count);
  }

  async facts(
    scopes: readonly Scope[],
    names: readonly string[] | true,
    unwritten: readonly NamedWrite[],
  ): Promise<ReadonlyMap<string, Fact>> {
    const ofEach = await Promise.all(scopes.map((scope) => this.#factsOf(scope, names, unwritten)));
    const found = new Map<string, Fact>();
    for (const facts of ofEach.toReversed()) for (const [name, fact] of facts) found.set(name, fact);
    return found;
  }

  recall(request: RecallRequest, unwritten: readonly NamedWrite[]): Promise<readonly RecallHit[]> {
    const { scopes, k } = request;
    const heard = { by: "actor", events: this.#events, clock: this.#stores.clock } as const;
    const about = { ...heard, scopes: () => scopes.map(scopeKey), k };
    return heardRecall(
      about,
      () => this.#recall(request, unwritten),
      (hits) => hits,
    );
  }

  async #recall(request: RecallRequest, unwritten: readonly NamedWrite[]): Promise<readonly RecallHit[]> {
    const { query, scopes, k, kinds, sinceMs, untilMs } = request;
    const texts = [...new Set(scopes.map(scopeKey))];
    const options = {
      k,
      ...(kinds === undefined ? {} : { kinds }),
      ...(sinceMs === undefined ? {} : { since: sinceMs }),
      ...(untilMs === undefined ? {} : { until: untilMs }),
    };
    const ofEach = await Promise.all(
      texts.map((text) => this.#memories.of(text).feed.search(query, options, unwritten)),
    );
    this.#memories.trim(new Set(texts));
    const best = ofEach.flat().sort((a, b) => b.score - a.score);
    return best.slice(0, k);
  }

  async #factsOf(
    scope: Scope,
    names: readonly string[] | true,
    unwritten: readonly NamedWrite[],
  ): Promise<ReadonlyMap<string, Fact>> {
    const { text, facts } = this.#memories.of(scopeKey(scope));
    const found = names === true ? await allFacts(facts) : await facts.getMany(names);
    const changed = new Set(unwrittenNames(text, unwritten));
    if (changed.size === 0) return found;
    const known = new Map(found);
    const nowMs = this.#stores.clock.now();
    for (const name of changed) {
      if (names !== true && !names.includes(name)) continue;
      const fact = await unwrittenFact({ scope, text, name }, known.get(name), unwritten, nowMs);
      if (fact === undefined) known.delete(name);
      else known.set(name, fact);
    }
    return known;
  }
}

async function allFacts(facts: Facts): Promise<ReadonlyMap<string, Fact>> {
  const found = new Map<string, Fact>();
  let cursor: string | undefined;
  do {
    const page = await facts.list({ limit: factsPage, ...(cursor === undefined ? {} : { cursor }) });
    for (const fact of page.facts) found.set(fact.name, fact);
    cursor = page.cursor;
  } while (cursor !== undefined && found.size < factsMax);
  return found;
}
