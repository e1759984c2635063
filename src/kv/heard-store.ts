// A store that says what becomes of its compare-and-sets and its watches: the one place, whatever store it is, where conflicts,
// the lag of watches and their restarts show. All else is as the store behind it is; the port's laws hold as they do there.

import type { Clock } from "../core/clock.ts";
import type {
  KeyPattern,
  KvChange,
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

export interface StoreListener {
  /** Somebody wants to know. */
  readonly isHeard: boolean;
  /** A write expected something of the key that is not so (K2). */
  conflict(key: string): void;
  /** A watch has a change that is news. `lagMs`: since the server took it, by the clocks of both; 0 or more. */
  seen(lagMs: number): void;
  /** A watch has started over (K4). */
  restarted(reason: string): void;
}

export class HeardStore implements KvStore {
  readonly #store: KvStore;
  readonly #clock: Clock;
  readonly #listener: StoreListener;

  constructor(store: KvStore, clock: Clock, listener: StoreListener) {
    this.#store = store;
    this.#clock = clock;
    this.#listener = listener;
  }

  get bucket(): string {
    return this.#store.bucket;
  }
  get historyMax(): number {
    return this.#store.historyMax;
  }
  get(key: string): Promise<KvEntry | undefined> {
    return this.#store.get(key);
  }
  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, KvEntry>> {
    return this.#store.getMany(keys);
  }
  create(key: string, value: Uint8Array, options?: KvTtl): Promise<KvWrite> {
    return this.#noting(key, this.#store.create(key, value, options));
  }
  put(key: string, value: Uint8Array, options?: KvTtl): Promise<Revision> {
    return this.#store.put(key, value, options);
  }
  update(key: string, value: Uint8Array, expected: Revision, options?: KvTtl): Promise<KvWrite> {
    return this.#noting(key, this.#store.update(key, value, expected, options));
  }
  delete(key: string, options?: { readonly expected?: Revision }): Promise<KvWrite> {
    return this.#noting(key, this.#store.delete(key, options));
  }
  purge(key: string, options?: { readonly expected?: Revision }): Promise<KvWrite> {
    return this.#noting(key, this.#store.purge(key, options));
  }
  async transact(operations: readonly KvOperationRequest[]): Promise<KvTransaction> {
    const outcome = await this.#store.transact(operations);
    if (outcome.kind === "conflict" && this.#listener.isHeard) this.#listener.conflict(outcome.key);
    return outcome;
  }
  list(pattern: KeyPattern): Promise<readonly string[]> {
    return this.#store.list(pattern);
  }
  history(key: string): Promise<readonly KvEntry[]> {
    return this.#store.history(key);
  }
  async watch(pattern: WatchPattern, options?: KvWatchOptions): Promise<KvWatcher> {
    const watcher = await this.#store.watch(pattern, options);
    return new HeardWatcher(watcher, (change) => this.#note(change));
  }
  close(): Promise<void> {
    return this.#store.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #noting(key: string, writing: Promise<KvWrite>): Promise<KvWrite> {
    return writing.then((write) => {
      if (write.kind === "conflict" && this.#listener.isHeard) this.#listener.conflict(key);
      return write;
    });
  }

  #note(change: KvChange): void {
    if (!this.#listener.isHeard) return;
    if (change.kind === "restarted") this.#listener.restarted(change.reason);
    else if (change.kind === "entry" && !change.isSnapshot) {
      this.#listener.seen(Math.max(0, this.#clock.now() - change.entry.writtenAtMs));
    }
  }
}

class HeardWatcher implements KvWatcher, AsyncIterator<KvChange, void, undefined> {
  readonly #watcher: KvWatcher;
  readonly #changes: AsyncIterator<KvChange>;
  readonly #note: (change: KvChange) => void;

  constructor(watcher: KvWatcher, note: (change: KvChange) => void) {
    this.#watcher = watcher;
    this.#changes = watcher[Symbol.asyncIterator]();
    this.#note = note;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
  async next(): Promise<IteratorResult<KvChange, void>> {
    const next = await this.#changes.next();
    if (next.done !== true) this.#note(next.value);
    return next;
  }
  async return(): Promise<IteratorResult<KvChange, void>> {
    await this.close();
    return { done: true, value: undefined };
  }
  close(): Promise<void> {
    return this.#watcher.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
