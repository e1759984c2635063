// The memories of scopes that one process has at hand: handles of logs and facts, and an index for recall where somebody
// recalled. Shared by all its agents, so that those who write to one scope at the same time share its appends.
//
//   M1. Bounded: of the scopes the one that was not used for longest goes first. What a handle knows it reads again.

import { ContextLog } from "./context-log.ts";
import type { ContextStoreSettings } from "./context-store-options.ts";
import { Facts } from "./facts.ts";
import type { EntrySchema } from "./log-schema.ts";
import { resolveEntrySchema } from "./log-schema.ts";
import type { MemoryStores } from "./memory-stores.ts";
import { RecallFeed } from "./recall-feed.ts";
import type { Scope } from "./scope.ts";
import { parseScope } from "./scope.ts";

/** The part of a context store's settings that holds for agents too. */
export type AgentMemorySettings = Partial<
  Pick<ContextStoreSettings, "entrySchema" | "factForm" | "embedder" | "idempotencyEntries" | "events">
>;

export interface ScopeMemory {
  readonly scope: Scope;
  /** The scope's key text. */
  readonly text: string;
  readonly log: ContextLog;
  readonly facts: Facts;
  readonly feed: RecallFeed;
}

export interface ScopeMemoriesOptions extends AgentMemorySettings {
  /** Scopes at hand. Default 2,000. */
  readonly scopesMax?: number;
  /** Entries of one scope that recall finds, the newest. Default 20,000. */
  readonly recallEntriesMax?: number;
  /** Entries that recall holds of all scopes together. Default 100,000. */
  readonly recallEntriesMaxOfAll?: number;
}

export class ScopeMemories {
  readonly stores: MemoryStores;
  readonly #settings: AgentMemorySettings;
  readonly #schema: EntrySchema;
  readonly #scopesMax: number;
  readonly #recallEntriesMax: number;
  readonly #recallEntriesMaxOfAll: number;
  /** The one that was not used for longest first. */
  readonly #byText = new Map<string, ScopeMemory>();

  constructor(stores: MemoryStores, options: ScopeMemoriesOptions = {}) {
    this.stores = stores;
    this.#settings = options;
    this.#schema = resolveEntrySchema(options.entrySchema);
    this.#scopesMax = options.scopesMax ?? 2_000;
    this.#recallEntriesMax = options.recallEntriesMax ?? 20_000;
    this.#recallEntriesMaxOfAll = options.recallEntriesMaxOfAll ?? 100_000;
  }

  /** `text`: the scope's key text. */
  of(text: string): ScopeMemory {
    const known = this.#byText.get(text) ?? this.#open(text);
    this.#byText.delete(text);
    this.#byText.set(text, known);
    return known;
  }

  /** Lets indexes go until the bound holds, but not that of `kept` (M1). */
  trim(kept: ReadonlySet<string>): void {
    let entries = 0;
    for (const { feed } of this.#byText.values()) entries += feed.size;
    for (const [text, { feed }] of this.#byText) {
      if (entries <= this.#recallEntriesMaxOfAll) return;
      if (kept.has(text)) continue;
      entries -= feed.size;
      feed.forget();
    }
  }

  #open(text: string): ScopeMemory {
    const [oldest] = this.#byText.keys();
    if (oldest !== undefined && this.#byText.size >= this.#scopesMax) this.#byText.delete(oldest);
    const { stores } = this;
    const { entrySchema, factForm, embedder, idempotencyEntries } = this.#settings;
    const scope = parseScope(text);
    const log = new ContextLog({
      ...{ stores, scope },
      ...(entrySchema === undefined ? {} : { entrySchema }),
      ...(idempotencyEntries === undefined ? {} : { idempotencyEntries }),
    });
    const facts = new Facts({ stores, scope, ...(factForm === undefined ? {} : { options: factForm }) });
    const entriesMax = this.#recallEntriesMax;
    const feed = new RecallFeed({ stores, scope, text, log, entriesMax, schema: this.#schema, embedder });
    return { scope, text, log, facts, feed };
  }
}
