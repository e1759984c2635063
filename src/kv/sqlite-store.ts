// The KvStore port on SQLite: one file, several processes. As strict as the server.
//
// Watchers of other connections to the same file learn of a change within `pollEveryMs`.

import { type Clock, systemClock } from "../core/clock.ts";
import { checkKey, checkPattern, checkPatterns, matcherOf } from "./keys.ts";
import { type LocalSource, LocalWatcher } from "./local-watcher.ts";
import { failure, openSqliteFile, type SqliteFile } from "./sqlite-file.ts";
import type {
  KeyPattern,
  KvEntry,
  KvOperationRequest,
  KvStore,
  KvTransaction,
  KvTtl,
  KvWatcher,
  KvWatchOptions,
  KvWrite,
  Revision,
  WatchPattern,
} from "./store.ts";
import {
  checkBucket,
  checkExpected,
  checkMarkerTtl,
  checkTransaction,
  checkWhole,
  closedError,
  firstConflict,
  historyMax,
  singleWrite,
  valueBytesMaxDefault,
} from "./writes.ts";

export interface SqliteStoreOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly bucket: string;
  /** Entries kept of each key. Default 1, at most 64. For a new bucket only, as `markerTtlMs`. */
  readonly history?: number;
  /** How long a deletion by time is remembered. Unit: ms. Default 1 h. */
  readonly markerTtlMs?: number;
  /** Largest value. Unit: bytes. Default: what a NATS server takes. */
  readonly valueBytesMax?: number;
  readonly clock?: Clock;
}

/** How often the file is asked whether others have changed it, while somebody watches. Unit: ms. */
const pollEveryMs = 50;

const nothing = new Uint8Array(0);

/** Opens the file and the bucket; makes what is missing. Rejects with OPTION_INVALID, LAYOUT_MISMATCH or STORE_FAILED. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<KvStore> {
  const clock = options.clock ?? systemClock;
  const bucket = checkBucket(options.bucket);
  const file = await openSqliteFile({
    path: options.path,
    bucket,
    history: checkWhole("history", options.history ?? 1, 1, historyMax),
    markerTtlMs: checkMarkerTtl(options.markerTtlMs),
    clock,
  });
  return new SqliteStore(bucket, file, options.valueBytesMax ?? valueBytesMaxDefault, clock);
}

class SqliteStore implements KvStore {
  readonly bucket: string;
  readonly #file: SqliteFile;
  readonly #valueBytesMax: number;
  readonly #clock: Clock;
  readonly #watchers = new Set<LocalWatcher>();
  readonly #listeners = new Set<() => void>();
  #cancelPoll: (() => void) | undefined;
  #seenVersion = 0;
  #isClosed = false;

  constructor(bucket: string, file: SqliteFile, valueBytesMax: number, clock: Clock) {
    this.bucket = bucket;
    this.#file = file;
    this.#valueBytesMax = valueBytesMax;
    this.#clock = clock;
  }

  get historyMax(): number {
    return this.#file.history;
  }

  async get(key: string): Promise<KvEntry | undefined> {
    return (await this.getMany([key])).get(key);
  }

  async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, KvEntry>> {
    return this.#read(() => {
      const found = new Map<string, KvEntry>();
      for (const key of keys) {
        const entry = this.#file.last(checkKey(key));
        if (entry?.operation === "put") found.set(key, entry);
      }
      return found;
    });
  }

  create(key: string, value: Uint8Array, options?: KvTtl): Promise<KvWrite> {
    return this.update(key, value, 0, options);
  }

  async put(key: string, value: Uint8Array, options: KvTtl = {}): Promise<Revision> {
    return singleWrite(this.#transact([{ kind: "put", key, value, ...options }])).revision;
  }

  async update(key: string, value: Uint8Array, expected: Revision, options: KvTtl = {}): Promise<KvWrite> {
    checkExpected(expected);
    return singleWrite(this.#transact([{ kind: "put", key, value, expected, ...options }]));
  }

  async delete(key: string, options: { readonly expected?: Revision } = {}): Promise<KvWrite> {
    const { expected } = options;
    return singleWrite(this.#transact([{ kind: "delete", key, ...(expected === undefined ? {} : { expected }) }]));
  }

  async purge(key: string, options: { readonly expected?: Revision } = {}): Promise<KvWrite> {
    const { expected } = options;
    return singleWrite(this.#transact([{ kind: "purge", key, ...(expected === undefined ? {} : { expected }) }]));
  }

  async transact(operations: readonly KvOperationRequest[]): Promise<KvTransaction> {
    return this.#transact(operations);
  }

  async list(pattern: KeyPattern): Promise<readonly string[]> {
    const matches = matcherOf(checkPattern(pattern));
    return this.#read(() => this.#file.liveKeys())
      .filter(matches)
      .sort();
  }

  async history(key: string): Promise<readonly KvEntry[]> {
    return this.#read(() => this.#file.kept(checkKey(key)));
  }

  async watch(pattern: WatchPattern, options: KvWatchOptions = {}): Promise<KvWatcher> {
    this.#checkOpen();
    if (typeof options.from === "number") checkExpected(options.from);
    const read = <Result>(work: () => Result): Result => this.#read(work);
    const file = this.#file;
    const source: LocalSource = {
      get revision() {
        return read(() => file.revision);
      },
      get forgotten() {
        return read(() => file.forgotten);
      },
      read: (after, limit, lastUpTo) => read(() => file.read(after, limit, lastUpTo)),
      onChange: (listener) => this.#listen(listener),
    };
    const watcher = new LocalWatcher(source, checkPatterns(pattern), options, (closed) =>
      this.#watchers.delete(closed),
    );
    this.#watchers.add(watcher);
    return watcher;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#watchers].map((watcher) => watcher.close()));
    this.#cancelPoll?.();
    this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError(this.bucket);
  }

  #read<Result>(work: () => Result): Result {
    this.#checkOpen();
    try {
      return this.#file.reading(work);
    } catch (thrown) {
      throw failure(`reading ${this.bucket}`, thrown);
    }
  }

  #transact(operations: readonly KvOperationRequest[]): KvTransaction {
    this.#checkOpen();
    checkTransaction(operations, this.#valueBytesMax, this.#file.history);
    let outcome: KvTransaction;
    try {
      outcome = this.#file.inTransaction(() => {
        this.#file.expireInTransaction();
        const conflict = firstConflict(operations, { get: (key) => this.#file.last(key) });
        if (conflict !== undefined) return { kind: "conflict", ...conflict };
        const revisions = operations.flatMap((operation) => {
          if (operation.kind === "check") return [];
          if (operation.kind === "delete") return [this.#file.append(operation.key, "delete", nothing)];
          if (operation.kind === "purge") return [this.#file.purge(operation.key)];
          return [this.#file.append(operation.key, "put", operation.value, operation.ttlMs)];
        });
        return { kind: "written", revisions };
      });
    } catch (thrown) {
      throw failure(`writing ${this.bucket}`, thrown);
    }
    this.#announce();
    return outcome;
  }

  #listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#cancelPoll === undefined) this.#poll();
    return () => this.#listeners.delete(listener);
  }

  #announce(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Own writes are announced at once; this is for those of others, and for keys that die. */
  #poll(): void {
    this.#cancelPoll = this.#clock.after(pollEveryMs, () => {
      this.#cancelPoll = undefined;
      if (this.#isClosed || this.#listeners.size === 0) return;
      this.#poll();
      this.#look();
    });
  }

  #look(): void {
    try {
      const hasExpired = this.#file.expireDue();
      const version = this.#file.dataVersion;
      if (version === this.#seenVersion && !hasExpired) return;
      this.#seenVersion = version;
    } catch {
      // The file is busy or in trouble: watchers are woken, and whoever reads gets the error.
    }
    this.#announce();
  }
}
