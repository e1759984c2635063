// What agents remember, as one thing: logs, facts, recall, watches, replicas and erasure over two buckets of any store. It
// only wires; the laws stand with its parts.
//
//   const memory = openContextStore({
//     entries: await openMemoryStore({ bucket: "memory" }),            // or openSqliteStore, or openNatsStore
//     facts: await openMemoryStore({ bucket: "facts", history: 16 }),
//   });
//   await memory.log({ user: "anna" }).append({ text: "I am moving to Oslo in May" });
//   await memory.facts({ user: "anna" }).set("city", "Oslo");
//   const { hits } = await memory.recall("where does Anna live?");

import { TroupeError } from "../core/errors.ts";
import { ContextLog } from "./context-log.ts";
import type { ContextStoreOptions, ResolvedContextStore } from "./context-store-options.ts";
import { resolveContextStore } from "./context-store-options.ts";
import type { EraseOptions } from "./erasure.ts";
import { eraseScope } from "./erasure.ts";
import type { ErasureReceipt } from "./erasure-receipt.ts";
import type { ErasureScan, ScanOptions } from "./erasure-scan.ts";
import { verifyErasure } from "./erasure-scan.ts";
import { Facts } from "./facts.ts";
import { heardRecall } from "./heard-recall.ts";
import type { ScopeListOptions, ScopePage } from "./list-scopes.ts";
import { listScopes } from "./list-scopes.ts";
import type { MemoryReplica, ReplicaOptions } from "./memory-replica.ts";
import { Replicas } from "./memory-replica.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { MemoryWatch, MemoryWatchOptions, WatchedScopes } from "./memory-watch.ts";
import { watchMemory } from "./memory-watch.ts";
import type { RecallResult } from "./recall/hit.ts";
import type { RecallOptions } from "./recall-follower.ts";
import { RecallFollower } from "./recall-follower.ts";
import type { AppliedScope, ApplyOptions } from "./retention.ts";
import { applyRetention } from "./retention.ts";
import type { RetentionPlan, RetentionRequest } from "./retention-plan.ts";
import { planRetention } from "./retention-plan.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import { setRetention } from "./retention-policy.ts";
import type { Scope, ScopePattern } from "./scope.ts";
import { scopeKey, scopePattern } from "./scope.ts";

/**
 * Opens nothing on any server: the two stores are open, and stay so when it is closed. Rejects with OPTION_INVALID.
 */
export function openContextStore(options: ContextStoreOptions): ContextStore {
  return new ContextStore(resolveContextStore(options));
}

export class ContextStore implements AsyncDisposable {
  /** The two buckets with the clock and the codecs, for what is not wired here. */
  readonly stores: MemoryStores;
  readonly #options: ResolvedContextStore;
  readonly #logs: Handles<ContextLog>;
  readonly #facts: Handles<Facts>;
  readonly #replicas: Replicas;
  readonly #recall: RecallFollower;
  readonly #ended = new AbortController();

  /** Made by `openContextStore`. */
  constructor(options: ResolvedContextStore) {
    const { reading, entrySchema, events, lagMsMax, factForm, idempotencyEntries, scopesMax } = options;
    const { stores } = reading;
    this.stores = stores;
    this.#options = options;
    const schema = entrySchema === undefined ? {} : { entrySchema };
    this.#logs = new Handles(scopesMax, (scope) => new ContextLog({ stores, scope, idempotencyEntries, ...schema }));
    this.#facts = new Handles(scopesMax, (scope) => new Facts({ stores, scope, options: factForm }));
    this.#replicas = new Replicas({ reading, entrySchema, events, lagMsMax });
    const { documentsMax, indexBytesMax: bytesMax, embedder, onProgress } = options;
    this.#recall = new RecallFollower({ reading, documentsMax, bytesMax, embedder, onProgress });
  }

  /**
   * What was said, seen and done in a scope. The same handle for the same scope, so that what is appended at the same time
   * goes in one write. Rejects with SCOPE_INVALID, CLOSED.
   */
  log(scope: Scope): ContextLog {
    this.#checkOpen();
    return this.#logs.of(scope);
  }

  /** What is known in a scope. Rejects with SCOPE_INVALID, CLOSED. */
  facts(scope: Scope): Facts {
    this.#checkOpen();
    return this.#facts.of(scope);
  }

  /**
   * The entries and facts that answer a query best, each with its key and revision, and why it stands where it does. Scopes
   * that were not asked for before are read first (`onProgress`), and followed from then on. No hit is given that the store
   * does not hold as it is shown. Rejects with SCOPE_INVALID, OPTION_INVALID, CLOSED, and as reading does.
   */
  async recall(query: string, options?: RecallOptions): Promise<RecallResult> {
    this.#checkOpen();
    const { events } = this.#options;
    const scopes = () => [options?.scopes ?? []].flat().map(scopePattern);
    const about = { by: "client", events, clock: this.stores.clock, scopes, k: options?.k } as const;
    return heardRecall(
      about,
      () => this.#recall.recall(query, options),
      ({ hits }) => hits,
    );
  }

  /** Reads scopes into the index of recall, so that the first question finds them there. Default: all scopes. */
  async prepareRecall(scope?: ScopePattern, options: { readonly under?: boolean } = {}): Promise<void> {
    this.#checkOpen();
    await this.#recall.follow(scope, options.under);
  }

  /**
   * Changes of a scope, of scopes that match, or with `undefined` of all, in order, each with a cursor to go on from.
   * Rejects with SCOPE_INVALID, OPTION_INVALID, CLOSED, and as the stores do.
   */
  async watch(scope: WatchedScopes, options: MemoryWatchOptions = {}): Promise<MemoryWatch> {
    this.#checkOpen();
    const own = this.#ended.signal;
    const signal = options.signal === undefined ? own : AbortSignal.any([own, options.signal]);
    return watchMemory(this.#options.reading, scope, { ...options, signal });
  }

  /** A live local copy of a scope. Replicas of one scope share one. Rejects with SCOPE_INVALID, OPTION_INVALID, CLOSED, and as reading does. */
  replica(scope: Scope, options?: ReplicaOptions): Promise<MemoryReplica> {
    return this.#replicas.open(scope, options);
  }

  /** The scopes that hold something, by key text, a page at a time. */
  async scopes(pattern?: ScopePattern, options?: ScopeListOptions): Promise<ScopePage> {
    this.#checkOpen();
    return listScopes(this.stores, pattern, options);
  }

  /**
   * Removes what a scope holds for good: entries, facts, their history, forks' shares, what recall knows of it. Rejects as
   * the stores do; the scope then stays shut until an `erase` of it is completed.
   */
  async erase(scope: Scope, options?: EraseOptions): Promise<ErasureReceipt> {
    this.#checkOpen();
    const receipt = await eraseScope(this.stores, scope, options);
    for (const erased of receipt.scopes) {
      this.#recall.forget(erased.scope);
      this.#logs.forget(erased.scope);
      this.#facts.forget(erased.scope);
    }
    return receipt;
  }

  /** Gives a scope a retention policy of its own, or takes it away. Rejects with OPTION_INVALID, and as the store does. */
  async setRetention(scope: Scope, policy: RetentionPolicy | undefined): Promise<void> {
    this.#checkOpen();
    await setRetention(this.stores, scope, policy);
  }

  /** What retention would take out and why; changes nothing. Rejects with OPTION_INVALID, and as reading does. */
  async planRetention(request?: RetentionRequest): Promise<RetentionPlan> {
    this.#checkOpen();
    return planRetention(this.stores, request);
  }

  /** Takes out what was planned, and heeds what was pinned, appended or erased since. Rejects as the stores do. */
  async applyRetention(plan: RetentionPlan, options?: ApplyOptions): Promise<readonly AppliedScope[]> {
    this.#checkOpen();
    return applyRetention(this.stores, plan, options);
  }

  /** Whether anything is left of what was erased. */
  async verify(receipt: ErasureReceipt, options?: ScanOptions): Promise<ErasureScan> {
    this.#checkOpen();
    return verifyErasure(this.stores, receipt, options);
  }

  /** Ends watches, replicas and the index. The stores stay open. Idempotent. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all([this.#replicas.close(), this.#recall.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#ended.signal.aborted) throw new TroupeError("CLOSED", "this context store is closed");
  }
}

/** Handles of scopes; of too many the one that was used longest ago goes. */
class Handles<Handle> {
  readonly #max: number;
  readonly #make: (scope: Scope) => Handle;
  readonly #byScope = new Map<string, Handle>();

  constructor(max: number, make: (scope: Scope) => Handle) {
    this.#max = max;
    this.#make = make;
  }

  of(scope: Scope): Handle {
    const key = scopeKey(scope);
    const handle = this.#byScope.get(key) ?? this.#make(scope);
    this.#byScope.delete(key);
    this.#byScope.set(key, handle);
    const [oldest] = this.#byScope.keys();
    if (this.#byScope.size > this.#max && oldest !== undefined) this.#byScope.delete(oldest);
    return handle;
  }

  /** The next one knows nothing of what was. */
  forget(scope: Scope): void {
    this.#byScope.delete(scopeKey(scope));
  }
}
