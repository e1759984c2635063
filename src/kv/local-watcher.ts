// The watcher of stores that can be read at any place: memory and SQLite. It keeps a place and reads on from there when
// it is asked for more, so nothing waits in a buffer and a slow reader costs nothing.

import { matcherOfAll } from "./keys.ts";
import type { KvChange, KvEntry, KvWatcher, KvWatchOptions, Revision } from "./store.ts";

export interface LocalSource {
  /** The revision of the last write of the bucket. */
  readonly revision: Revision;
  /**
   * The highest revision of a marker that was forgotten by age. A watcher that had not come so far has missed that its
   * key is gone, and starts over.
   */
  readonly forgotten: Revision;
  /**
   * Entries after a revision in order, at most `limit`; with `lastUpTo` only those that are the last of their key and not
   * after that revision.
   */
  read(after: Revision, limit: number, lastUpTo?: Revision): readonly KvEntry[];
  /** Runs `listener` after each change. Returns the function that stops it. */
  onChange(listener: () => void): () => void;
}

const pageEntries = 256;

export class LocalWatcher implements KvWatcher {
  readonly #source: LocalSource;
  readonly #matches: (key: string) => boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onClosed: (watcher: LocalWatcher) => void;
  readonly #unlisten: () => void;
  readonly #abort = () => void this.close();
  readonly #ready: KvChange[] = [];
  #position: Revision = 0;
  /** The bucket's revision when this start was made: what was forgotten before it was never shown. */
  #startedAt: Revision = 0;
  #phase: "snapshot" | "catching-up" | "news" = "snapshot";
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(
    source: LocalSource,
    patterns: readonly string[],
    options: KvWatchOptions,
    onClosed: (watcher: LocalWatcher) => void,
  ) {
    this.#source = source;
    this.#matches = matcherOfAll(patterns);
    this.#signal = options.signal;
    this.#onClosed = onClosed;
    this.#unlisten = source.onChange(() => this.#wakeUp());
    this.#startedAt = source.revision;
    const { from } = options;
    if (from !== undefined) {
      this.#phase = "catching-up";
      this.#position = from === "now" ? this.#startedAt : Math.max(0, from - 1);
    }
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    if (this.#signal?.aborted) void this.close();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ready.length = 0;
    this.#unlisten();
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#onClosed(this);
    this.#wakeUp();
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
      if (this.#isClosed) return { done: true, value: undefined };
      if (this.#ready.length === 0) this.#read();
      const change = this.#ready.shift();
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

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #restart(reason: string): void {
    this.#startedAt = this.#source.revision;
    this.#position = 0;
    this.#phase = "snapshot";
    this.#ready.push({ kind: "restarted", reason: `the bucket ${reason}` });
  }

  /** Fills `#ready` with the next changes, if there are any. */
  #read(): void {
    const { revision } = this.#source;
    if (revision < this.#position) this.#restart(`ends at ${revision}, before ${this.#position}`);
    else if (this.#source.forgotten > Math.max(this.#position, this.#startedAt)) {
      this.#restart("has forgotten deletions that were not seen here");
    }
    for (;;) {
      const isSnapshot = this.#phase === "snapshot";
      const page = this.#source.read(this.#position, pageEntries, isSnapshot ? this.#startedAt : undefined);
      for (const entry of page) {
        if (this.#phase === "catching-up" && entry.revision > this.#startedAt) this.#becomeCurrent();
        this.#position = entry.revision;
        if (this.#matches(entry.key)) this.#ready.push({ kind: "entry", entry, isSnapshot });
      }
      const isAll = page.length < pageEntries;
      if (isAll && this.#phase !== "news") this.#becomeCurrent();
      else if (isAll || this.#ready.length > 0) return;
    }
  }

  #becomeCurrent(): void {
    this.#phase = "news";
    this.#position = Math.max(this.#position, this.#startedAt);
    this.#ready.push({ kind: "current", revision: this.#position });
  }
}
