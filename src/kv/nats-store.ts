// The KvStore port on JetStream: a bucket as the `nats` CLI and every other client know it.
//
//   N1. Revisions are stream sequences; an expectation is the server's own `Nats-Expected-Last-Subject-Sequence`.
//   N2. A write is one publish with the fewest headers; its acknowledgement is read without parsing it.
//   N3. After a refused expectation the revision that stands is read from the leader. A deletion is a message too: who
//       expects no key is given its sequence and tries again.
//   N4. Nothing is repeated whose outcome is unknown.

import { type Clock, systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { checkKey, checkPattern, checkPatterns } from "./keys.ts";
import { ackedSequence, outcomeOf, type PublishOutcome } from "./nats-acks.ts";
import { type Bucket, openBucket } from "./nats-bucket.ts";
import { entryOfStored, operationOfHeaders } from "./nats-entry.ts";
import { headersOf, type NatsLink, rawHeaders } from "./nats-link.ts";
import { type ReadFrom, readLast, readLastShort, readMany } from "./nats-reads.ts";
import { readSnapshot } from "./nats-snapshot.ts";
import {
  deletionHeaders,
  expectationHeader,
  purgeHeaders,
  runTransaction,
  ttlHeader,
  waitALittle,
} from "./nats-transaction.ts";
import { type NatsWatcher, openNatsWatcher } from "./nats-watcher.ts";
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
import { WriteLanes } from "./write-lanes.ts";
import {
  checkBucket,
  checkExpected,
  checkMarkerTtl,
  checkTransaction,
  checkTtl,
  checkValue,
  checkWhole,
  closedError,
  headerBytesMax,
  historyMax,
  holds,
  liveRevision,
} from "./writes.ts";

export interface NatsStoreOptions {
  /** Not closed by the store. */
  readonly link: NatsLink;
  readonly bucket: string;
  /** Entries kept of each key. Default 1, at most 64. For a new bucket only, as all that follows up to `metadata`. */
  readonly history?: number;
  /** Servers of a cluster that hold a copy. Default 1. */
  readonly replicas?: number;
  /** How long a deletion by time is remembered: watchers that were away for longer start over. Unit: ms. Default 1 h. */
  readonly markerTtlMs?: number;
  /** Default "file". */
  readonly storage?: "file" | "memory";
  /** What `nats kv info` shows. */
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long a write waits for its acknowledgement. Unit: ms. Default 5,000. Beyond it: OUTCOME_UNKNOWN. */
  readonly writeTimeoutMs?: number;
  /** See `ReaderOptions.heartbeatMs`, for watchers. */
  readonly heartbeatMs?: number;
  readonly clock?: Clock;
}

/**
 * Opens the bucket; makes it when it is missing. One that is there keeps its own settings.
 * Rejects with OPTION_INVALID, LAYOUT_MISMATCH, STORE_FAILED or SERVER_UNREACHABLE.
 */
export async function openNatsStore(options: NatsStoreOptions): Promise<NatsStore> {
  const { link, storage = "file", description, metadata = {}, clock = systemClock } = options;
  const bucket = await openBucket({
    link,
    bucket: checkBucket(options.bucket),
    history: checkWhole("history", options.history ?? 1, 1, historyMax),
    replicas: checkWhole("replicas", options.replicas ?? 1, 1, 5),
    markerTtlMs: checkMarkerTtl(options.markerTtlMs),
    storage,
    description,
    metadata,
  });
  return new NatsStore(options, { link, bucket, clock });
}

const nothing = new Uint8Array(0);
/** How often a write that lost a race which it may still win is tried again. */
const triesMax = 12;

export class NatsStore implements KvStore {
  readonly bucket: string;
  /** The bucket as the server has it, which may differ from what was asked for. */
  readonly settings: Bucket;
  readonly #link: NatsLink;
  readonly #bucket: Bucket;
  readonly #from: ReadFrom;
  readonly #timeoutMs: number;
  readonly #heartbeatMs: number | undefined;
  readonly #lanes = new WriteLanes();
  readonly #watchers = new Set<NatsWatcher>();
  #isClosed = false;

  constructor(options: NatsStoreOptions, from: ReadFrom) {
    this.bucket = options.bucket;
    this.settings = from.bucket;
    this.#link = from.link;
    this.#bucket = from.bucket;
    this.#from = from;
    this.#timeoutMs = options.writeTimeoutMs ?? 5_000;
    this.#heartbeatMs = options.heartbeatMs;
  }

  get historyMax(): number {
    return this.#bucket.history;
  }

  async get(key: string): Promise<KvEntry | undefined> {
    this.#checkOpen();
    const entry = await readLastShort(this.#from, checkKey(key));
    return entry?.operation === "put" ? entry : undefined;
  }

  async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, KvEntry>> {
    this.#checkOpen();
    const wanted = [...new Set(keys.map(checkKey))];
    const entries = await readMany(this.#from, wanted);
    const found = new Map<string, KvEntry>();
    for (const key of wanted) {
      const entry = entries.get(key);
      if (entry?.operation === "put") found.set(key, entry);
    }
    return found;
  }

  create(key: string, value: Uint8Array, options?: KvTtl): Promise<KvWrite> {
    return this.update(key, value, 0, options);
  }

  put(key: string, value: Uint8Array, options?: KvTtl): Promise<Revision> {
    return new Promise((resolve, reject) => {
      const extra = this.#checkWrite(key, value, options);
      const headers = extra.length === 0 ? undefined : rawHeaders(extra);
      this.#link.send(this.#bucket.prefix + key, value, headers, this.#timeoutMs, (answer) => {
        const outcome = outcomeOf(answer, key);
        if (outcome.kind === "stored") resolve(outcome.sequence);
        else reject(unexpected(outcome, key));
      });
    });
  }

  /** The hot path: every commit of an actor is one. */
  update(key: string, value: Uint8Array, expected: Revision, options?: KvTtl): Promise<KvWrite> {
    return new Promise((resolve, reject) => {
      const extra = this.#checkWrite(key, value, options);
      checkExpected(expected);
      const headers = rawHeaders(
        extra.length === 0 ? [expectationHeader(expected)] : [...extra, expectationHeader(expected)],
      );
      this.#link.send(this.#bucket.prefix + key, value, headers, this.#timeoutMs, (answer) => {
        const revision = answer.kind === "reply" ? ackedSequence(answer.message.data) : 0; // N2
        if (revision > 0) {
          resolve({ kind: "written", revision });
          return;
        }
        const outcome = outcomeOf(answer, key);
        if (outcome.kind === "stale") this.#settle(key, value, extra, expected).then(resolve, reject);
        else if (outcome.kind === "stored") resolve({ kind: "written", revision: outcome.sequence });
        else reject(outcome.error);
      });
    });
  }

  async delete(key: string, options: { readonly expected?: Revision } = {}): Promise<KvWrite> {
    return this.#remove(key, deletionHeaders, options.expected);
  }

  async purge(key: string, options: { readonly expected?: Revision } = {}): Promise<KvWrite> {
    return this.#remove(key, purgeHeaders, options.expected);
  }

  async #remove(key: string, extra: readonly string[], expected: Revision | undefined): Promise<KvWrite> {
    this.#checkOpen();
    checkKey(key);
    if (expected !== undefined) checkExpected(expected);
    const outcome = await this.#publish(key, nothing, extra, expected);
    if (outcome.kind === "stored") return { kind: "written", revision: outcome.sequence };
    if (outcome.kind === "stale" && expected !== undefined) return this.#settle(key, nothing, extra, expected);
    throw unexpected(outcome, key);
  }

  async transact(operations: readonly KvOperationRequest[]): Promise<KvTransaction> {
    this.#checkOpen();
    checkTransaction(operations, this.#valueBytesMax, this.#bucket.history);
    const expecting = operations.flatMap(({ key, expected }) => (expected === undefined ? [] : [key]));
    return this.#lanes.run(expecting, () => runTransaction(this.#from, operations, this.#timeoutMs));
  }

  async list(pattern: KeyPattern): Promise<readonly string[]> {
    this.#checkOpen();
    const keys = new Set<string>();
    await readSnapshot({
      ...this.#from,
      filter: checkPattern(pattern),
      which: "last",
      headersOnly: true,
      onMessage: ({ subject, message }) => {
        const key = subject.slice(this.#bucket.prefix.length);
        if (operationOfHeaders(headersOf(message)) === "put") keys.add(key);
        else keys.delete(key);
      },
      onRestarted: () => keys.clear(),
    });
    return [...keys].sort();
  }

  async history(key: string): Promise<readonly KvEntry[]> {
    this.#checkOpen();
    const entries: KvEntry[] = [];
    await readSnapshot({
      ...this.#from,
      filter: checkKey(key),
      which: "all",
      headersOnly: false,
      onMessage: (message) => entries.push(entryOfStored(message, this.#bucket.prefix.length)),
      onRestarted: () => entries.splice(0),
    });
    return entries;
  }

  async watch(pattern: WatchPattern, options: KvWatchOptions = {}): Promise<KvWatcher> {
    this.#checkOpen();
    if (typeof options.from === "number") checkExpected(options.from);
    const watcher = await openNatsWatcher({
      ...this.#from,
      patterns: checkPatterns(pattern),
      options,
      heartbeatMs: this.#heartbeatMs,
      onClosed: (closed) => this.#watchers.delete(closed),
    });
    this.#watchers.add(watcher);
    if (this.#isClosed) await watcher.close();
    return watcher;
  }

  /** Ends the watchers. The link stays open: whoever opened it closes it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#watchers].map((watcher) => watcher.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #valueBytesMax(): number {
    return this.#link.payloadBytesMax - headerBytesMax;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError(this.bucket);
  }

  /** Returns the headers that the write needs besides its expectation. */
  #checkWrite(key: string, value: Uint8Array, options: KvTtl | undefined): readonly string[] {
    this.#checkOpen();
    checkKey(key);
    checkValue(key, value, this.#valueBytesMax);
    if (options?.ttlMs === undefined) return noHeaders;
    checkTtl(options.ttlMs, this.#bucket.history);
    return [ttlHeader(options.ttlMs)];
  }

  #publish(key: string, value: Uint8Array, extra: readonly string[], expected?: Revision): Promise<PublishOutcome> {
    const lines = expected === undefined ? extra : [...extra, expectationHeader(expected)];
    return new Promise((resolve) => {
      this.#link.send(this.#bucket.prefix + key, value, rawHeaders(lines), this.#timeoutMs, (answer) =>
        resolve(outcomeOf(answer, key)),
      );
    });
  }

  /** The server refused the expectation: finds out what stands, and tries again where that may still be right (N3). */
  async #settle(key: string, value: Uint8Array, extra: readonly string[], expected: Revision): Promise<KvWrite> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const entry = await readLast(this.#from, key);
      const standing = entry?.revision ?? 0;
      if (!holds(entry, expected)) return { kind: "conflict", revision: liveRevision(entry) };
      // It holds: a deletion stands there, or another write was still under way when ours came.
      if (tries > 0) await waitALittle(this.#from.clock, tries);
      const outcome = await this.#publish(key, value, extra, standing);
      if (outcome.kind === "stored") return { kind: "written", revision: outcome.sequence };
      if (outcome.kind !== "stale") throw outcome.error;
    }
    throw new TroupeError("STORE_FAILED", `${key}: overtaken ${triesMax} times; nothing was written`);
  }
}

const noHeaders: readonly string[] = [];

/** Why a write without expectation failed. */
function unexpected(outcome: Exclude<PublishOutcome, { kind: "stored" }>, key: string): TroupeError {
  if (outcome.kind !== "stale") return outcome.error;
  return new TroupeError("STORE_FAILED", `${key}: the server refused an expectation that was not made`);
}
