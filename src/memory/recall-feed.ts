// The index of one scope's log, fed from the store when it is searched: what was written before a search is found by it.
//
//   R1. It holds the newest entries, bounded. After an erasure, or a cut at the front, it is made anew.
//   R2. A hit is looked up before it is given out: what is not in the store as the index knows it is no hit.

import type { ContextLog } from "./context-log.ts";
import type { Entry } from "./entry.ts";
import { readHead } from "./head.ts";
import { documentId } from "./memory-reads.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { NamedWrite } from "./memory-write.ts";
import type { RecallDocument } from "./recall/document.ts";
import type { RecallHit, RecallQueryOptions } from "./recall/hit.ts";
import { RecallIndex } from "./recall/recall-index.ts";
import type { Scope } from "./scope.ts";
import { unwrittenEntries } from "./unwritten.ts";

export interface RecallFeedOptions {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  /** The scope's key text. */
  readonly text: string;
  readonly log: ContextLog;
  readonly entriesMax: number;
}

/** What a Date can hold. Unit: ms. */
const momentMax = 8.64e15;

export class RecallFeed {
  readonly #options: RecallFeedOptions;
  #index: RecallIndex | undefined;
  /** Position of the last entry that is in it. */
  #upTo = 0;
  /** Ids of the entries that it has read. */
  readonly #ids = new Set<string>();
  /** What the scope's head said of what is gone when it was last looked at. */
  #gone = "";
  #refreshing: Promise<RecallIndex> | undefined;

  constructor(options: RecallFeedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#index?.size ?? 0;
  }

  forget(): void {
    this.#index = undefined;
    this.#upTo = 0;
    this.#ids.clear();
  }

  /** `unwritten`: what is not in the store yet, and is found too. Rejects as reading the log does. */
  async search(
    query: string,
    options: RecallQueryOptions,
    unwritten: readonly NamedWrite[],
  ): Promise<readonly RecallHit[]> {
    const index = await this.#refresh();
    const { text } = this.#options;
    const own = unwrittenEntries(text, unwritten, this.#ids, this.#upTo).map((entry) => documentOf(text, entry));
    const ownIds = new Set(own.map(({ id }) => id));
    for (const document of own) index.add(document);
    try {
      // What another search has put in for itself alone is left out.
      const filter = (document: RecallDocument) => document.key !== "" || ownIds.has(document.id);
      const { hits } = await index.search(query, { ...options, filter });
      return this.#standing(index, hits);
    } finally {
      for (const id of ownIds) index.remove(id);
    }
  }

  /** R2. */
  async #standing(index: RecallIndex, hits: readonly RecallHit[]): Promise<readonly RecallHit[]> {
    const keys = [...new Set(hits.map(({ document }) => document.key))].filter((key) => key !== "");
    if (keys.length === 0) return hits;
    const stored = await this.#options.stores.entries.getMany(keys);
    return hits.filter(({ document: { id, key, revision } }) => {
      if (key === "" || stored.get(key)?.revision === revision) return true;
      index.remove(id);
      return false;
    });
  }

  /** One at a time: whoever comes while the log is being read waits for the next reading, which sees all that was before. */
  async #refresh(): Promise<RecallIndex> {
    const before = this.#refreshing;
    const mine = (async () => {
      await before?.catch(() => undefined);
      return this.#readOn();
    })();
    this.#refreshing = mine;
    try {
      return await mine;
    } finally {
      if (this.#refreshing === mine) this.#refreshing = undefined;
    }
  }

  async #readOn(): Promise<RecallIndex> {
    const { stores, scope, text, log, entriesMax } = this.#options;
    const { head } = await readHead(stores.entries, scope);
    const gone = JSON.stringify([head.era, head.first, head.base, head.erasing?.id]);
    if (gone !== this.#gone) this.forget();
    this.#gone = gone;
    const isNew = this.#index === undefined;
    const index = this.#index ?? new RecallIndex({ documentsMax: entriesMax });
    const from = isNew ? { last: entriesMax } : { after: this.#upTo };
    let upTo = this.#upTo;
    for await (const entry of log.read(from)) {
      index.add(documentOf(text, entry));
      this.#ids.add(entry.id);
      upTo = Math.max(upTo, entry.position);
    }
    this.#index = index;
    this.#upTo = upTo;
    return index;
  }
}

function documentOf(scope: string, entry: Entry): RecallDocument {
  const { key, revision, kind, text, speaker, role, atMs, position } = entry;
  return {
    ...{ id: documentId(entry), key, revision, scope, kind, text, role, position },
    atMs: Math.max(-momentMax, Math.min(momentMax, atMs)),
    ...(speaker === undefined ? {} : { speaker }),
  };
}
