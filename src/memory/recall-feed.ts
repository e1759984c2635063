// The index of one scope's log, fed from the store when it is searched: what was written before a search is found by it.
//
//   R1. It holds the newest entries, bounded. After an erasure, or a cut at the front, it is made anew.
//   R2. A hit is looked up before it is given out: what is not in the store as the index knows it is no hit.
//   R3. When the last record above the floor does not stand as it was read, the bucket is another one (E3 of `log-end.ts`), or
//       the record was written anew: the index is made anew too.

import type { Revision } from "../kv/store.ts";
import type { ContextLog } from "./context-log.ts";
import type { Entry } from "./entry.ts";
import { readWithHead } from "./log-end.ts";
import { readEntriesAt } from "./log-record.ts";
import type { EntrySchema } from "./log-schema.ts";
import { positionOf, recordKey, recordOf } from "./memory-keys.ts";
import { documentId } from "./memory-reads.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { NamedWrite } from "./memory-write.ts";
import type { RecallDocument } from "./recall/document.ts";
import type { Embedder } from "./recall/embedder.ts";
import type { RecallHit, RecallQueryOptions } from "./recall/hit.ts";
import { RecallIndex } from "./recall/recall-index.ts";
import { documentOfEntry } from "./recall-documents.ts";
import type { Scope } from "./scope.ts";
import { unwrittenEntries } from "./unwritten.ts";

export interface RecallFeedOptions {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  /** The scope's key text. */
  readonly text: string;
  readonly log: ContextLog;
  readonly entriesMax: number;
  readonly schema: EntrySchema;
  /** Undefined: words alone. */
  readonly embedder: Embedder | undefined;
}

/** What a Date can hold. Unit: ms. */
const momentMax = 8.64e15;

/** Records that are asked for behind the last one that is known. */
const recordsAtOnce = 16;

export class RecallFeed {
  readonly #options: RecallFeedOptions;
  #index: RecallIndex | undefined;
  /** Records up to this one are in it. */
  #end = 0;
  /** That of the last of them, as it was read. */
  #endRevision: Revision = 0;
  /** Ids of the newest entries that it has read. */
  readonly #ids = new Set<string>();
  /** What the scope's head said of what is gone when it was last looked at. */
  #gone = "";
  #refreshing: Promise<RecallIndex> | undefined;
  #isEmbedding = false;

  constructor(options: RecallFeedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#index?.size ?? 0;
  }

  forget(): void {
    this.#index = undefined;
    this.#end = 0;
    this.#endRevision = 0;
    this.#ids.clear();
  }

  /** `unwritten`: what is not in the store yet, and is found too. Rejects as reading the log does. */
  async search(
    query: string,
    options: RecallQueryOptions,
    unwritten: readonly NamedWrite[],
  ): Promise<readonly RecallHit[]> {
    const index = await this.#refresh();
    this.#embed(index);
    const { text } = this.#options;
    const own = unwrittenEntries(text, unwritten, this.#ids, positionOf(this.#end, 0)).map((entry) =>
      documentOf(entry),
    );
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

  /** The head and what is new come with one request, so that what an erasure has taken is not read under the era before. */
  async #readOn(): Promise<RecallIndex> {
    const { stores, scope, schema } = this.#options;
    const reading = { codecs: stores.codecs, schema };
    for (;;) {
      const numbers = Array.from({ length: recordsAtOnce }, (_, at) => this.#end + 1 + at);
      const { head, records } = await readWithHead(stores, scope, this.#end === 0 ? numbers : [this.#end, ...numbers]);
      const gone = JSON.stringify([head.era, head.first, head.base, head.erasing?.id]);
      const isSame = records.get(recordKey(scope, this.#end))?.revision === this.#endRevision;
      if (gone !== this.#gone || (this.#end > head.floor && !isSame)) this.forget(); // R1, R3
      this.#gone = gone;
      if (this.#index === undefined) {
        this.#index = await this.#readAll(this.#newIndex());
        continue;
      }
      for (const record of numbers) {
        const stored = records.get(recordKey(scope, record));
        if (stored === undefined && record > head.floor) return this.#index;
        if (stored !== undefined) this.#add(this.#index, await readEntriesAt(reading, stored, scope, record));
        this.#end = record;
        this.#endRevision = stored?.revision ?? 0;
      }
    }
  }

  #newIndex(): RecallIndex {
    const { stores, entriesMax: documentsMax, embedder } = this.#options;
    return new RecallIndex({ documentsMax, clock: stores.clock, ...(embedder === undefined ? {} : { embedder }) });
  }

  /** In the background: what has no vector yet is ranked by its words. What fails is tried again by the next search. */
  #embed(index: RecallIndex): void {
    if (this.#isEmbedding || index.unembedded === 0) return;
    this.#isEmbedding = true;
    const done = () => {
      this.#isEmbedding = false;
    };
    index.embed().then(done, done);
  }

  async #readAll(index: RecallIndex): Promise<RecallIndex> {
    const { log, entriesMax } = this.#options;
    for await (const entry of log.read({ last: entriesMax })) {
      this.#add(index, [entry]);
      this.#end = recordOf(entry.position);
      this.#endRevision = entry.revision;
    }
    return index;
  }

  #add(index: RecallIndex, entries: readonly Entry[]): void {
    for (const entry of entries) {
      index.add(documentOf(entry));
      this.#ids.add(entry.id);
    }
    for (const oldest of this.#ids) {
      if (this.#ids.size <= this.#options.entriesMax) return;
      this.#ids.delete(oldest);
    }
  }
}

function documentOf(entry: Entry): RecallDocument {
  const document = documentOfEntry(entry);
  const atMs = Math.max(-momentMax, Math.min(momentMax, entry.atMs));
  // What is not in the store yet has no key to be called by.
  return { ...document, id: documentId(entry), atMs };
}
