// A watcher of a bucket: a reader whose messages wait, in bounded number, for whoever iterates.
//
//   W1. At most `entriesMax` entries or `bytesMax` bytes wait, and what was already under way: then the reader pauses.
//   W2. The end of the store ends the iteration; a connection that was closed under it rejects it with WATCH_LOST.

import type { Clock } from "../core/clock.ts";
import type { TroupeError } from "../core/errors.ts";
import type { Bucket } from "./nats-bucket.ts";
import { entryOfStored } from "./nats-entry.ts";
import type { NatsLink } from "./nats-link.ts";
import { openReader, type StoredMessage, type StreamReader } from "./nats-reader.ts";
import type { KeyPattern, KvChange, KvWatcher, KvWatchOptions } from "./store.ts";

/** Entries that wait before the reader pauses; half of it lets it go on. */
const entriesMax = 1_024;
const bytesMax = 4 * 1_048_576;
const batch = 256;

export interface WatchRequest {
  readonly link: NatsLink;
  readonly bucket: Bucket;
  readonly clock: Clock;
  readonly patterns: readonly KeyPattern[];
  readonly options: KvWatchOptions;
  readonly heartbeatMs: number | undefined;
  readonly onClosed: (watcher: NatsWatcher) => void;
}

export async function openNatsWatcher(request: WatchRequest): Promise<NatsWatcher> {
  const watcher = new NatsWatcher(request);
  await watcher.open();
  return watcher;
}

export class NatsWatcher implements KvWatcher {
  readonly #request: WatchRequest;
  readonly #waiting: KvChange[] = [];
  /** Changes before this index were handed out. */
  #taken = 0;
  #bytes = 0;
  #isSnapshot: boolean;
  #isPaused = false;
  #isClosed = false;
  #error: TroupeError | undefined;
  #reader: StreamReader | undefined;
  #wake: (() => void) | undefined;
  readonly #abort = () => void this.close();

  constructor(request: WatchRequest) {
    this.#request = request;
    this.#isSnapshot = request.options.from === undefined;
  }

  async open(): Promise<void> {
    const { link, bucket, clock, patterns, options, heartbeatMs } = this.#request;
    const { from, signal } = options;
    const prefixLength = bucket.prefix.length;
    signal?.addEventListener("abort", this.#abort, { once: true });
    const reader = await openReader({
      link,
      clock,
      stream: bucket.stream,
      filters: patterns.map((pattern) => bucket.prefix + pattern),
      from: from === undefined ? "last" : from === "now" ? "new" : from,
      restartFrom: "last",
      role: "watch",
      batch,
      // Half: the clocks of this machine and the server may differ, and reading takes its time.
      behindMsMax: bucket.markerTtlMs / 2,
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
      onMessage: (message) => this.#take(message, prefixLength),
      onCurrent: (revision) => {
        this.#isSnapshot = false;
        this.#push({ kind: "current", revision });
      },
      onRestarted: (reason) => {
        this.#isSnapshot = true;
        this.#push({ kind: "restarted", reason });
      },
      onLost: (error) => {
        this.#error = error;
        void this.close();
      },
    }).catch((thrown: unknown) => {
      void this.close();
      throw thrown;
    });
    this.#reader = reader;
    if (this.#isClosed || signal?.aborted) {
      await this.close();
      await reader.close();
    } else if (this.#isPaused) reader.pause();
  }

  /** Ends the iteration; what waits is dropped. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#request.options.signal?.removeEventListener("abort", this.#abort);
    this.#request.onClosed(this);
    this.#wake?.();
    await this.#reader?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One iterator, whoever asks: changes are handed out once. Leaving a `for await` loop closes the watcher. */
  [Symbol.asyncIterator](): AsyncIterator<KvChange, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<KvChange, undefined>> {
    for (;;) {
      if (this.#isClosed) {
        const error = this.#error;
        this.#error = undefined;
        if (error !== undefined) throw error; // W2
        return { done: true, value: undefined };
      }
      const change = this.#shift();
      if (change !== undefined) return { done: false, value: change };
      await new Promise<void>((resolve) => {
        const before = this.#wake;
        this.#wake = () => {
          before?.();
          resolve();
        };
      });
    }
  }

  #take(message: StoredMessage, prefixLength: number): void {
    const entry = entryOfStored(message, prefixLength);
    this.#bytes += entry.value.length;
    this.#push({ kind: "entry", entry, isSnapshot: this.#isSnapshot });
  }

  #push(change: KvChange): void {
    if (this.#isClosed) return;
    this.#waiting.push(change);
    if (!this.#isPaused && (this.#waiting.length - this.#taken >= entriesMax || this.#bytes >= bytesMax)) {
      this.#isPaused = true; // W1
      this.#reader?.pause();
    }
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #shift(): KvChange | undefined {
    const change = this.#waiting[this.#taken];
    if (change === undefined) return undefined;
    this.#taken += 1;
    if (change.kind === "entry") this.#bytes -= change.entry.value.length;
    // The array is emptied in one go instead of moving everything for each change.
    if (this.#taken === this.#waiting.length || this.#taken >= entriesMax) {
      this.#waiting.splice(0, this.#taken);
      this.#taken = 0;
    }
    const isLow = this.#waiting.length - this.#taken <= entriesMax / 2 && this.#bytes <= bytesMax / 2;
    if (this.#isPaused && isLow) {
      this.#isPaused = false;
      this.#reader?.resume();
    }
    return change;
  }
}
