// The KvStore port in memory: for tests, simulations and work that may be lost. As strict as the server.
//
//   M1. A call decides and writes in one go, before it first gives way: that is what makes it atomic.
//   M2. Bytes are copied on the way in and on the way out: nobody shares them with the store (K8).

import { type Clock, systemClock } from "../core/clock.ts";
import { checkKey, checkPattern, checkPatterns, matcherOf } from "./keys.ts";
import { type LocalSource, LocalWatcher } from "./local-watcher.ts";
import { MemoryBucket } from "./memory-bucket.ts";
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

/** Where buckets live: stores that are opened in one place share them. */
export class MemoryPlace {
  readonly buckets = new Map<string, MemoryBucket>();
}

export interface MemoryStoreOptions {
  readonly bucket: string;
  /** Default: a place of its own. */
  readonly place?: MemoryPlace;
  /** Entries kept of each key. Default 1, at most 64. For a new bucket only, as `markerTtlMs`. */
  readonly history?: number;
  /** How long a deletion by time is remembered. Unit: ms. Default 1 h. */
  readonly markerTtlMs?: number;
  /** Largest value. Unit: bytes. Default: what a NATS server takes. */
  readonly valueBytesMax?: number;
  readonly clock?: Clock;
}

/** Opens the bucket; makes it when it is missing. Rejects with OPTION_INVALID. */
export async function openMemoryStore(options: MemoryStoreOptions): Promise<KvStore> {
  const name = checkBucket(options.bucket);
  const history = checkWhole("history", options.history ?? 1, 1, historyMax);
  const markerTtlMs = checkMarkerTtl(options.markerTtlMs);
  const place = options.place ?? new MemoryPlace();
  let bucket = place.buckets.get(name);
  if (bucket === undefined) {
    bucket = new MemoryBucket({ history, markerTtlMs, clock: options.clock ?? systemClock });
    place.buckets.set(name, bucket);
  }
  return new MemoryStore(name, bucket, options.valueBytesMax ?? valueBytesMaxDefault);
}

class MemoryStore implements KvStore {
  readonly bucket: string;
  readonly #data: MemoryBucket;
  readonly #valueBytesMax: number;
  readonly #watchers = new Set<LocalWatcher>();
  #isClosed = false;

  constructor(bucket: string, data: MemoryBucket, valueBytesMax: number) {
    this.bucket = bucket;
    this.#data = data;
    this.#valueBytesMax = valueBytesMax;
  }

  get historyMax(): number {
    return this.#data.history;
  }

  async get(key: string): Promise<KvEntry | undefined> {
    this.#checkOpen();
    return this.#live(checkKey(key));
  }

  async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, KvEntry>> {
    this.#checkOpen();
    const found = new Map<string, KvEntry>();
    for (const key of keys) {
      const entry = this.#live(checkKey(key));
      if (entry !== undefined) found.set(key, entry);
    }
    return found;
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
    this.#checkOpen();
    const matches = matcherOf(checkPattern(pattern));
    return this.#data.liveKeys().filter(matches).sort();
  }

  async history(key: string): Promise<readonly KvEntry[]> {
    this.#checkOpen();
    return this.#data.kept(checkKey(key)).map(copyOf);
  }

  async watch(pattern: WatchPattern, options: KvWatchOptions = {}): Promise<KvWatcher> {
    this.#checkOpen();
    if (typeof options.from === "number") checkExpected(options.from);
    const data = this.#data;
    const source: LocalSource = {
      get revision() {
        return data.revision;
      },
      get forgotten() {
        return data.forgotten;
      },
      read: (after, limit, lastUpTo) => data.read(after, limit, lastUpTo).map(copyOf),
      onChange: (listener) => data.onChange(listener),
    };
    const watcher = new LocalWatcher(source, checkPatterns(pattern), options, (closed) =>
      this.#watchers.delete(closed),
    );
    this.#watchers.add(watcher);
    return watcher;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#watchers].map((watcher) => watcher.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError(this.bucket);
  }

  #live(key: string): KvEntry | undefined {
    const entry = this.#data.last(key);
    return entry?.operation === "put" ? copyOf(entry) : undefined;
  }

  /** M1. */
  #transact(operations: readonly KvOperationRequest[]): KvTransaction {
    this.#checkOpen();
    checkTransaction(operations, this.#valueBytesMax, this.#data.history);
    const conflict = firstConflict(operations, { get: (key) => this.#data.last(key) });
    if (conflict !== undefined) return { kind: "conflict", ...conflict };
    const revisions = operations.flatMap((operation) => {
      if (operation.kind === "check") return [];
      if (operation.kind === "delete") return [this.#data.append(operation.key, "delete", nothing)];
      if (operation.kind === "purge") return [this.#data.purge(operation.key)];
      return [this.#data.append(operation.key, "put", new Uint8Array(operation.value), operation.ttlMs)]; // M2
    });
    this.#data.announce();
    return { kind: "written", revisions };
  }
}

const nothing = new Uint8Array(0);

const copyOf = (entry: KvEntry): KvEntry => ({
  key: entry.key,
  value: new Uint8Array(entry.value),
  revision: entry.revision,
  operation: entry.operation,
  writtenAtMs: entry.writtenAtMs,
});
