// A store of a world in memory as one client reaches it: each call travels on the client's connection, where it may be
// late, lost or refused, and rejects then as the port says (K6).

import { isTroupeError, TroupeError } from "../core/errors.ts";
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
} from "../kv/store.ts";
import { closedError } from "../kv/writes.ts";
import type { MemoryConnection } from "./memory-connection.ts";

/** How long a call may take: as on NATS. Unit: ms. */
const callTimeoutMs = 5_000;
/** When a watcher notices that a change was lost on the way to it: two heartbeats. Unit: ms. */
const noticedAfterMs = 10_000;

type Settled<Value> =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "thrown"; readonly thrown: unknown };

export class MemoryFarStore implements KvStore {
  readonly bucket: string;
  readonly #near: KvStore;
  readonly #connection: MemoryConnection;
  readonly #watchers = new Set<FarWatcher>();
  #isClosed = false;

  /** `near` is this client's alone, and closed with it. */
  constructor(near: KvStore, connection: MemoryConnection) {
    this.bucket = near.bucket;
    this.#near = near;
    this.#connection = connection;
  }

  get historyMax(): number {
    return this.#near.historyMax;
  }

  get(key: string): Promise<KvEntry | undefined> {
    return this.#call("kv-read", key, () => this.#near.get(key));
  }

  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, KvEntry>> {
    return this.#call("kv-read", ">", () => this.#near.getMany(keys));
  }

  create(key: string, value: Uint8Array, options?: KvTtl): Promise<KvWrite> {
    return this.#call("kv-write", key, () => this.#near.create(key, value, options));
  }

  put(key: string, value: Uint8Array, options?: KvTtl): Promise<Revision> {
    return this.#call("kv-write", key, () => this.#near.put(key, value, options));
  }

  update(key: string, value: Uint8Array, expected: Revision, options?: KvTtl): Promise<KvWrite> {
    return this.#call("kv-write", key, () => this.#near.update(key, value, expected, options));
  }

  delete(key: string, options?: { readonly expected?: Revision }): Promise<KvWrite> {
    return this.#call("kv-write", key, () => this.#near.delete(key, options));
  }

  purge(key: string, options?: { readonly expected?: Revision }): Promise<KvWrite> {
    return this.#call("kv-write", key, () => this.#near.purge(key, options));
  }

  transact(operations: readonly KvOperationRequest[]): Promise<KvTransaction> {
    return this.#call("kv-write", ">", () => this.#near.transact(operations));
  }

  list(pattern: KeyPattern): Promise<readonly string[]> {
    return this.#call("kv-read", pattern, () => this.#near.list(pattern));
  }

  history(key: string): Promise<readonly KvEntry[]> {
    return this.#call("kv-read", key, () => this.#near.history(key));
  }

  async watch(pattern: WatchPattern, options: KvWatchOptions = {}): Promise<KvWatcher> {
    // A watcher overcomes breaks by itself, also one at its beginning.
    if (this.#isClosed) throw closedError(this.bucket);
    const subject = `${this.bucket}.${[pattern].flat()[0]}`;
    const watcher = new FarWatcher(await this.#near.watch(pattern, options), this.#connection, subject);
    // It ends with its signal and with the store, also while it waits for a connection that never comes back.
    this.#watchers.add(watcher);
    options.signal?.addEventListener("abort", () => void watcher.close(), { once: true });
    return watcher;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#watchers].map((watcher) => watcher.close()));
    await this.#near.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call<Value>(kind: "kv-read" | "kv-write", key: string, act: () => Promise<Value>): Promise<Value> {
    if (this.#isClosed) throw closedError(this.bucket);
    const subject = `${this.bucket}.${key}`;
    const answer = await this.#connection.call<Settled<Value>>(kind, subject, callTimeoutMs, (done) => {
      act().then(
        (value) => done({ kind: "value", value }),
        (thrown: unknown) => done({ kind: "thrown", thrown }),
      );
    });
    if (answer.kind !== "answer") {
      const text = `${subject}: ${answer.reason}`;
      if (answer.kind === "refused") throw new TroupeError("STORE_FAILED", text);
      const isInDoubt = answer.kind === "lost" && kind === "kv-write";
      throw new TroupeError(isInDoubt ? "OUTCOME_UNKNOWN" : "SERVER_UNREACHABLE", text);
    }
    if (answer.value.kind === "value") return answer.value.value;
    const { thrown } = answer.value;
    // The near store is closed together with this one, while the call was on its way.
    if (isTroupeError(thrown) && thrown.code === "CLOSED") throw closedError(this.bucket);
    throw thrown;
  }
}

/** Each change travels on the client's connection. What a break or a loss takes is brought again afterwards (K4). */
class FarWatcher implements KvWatcher {
  readonly #near: KvWatcher;
  readonly #connection: MemoryConnection;
  readonly #subject: string;
  readonly #changes: AsyncIterator<KvChange>;
  readonly #closing = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(near: KvWatcher, connection: MemoryConnection, subject: string) {
    this.#near = near;
    this.#connection = connection;
    this.#subject = subject;
    this.#changes = near[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    await this.#near.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<KvChange, undefined> {
    return {
      next: async () => {
        const next = await this.#changes.next();
        while (next.done !== true && !this.#isClosed && !(await this.#comesThrough()));
        return this.#isClosed || next.done === true ? { done: true, value: undefined } : next;
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** False when it was lost on the way and must be brought again. */
  async #comesThrough(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const connection = this.#connection;
    const stopListening = connection.onState(() => resolve(false));
    const isUnderWay = connection.deliver("deliver", this.#subject, () => resolve(true));
    // As on the server, the watcher notices a hole in what it gets by the heartbeats.
    const stopWaiting = isUnderWay ? () => {} : connection.after(noticedAfterMs, () => resolve(false));
    const hasCome = await Promise.race([this.#closing.promise, promise]);
    stopListening();
    stopWaiting();
    return hasCome === true;
  }
}
