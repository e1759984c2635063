// The entries of one bucket in memory, in order of revision, with their times to live.

import type { Clock } from "../core/clock.ts";
import type { KvEntry, KvOperation, Revision } from "./store.ts";

interface Kept extends KvEntry {
  readonly expiresAtMs: number | undefined;
  /** Overwritten beyond what is kept, or expired: it only waits to be cleared away. */
  isGone: boolean;
}

export interface MemoryBucketOptions {
  readonly history: number;
  readonly markerTtlMs: number;
  readonly clock: Clock;
}

const nothing = new Uint8Array(0);
/** Timers of the machine hold at most 2^31 ms. */
const timerMsMax = 2 ** 30;

export class MemoryBucket {
  readonly history: number;
  readonly #markerTtlMs: number;
  readonly #clock: Clock;
  readonly #keys = new Map<string, Kept[]>();
  /** All entries by revision, gone ones between them until there are too many. */
  #log: Kept[] = [];
  #gone = 0;
  #revision: Revision = 0;
  #forgotten: Revision = 0;
  readonly #mortal = new Set<Kept>();
  #nextDeathMs = Number.POSITIVE_INFINITY;
  readonly #listeners = new Set<() => void>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: MemoryBucketOptions) {
    this.history = options.history;
    this.#markerTtlMs = options.markerTtlMs;
    this.#clock = options.clock;
  }

  get revision(): Revision {
    this.#expire();
    return this.#revision;
  }

  get forgotten(): Revision {
    this.#expire();
    return this.#forgotten;
  }

  last(key: string): KvEntry | undefined {
    this.#expire();
    return this.#keys.get(key)?.at(-1);
  }

  kept(key: string): readonly KvEntry[] {
    this.#expire();
    return [...(this.#keys.get(key) ?? [])];
  }

  liveKeys(): string[] {
    this.#expire();
    return [...this.#keys].filter(([, entries]) => entries.at(-1)?.operation === "put").map(([key]) => key);
  }

  read(after: Revision, limit: number, lastUpTo?: Revision): readonly KvEntry[] {
    this.#expire();
    const found: KvEntry[] = [];
    for (let at = this.#indexAfter(after); at < this.#log.length && found.length < limit; at += 1) {
      const entry = this.#log[at];
      if (entry === undefined || entry.isGone) continue;
      if (lastUpTo !== undefined) {
        if (entry.revision > lastUpTo) break;
        if (this.#keys.get(entry.key)?.at(-1) !== entry) continue;
      }
      found.push(entry);
    }
    return found;
  }

  append(key: string, operation: KvOperation, value: Uint8Array, ttlMs?: number): Revision {
    this.#expire();
    const now = this.#clock.now();
    return this.#append(key, operation, value, now, ttlMs === undefined ? undefined : now + ttlMs);
  }

  /** K9. */
  purge(key: string): Revision {
    this.#expire();
    return this.#append(key, "delete", nothing, this.#clock.now(), undefined, 1);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#setTimer();
    return () => {
      this.#listeners.delete(listener);
      this.#setTimer();
    };
  }

  announce(): void {
    this.#setTimer();
    for (const listener of [...this.#listeners]) listener();
  }

  #append(
    key: string,
    operation: KvOperation,
    value: Uint8Array,
    writtenAtMs: number,
    expiresAtMs: number | undefined,
    entriesKept = this.history,
  ): Revision {
    this.#revision += 1;
    const entry: Kept = { key, value, revision: this.#revision, operation, writtenAtMs, expiresAtMs, isGone: false };
    this.#log.push(entry);
    const entries = this.#keys.get(key);
    if (entries === undefined) this.#keys.set(key, [entry]);
    else {
      entries.push(entry);
      for (const old of entries.splice(0, Math.max(0, entries.length - entriesKept))) this.#remove(old);
    }
    if (expiresAtMs !== undefined) {
      this.#mortal.add(entry);
      this.#nextDeathMs = Math.min(this.#nextDeathMs, expiresAtMs);
    }
    return entry.revision;
  }

  #remove(entry: Kept): void {
    entry.isGone = true;
    this.#mortal.delete(entry);
    this.#gone += 1;
    if (this.#gone < 64 || this.#gone * 2 < this.#log.length) return;
    this.#log = this.#log.filter(({ isGone }) => !isGone);
    this.#gone = 0;
  }

  /** Keys whose time is over leave a marker; markers whose time is over leave nothing. */
  #expire(): void {
    const now = this.#clock.now();
    if (now < this.#nextDeathMs) return;
    this.#nextDeathMs = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#mortal]) {
      const dueMs = entry.expiresAtMs ?? Number.POSITIVE_INFINITY;
      if (dueMs > now) this.#nextDeathMs = Math.min(this.#nextDeathMs, dueMs);
      else if (entry.operation === "put") {
        this.#append(entry.key, "expired", nothing, dueMs, dueMs + this.#markerTtlMs);
      } else {
        this.#remove(entry);
        this.#keys.delete(entry.key);
        this.#forgotten = Math.max(this.#forgotten, entry.revision);
      }
    }
    // A marker may have been due itself, when nobody looked for long.
    if (this.#nextDeathMs <= now) this.#expire();
  }

  /** Deaths are noticed when somebody looks; while somebody watches, the clock looks for them. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#listeners.size === 0 || this.#nextDeathMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(timerMsMax, Math.max(0, this.#nextDeathMs - this.#clock.now()));
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#expire();
      this.announce();
    });
  }

  #indexAfter(revision: Revision): number {
    let from = 0;
    let to = this.#log.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#log[middle]?.revision ?? 0) <= revision) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
