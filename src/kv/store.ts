// The KvStore port: one bucket of keys with revisions. Stores: JetStream, memory, SQLite. One contract suite runs on all.
//
//   K1. Every write of a bucket gets a revision greater than all before it, across all keys.
//   K2. Of all writers that expect one revision of a key, exactly one is `written`; every other gets `conflict` with the
//       revision that stands (0: the key does not exist, or is deleted). The revision of a deletion itself, as watchers
//       and histories show it, may be expected too.
//   K3. `transact` writes all of its operations or none. Its revisions, one for each write, are consecutive, in the order
//       given.
//   K4. A watcher sees the changes of the keys that it matches in order of revision. With history 1 or after a break it
//       may miss a value that was overwritten meanwhile, never the last one. After any interruption it goes on by
//       itself; when it had to start over it says so with `restarted` before the snapshot. `current` comes when all that was
//       written before the call has been handed over, whichever replica does it.
//   K5. A key whose time to live is over is gone, for readers and (as operation `expired`) for watchers and history. Only
//       buckets with history 1 take a time to live. The store remembers an expiry for its bucket's `markerTtlMs`; a
//       watcher that was behind for longer starts over.
//   K6. Outcomes that a caller must branch on are values. What rejects: KEY_INVALID, PAYLOAD_TOO_LARGE (nothing was
//       written), OPTION_INVALID, OUTCOME_UNKNOWN (a write whose answer was lost: it may be stored, now or later),
//       STORE_FAILED (refused, nothing was written), SERVER_UNREACHABLE (a read without answer, or a write that reached
//       nobody: nothing was written, and soon it may be), CLOSED.
//   K7. Whoever opens a store closes it. After `close` every call rejects with CLOSED and every watcher ends.
//   K8. Bytes handed in are not changed afterwards by the caller; bytes handed out belong to the receiver.
//   K9. A purge takes every entry of a key that is kept, its history too, and leaves a deletion with a revision of its own,
//       in one write: no read, history or new watcher shows what was there before, and who expects an older revision
//       conflicts.

/** Number of a key's last write; 0 stands for "no such key". */
export type Revision = number;

export type KvOperation = "put" | "delete" | "expired";

export interface KvEntry {
  readonly key: string;
  /** Empty for `delete` and `expired`. */
  readonly value: Uint8Array;
  readonly revision: Revision;
  readonly operation: KvOperation;
  /** When it was written. Unit: ms since the Unix epoch. */
  readonly writtenAtMs: number;
}

export type KvWrite =
  | { readonly kind: "written"; readonly revision: Revision }
  | { readonly kind: "conflict"; readonly revision: Revision };

export type KvTransaction =
  | { readonly kind: "written"; readonly revisions: readonly Revision[] }
  /** `key`: the first operation whose expectation failed; `revision`: what stands there. */
  | { readonly kind: "conflict"; readonly key: string; readonly revision: Revision };

export interface KvTtl {
  /** The key is gone after this time unless it is written again. Unit: ms, at least 1,000, whole seconds. Default: never. */
  readonly ttlMs?: number;
}

/** One operation of a transaction. Without `expected` it holds whatever stands there; 0 expects no key. */
export type KvOperationRequest =
  | ({ readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly expected?: Revision } & KvTtl)
  | { readonly kind: "delete"; readonly key: string; readonly expected?: Revision }
  /** K9. */
  | { readonly kind: "purge"; readonly key: string; readonly expected?: Revision }
  /** Writes nothing, only expects. */
  | { readonly kind: "check"; readonly key: string; readonly expected: Revision };

export type KvChange =
  | { readonly kind: "entry"; readonly entry: KvEntry; readonly isSnapshot: boolean }
  /** The snapshot is complete: what follows is news. Comes once after each (re)start, also for an empty match. */
  | { readonly kind: "current"; readonly revision: Revision }
  /** The place where the watcher was is gone; a new snapshot follows. Keys that it lacks are gone. */
  | { readonly kind: "restarted"; readonly reason: string };

export interface KvWatchOptions {
  /**
   * Where to start. Default: a snapshot of the last entry of each key that matches (a deletion is one), then what changes.
   * A revision: each change with this revision or a later one that is still kept, then what changes; no snapshot.
   * "now": only what changes from now on.
   */
  readonly from?: Revision | "now";
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/**
 * A pattern in NATS form over the tokens of a key: `*` is one token, a final `>` is one or more, all else is literal.
 * `counter.*`, `counter.c1`, `>`.
 */
export type KeyPattern = string;

/** What to watch: a pattern, or some that no key matches two of, as the server wants it. At most 16. */
export type WatchPattern = KeyPattern | readonly KeyPattern[];

/** One iterator, whoever asks for it: each change is handed out once. Leaving a `for await` loop closes the watcher. */
export interface KvWatcher extends AsyncIterable<KvChange>, AsyncDisposable {
  close(): Promise<void>;
}

export interface KvStore extends AsyncDisposable {
  readonly bucket: string;
  /** Entries that the bucket keeps of each key. */
  readonly historyMax: number;

  /** The last entry; undefined when the key does not exist, is deleted or has expired. Reads what was written before. */
  get(key: string): Promise<KvEntry | undefined>;
  /** The entries of the keys that exist, by key. As of one moment for up to 500 keys. */
  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, KvEntry>>;
  /** Writes a key that does not exist (or was deleted, or has expired). */
  create(key: string, value: Uint8Array, options?: KvTtl): Promise<KvWrite>;
  /** Writes whatever stands there. Without `ttlMs` the key then has no time to live. */
  put(key: string, value: Uint8Array, options?: KvTtl): Promise<Revision>;
  /** Writes if the key's revision is `expected`; 0 is the same as `create`. Time to live: as `put`. */
  update(key: string, value: Uint8Array, expected: Revision, options?: KvTtl): Promise<KvWrite>;
  /** Deletes; with `expected` only if the key's revision is that. Deleting what is not there is `written`. */
  delete(key: string, options?: { readonly expected?: Revision }): Promise<KvWrite>;
  /** Deletes a key with its history (K9). Expectations as `delete`. */
  purge(key: string, options?: { readonly expected?: Revision }): Promise<KvWrite>;
  /** All or nothing (K3). At most 500 operations, each key at most once. */
  transact(operations: readonly KvOperationRequest[]): Promise<KvTransaction>;
  /** The keys that exist and match, sorted. */
  list(pattern: KeyPattern): Promise<readonly string[]>;
  /** The entries of a key that are kept, oldest first, deletions and expiries included. Empty when there are none. */
  history(key: string): Promise<readonly KvEntry[]>;
  watch(pattern: WatchPattern, options?: KvWatchOptions): Promise<KvWatcher>;
  close(): Promise<void>;
}
