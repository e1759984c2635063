// What every operation of a context log stands on: looking at the log, reading what it holds, writing entries to it.

import { TroupeError } from "../core/errors.ts";
import type { Entry, NewEntry } from "./entry.ts";
import { joinRecord, printEntry, storedEntry } from "./entry.ts";
import type { Draft } from "./log-append-step.ts";
import type { ContextLogOptions, ReadOptions } from "./log-calls.ts";
import type { SeenLog } from "./log-end.ts";
import { findEnd } from "./log-end.ts";
import type { IdPlace } from "./log-ids.ts";
import { KnownIds } from "./log-ids.ts";
import { readPages } from "./log-pages.ts";
import type { LogReading, StandingLog } from "./log-read.ts";
import { readingOf } from "./log-read.ts";
import type { RecordReading } from "./log-record.ts";
import { readEntriesAt, readStored } from "./log-record.ts";
import type { EntrySchema } from "./log-schema.ts";
import { checkData, resolveEntrySchema } from "./log-schema.ts";
import { segmentsOf } from "./log-segments.ts";
import type { Written } from "./log-writer.ts";
import { LogWriter } from "./log-writer.ts";
import { positionOf, recordEntriesMax, recordKey, recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";

export interface WriteOptions {
  /** Under which the entries were formed. Undefined: by somebody who knew nothing of the log. */
  readonly era: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of a summary: the position up to which it speaks. */
  readonly covers?: number;
}

/** Characters of the id of an entry that was given none. */
const idLength = 10;
const idPages = { pageSize: 64, pageSizeMax: 499 };

export class LogHandle {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  readonly #schema: EntrySchema;
  readonly #reading: RecordReading;
  readonly #writer: LogWriter;
  readonly #ids: KnownIds;
  readonly #idsMax: number;
  /** Drawn and not used yet: one drawing is enough for two ids, and costs as much as the rest of a draft. */
  #idLetters = "";
  /** What whoever looked without writing has seen. */
  #seen: { readonly era: number; readonly end: number } | undefined;

  /** Rejects with OPTION_INVALID. */
  constructor(stores: MemoryStores, scope: Scope, options: ContextLogOptions) {
    this.stores = stores;
    this.scope = scope;
    this.#schema = resolveEntrySchema(options.entrySchema);
    this.#reading = { codecs: stores.codecs, schema: this.#schema };
    this.#idsMax = checkCount("idempotencyEntries", options.idempotencyEntries ?? 10_000);
    this.#ids = new KnownIds(this.#idsMax);
    this.#writer = new LogWriter({
      ...{ stores, scope, ids: this.#ids },
      queuedCallsMax: checkCount("queuedCallsMax", options.queuedCallsMax ?? 10_000),
      learnIds: (seen) => this.#learnIds(seen),
      onSetBack: () => {
        this.#seen = undefined;
      },
    });
  }

  async look(): Promise<SeenLog> {
    const from = Math.max(this.#seen?.end ?? 0, this.#writer.tail?.end ?? 0);
    const seen = await findEnd(this.stores, this.scope, from);
    if (seen.end < from) this.#writer.startOver();
    this.#seen = { era: seen.head.era, end: seen.end };
    return seen;
  }

  /** The scope's era: known, or looked up. */
  async era(): Promise<number> {
    return this.knownEra() ?? (await this.look()).head.era;
  }

  /** The last era that this handle has seen. What is formed now may come of what stood in it, however long ago that was. */
  knownEra(): number | undefined {
    return Math.max(this.#seen?.era ?? 0, this.#writer.tail?.era ?? 0) || undefined;
  }

  /** The log as it stands now. */
  async open(): Promise<StandingLog> {
    return this.standing(await this.look());
  }

  /** `standing`: read it as it stood then. Default: as it stands when the reading begins. */
  read(options: ReadOptions, standing?: StandingLog): LogReading {
    const open = () => (standing === undefined ? this.open() : Promise.resolve(standing));
    return readingOf(open, this.stores.entries, this.#reading, options);
  }

  /** The entries at these positions that stand, in order. */
  async entriesAt(positions: readonly number[], { head, segments }: StandingLog): Promise<readonly Entry[]> {
    const wanted = new Set(positions);
    const places = new Map<string, { readonly scope: Scope; readonly record: number }>();
    for (const position of wanted) {
      const record = recordOf(position);
      const segment = segments.find(({ first, last, upTo }) => record >= first && record <= last && position <= upTo);
      if (segment !== undefined) places.set(recordKey(segment.scope, record), { scope: segment.scope, record });
    }
    if (places.size === 0) return [];
    const entries: Entry[] = [];
    for (const [key, kv] of await this.stores.entries.getMany([...places.keys()])) {
      const place = places.get(key);
      if (place === undefined) continue;
      for (const entry of await readEntriesAt(this.#reading, kv, place.scope, place.record)) {
        const { position } = entry;
        if (wanted.has(position)) entries.push({ ...entry, pinned: head.pins.includes(position) });
      }
    }
    return entries.sort((one, other) => one.position - other.position);
  }

  /** Rejects with ENTRY_INVALID before anything is written, and as the writer does. */
  async write(entries: readonly NewEntry[], { era, signal, covers }: WriteOptions): Promise<Written> {
    if (entries.length > recordEntriesMax) {
      const text = `one append takes at most ${recordEntriesMax} entries, got ${entries.length}`;
      throw new TroupeError("ENTRY_INVALID", text);
    }
    const drafts = entries.map((entry) => this.#draft(entry, covers));
    const { data } = this.#schema;
    if (data !== undefined) for (const entry of entries) await checkData(data, entry.data);
    signal?.throwIfAborted();
    return this.#writer.append(drafts, era ?? this.knownEra(), signal);
  }

  /** A summary as a record of its own. Rejects with ENTRY_INVALID. */
  async summaryRecord(summary: NewEntry, covers: number): Promise<{ readonly id: string; readonly value: Uint8Array }> {
    const { id, text } = this.#draft(summary, covers);
    if (this.#schema.data !== undefined) await checkData(this.#schema.data, summary.data);
    return { id, value: await this.stores.codecs.encode(joinRecord([text])) };
  }

  #draft(entry: NewEntry, covers: number | undefined): Draft {
    const fresh = this.#freshId();
    const stored = storedEntry(entry, fresh, this.#schema.schema, covers);
    const text = printEntry(stored);
    return { id: stored.id, isNamed: stored.id !== fresh, text, bytes: Buffer.byteLength(text) };
  }

  #freshId(): string {
    while (this.#idLetters.length < idLength) this.#idLetters += this.stores.clock.uniqueId();
    const id = this.#idLetters.slice(0, idLength);
    this.#idLetters = this.#idLetters.slice(idLength);
    return id;
  }

  async standing({ head, end }: Pick<SeenLog, "head" | "end">): Promise<StandingLog> {
    return { head, segments: await segmentsOf(this.stores, this.scope, head, end) };
  }

  /** The ids behind those that are known, or of the last entries of the log when that is too far back. */
  async #learnIds(seen: SeenLog): Promise<void> {
    const { entries, codecs } = this.stores;
    const known = this.#ids.upTo;
    const isNear = known !== undefined && seen.end - known <= this.#idsMax;
    const { segments } = await this.standing(seen);
    if (!isNear) this.#ids.forget();
    const unknown = isNear ? segments.map((own) => ({ ...own, first: Math.max(own.first, known + 1) })) : segments;
    const found: IdPlace[] = [];
    for await (const page of readPages(entries, unknown, { order: "newest", ...idPages })) {
      for (const { segment, record, kv } of page) {
        const stored = await readStored(codecs, kv);
        for (let index = stored.length - 1; index >= 0; index -= 1) {
          const { id, gone } = stored[index] ?? {};
          const position = positionOf(record, index);
          if (id === undefined || gone === 1 || position > segment.upTo) continue;
          found.push({ id, position, key: kv.key, revision: kv.revision });
        }
      }
      if (found.length >= this.#idsMax) break;
    }
    this.#ids.add(seen.end, found.reverse());
  }
}

function checkCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new TroupeError("OPTION_INVALID", `\`${name}\` must be a whole number of 1 or more, got ${value}`);
}
