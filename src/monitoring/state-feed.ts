// Every change of every actor's committed value, read once for all who want to know: one watch of the state bucket.
//
//   F1. Each listener hears of every entry, in order, unless the bucket has overwritten it before it was read (K4).
//   F2. It goes on by itself after any break. What it has told may be old meanwhile: `isCurrent` and `told` say how far it is.
//   F3. A listener that throws is told of and harms no other.

import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { KvChange, KvEntry, KvStore } from "../kv/store.ts";
import { FollowedBucket } from "./followed-bucket.ts";

export interface StateListener {
  /** A value, a deletion. Must be quick: there may be 10,000 a second. `isSnapshot`: it stood when the watch began. */
  onEntry(entry: KvEntry, isSnapshot: boolean): void;
  /** What stands has all been told: from here on it is news. Comes again after each start over. */
  onCurrent?(): void;
  /** The place was lost: what stands is told anew, and what is not told until `onCurrent` is gone. */
  onRestarted?(reason: string): void;
}

export interface StateFeedOptions {
  readonly store: KvStore;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
}

export class StateFeed implements AsyncDisposable {
  readonly #log: Pick<Logger, "warn">;
  readonly #bucket: FollowedBucket;
  readonly #listeners = new Set<StateListener>();
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>();
  #revision = 0;

  constructor(options: StateFeedOptions) {
    const { clock, store, log } = options;
    this.#log = log;
    this.#bucket = new FollowedBucket({
      clock,
      log,
      open: async () => store,
      onChange: (change) => this.#take(change),
    });
  }

  /** All that stands has been told. */
  get isCurrent(): boolean {
    return this.#bucket.isCurrent;
  }

  /** Resolves when all up to this revision of the bucket has been told, or when `signal` aborts. */
  told(revision: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#revision >= revision || signal.aborted) return resolve();
      const waiting = { revision, resolve };
      this.#waiting.add(waiting);
      signal.addEventListener("abort", () => this.#waiting.delete(waiting) && resolve(), { once: true });
    });
  }

  /** Whoever listens before `start` misses nothing. Returns the function that stops it. */
  listen(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    this.#bucket.start();
  }

  close(): Promise<void> {
    return this.#bucket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(change: KvChange): void {
    if (change.kind === "restarted") this.#tell((listener) => listener.onRestarted?.(change.reason));
    else if (change.kind === "current") {
      this.#tell((listener) => listener.onCurrent?.());
      this.#reach(change.revision);
    } else {
      this.#tell((listener) => listener.onEntry(change.entry, change.isSnapshot));
      // A snapshot comes in an order of its own: until it is complete no revision is reached.
      if (!change.isSnapshot) this.#reach(change.entry.revision);
    }
  }

  #reach(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiting of this.#waiting) {
      if (waiting.revision > this.#revision) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #tell(what: (listener: StateListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        what(listener);
      } catch (thrown) {
        this.#log.warn({ error: messageOf(thrown) }, "a listener to the states failed"); // F3
      }
    }
  }
}
