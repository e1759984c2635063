// A live copy in this process of the keys of a bucket that match a pattern: reading it costs nothing.
//
//   C1. It follows the bucket by watch and may lag behind it, never for good (K4). What stands in it is what stood at
//       some moment; whoever writes by it expects the revision that it shows, and is refused when it lags.
//   C2. `adopt` puts in what this process has just written or read, so that it sees its own writes at once. What the watch
//       brings later never sets a key back.
//   C3. A start over ends with what its snapshot holds and nothing else, whatever the revisions say: the bucket may have been
//       made anew, and then its numbers begin again.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { isTroupeError } from "../core/errors.ts";
import { matcherOf } from "./keys.ts";
import type { KeyPattern, KvEntry, KvStore } from "./store.ts";

export interface ReplicaOptions {
  readonly store: KvStore;
  readonly pattern: KeyPattern;
  readonly clock: Clock;
  /** Runs after each change of a key, and with the key undefined when everything may have changed. */
  readonly onChange?: (key: string | undefined) => void;
}

/** Wait before a watch that has broken is begun again. Unit: ms. */
const againMs = 200;

export class Replica implements AsyncDisposable {
  readonly #options: ReplicaOptions;
  readonly #matches: (key: string) => boolean;
  /** The last entry of each key, deletions too: they say up to where the key is known. */
  #entries = new Map<string, KvEntry>();
  /** What a start over has brought so far; when it is complete it takes the place of all that was known (C3). */
  #fresh: Map<string, KvEntry> | undefined;
  readonly #ended = new AbortController();
  readonly #current = Promise.withResolvers<void>();
  #following: Promise<void> = Promise.resolve();

  private constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#matches = matcherOf(options.pattern);
  }

  /** Resolves when it holds what stands in the bucket. Rejects as `watch` does. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options);
    replica.#following = replica.#follow();
    try {
      await replica.#current.promise;
      return replica;
    } catch (thrown) {
      await replica.close();
      throw thrown;
    }
  }

  /** The entry of a key that exists. */
  get(key: string): KvEntry | undefined {
    const entry = this.#entries.get(key);
    return entry?.operation === "put" ? entry : undefined;
  }

  /** What was last heard of a key: of one that is gone what its end has left, as long as the store remembers it (K5). */
  last(key: string): KvEntry | undefined {
    return this.#entries.get(key);
  }

  /** The entries of the keys that exist. */
  *entries(): Generator<KvEntry, void, undefined> {
    for (const entry of this.#entries.values()) if (entry.operation === "put") yield entry;
  }

  /** Takes note of an entry that this process has written or read (C2). */
  adopt(entry: KvEntry): void {
    if (!this.#matches(entry.key)) return;
    if (this.#fresh !== undefined) tryRaise(this.#fresh, entry);
    if (tryRaise(this.#entries, entry)) this.#tell(entry.key);
  }

  /** Reads the key from the store and takes note of it. Rejects as `get` does. */
  async refresh(key: string): Promise<void> {
    const entry = await this.#options.store.get(key);
    if (entry !== undefined) this.adopt(entry);
  }

  /** The same for several keys that exist. Rejects as `getMany` does. */
  async refreshAll(keys: readonly string[]): Promise<void> {
    for (const entry of (await this.#options.store.getMany(keys)).values()) this.adopt(entry);
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Watches for ever: a watch ends by itself only when the store is closed, and whatever breaks one, another follows (C1). */
  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        await this.#watch();
      } catch (thrown) {
        this.#current.reject(thrown); // Without effect once it was current.
        if (isTroupeError(thrown) && thrown.code === "CLOSED") return;
      }
      await delay(this.#options.clock, againMs, signal);
    }
  }

  async #watch(): Promise<void> {
    const { store, pattern } = this.#options;
    await using watcher = await store.watch(pattern, { signal: this.#ended.signal });
    this.#fresh = new Map();
    for await (const change of watcher) {
      if (change.kind === "restarted") this.#fresh = new Map();
      else if (change.kind === "current") {
        this.#entries = this.#fresh ?? this.#entries; // C3
        this.#fresh = undefined;
        this.#current.resolve();
        this.#tell(undefined);
      } else if (this.#fresh !== undefined) tryRaise(this.#fresh, change.entry);
      else this.adopt(change.entry);
    }
  }

  #tell(key: string | undefined): void {
    try {
      this.#options.onChange?.(key);
    } catch (thrown) {
      // A bug of whoever listens, and shown as one; it must not end the watch (C1).
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}

/** Puts the entry in unless what is there is as new; returns whether it did. */
function tryRaise(entries: Map<string, KvEntry>, entry: KvEntry): boolean {
  if ((entries.get(entry.key)?.revision ?? 0) >= entry.revision) return false;
  entries.set(entry.key, entry);
  return true;
}
