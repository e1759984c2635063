// The index of recall as it follows the store: built from what stands, kept by watch, asked by scope.
//
//   F1. Scopes that are asked for and not followed yet are followed first: an answer never leaves out what stood when the
//       first question came. What is written later is found as soon as the watch has told of it.
//   F2. No hit is given out that the store does not hold as the index knows it: each is looked up before. So nothing that
//       was erased, truncated, deleted or overwritten is recalled, however far the watch lags.
//   F3. Bounded: documents by the index, followed scopes by `followedMax`; what was asked for longest ago goes first.
//   F4. A place that is lost is told of by nobody who missed it: what is followed is then built anew.
//
// What a fork shares with its base is found in the base's scope.

import { delay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import { unlessAborted } from "../core/unless-aborted.ts";
import { FollowedScopes } from "./followed-scopes.ts";
import type { KeyChange, MemoryReading } from "./memory-change.ts";
import { watchMemory } from "./memory-watch.ts";
import type { RecallDocument } from "./recall/document.ts";
import type { Embedder } from "./recall/embedder.ts";
import type { RecallResult } from "./recall/hit.ts";
import { RecallIndex } from "./recall/recall-index.ts";
import { documentOfEntry, documentOfFact, idsOfRecord } from "./recall-documents.ts";
import { StandingHits } from "./recall-standing.ts";
import type { MemoryRevisions } from "./replica/revision-waits.ts";
import type { ScopePattern } from "./scope.ts";
import { scopeKey, scopePattern } from "./scope.ts";

export interface RecallProgress {
  /** Key text or pattern of what is being read; ">" for all scopes. */
  readonly scopes: string;
  /** Entries and facts that were read. */
  readonly done: number;
  /** True once, when all that stood is in the index. */
  readonly isComplete: boolean;
}

export interface RecallFollowerOptions {
  readonly reading: MemoryReading;
  /** Entries and facts that the index holds; the oldest by time go first. Default 100,000. */
  readonly documentsMax?: number | undefined;
  /** What the index may take in memory, estimated. Default 512 MiB. Unit: bytes. */
  readonly bytesMax?: number | undefined;
  /** Scopes, or patterns of them, that are followed at a time. Default 256. */
  readonly followedMax?: number | undefined;
  /** Default: none, words alone. */
  readonly embedder?: Embedder | undefined;
  /** Told every 1,000 documents while what stands is read, and when that is done. */
  readonly onProgress?: ((progress: RecallProgress) => void) | undefined;
}

export interface RecallOptions {
  /** Hits at most. Default 10, at most 1,000. */
  readonly k?: number;
  /** Only what is of these scopes, or of those that match. Default: all scopes. */
  readonly scopes?: ScopePattern | readonly ScopePattern[];
  /** What lies under them too. Default false. */
  readonly under?: boolean;
  /** "turn", "observation", "tool", "summary", "fact". Default: all. */
  readonly kinds?: readonly string[];
  /** From this moment on. Unit: ms since the Unix epoch. */
  readonly since?: number;
  /** Before this moment. Unit: ms since the Unix epoch. */
  readonly until?: number;
  readonly filter?: (document: RecallDocument) => boolean;
  /** Waits until the index knows writes to these scopes with these revisions: to find what one has just written. */
  readonly after?: MemoryRevisions;
  /** Ends the waiting for scopes that are being read, and the embedding of the query. */
  readonly signal?: AbortSignal;
}

const progressEvery = 1_000;
/** Waits before a watch, or an embedding, that failed is begun again. Unit: ms. */
const againMs = 500;
const againMsMax = 30_000;

export class RecallFollower implements AsyncDisposable {
  readonly #options: RecallFollowerOptions;
  readonly #index: RecallIndex;
  readonly #standing: StandingHits;
  /** By pattern; the one that was asked for longest ago in front. */
  readonly #followed = new Map<string, FollowedScopes>();
  readonly #ended = new AbortController();
  #embedding: Promise<void> | undefined;

  /** Rejects with OPTION_INVALID. */
  constructor(options: RecallFollowerOptions) {
    const { documentsMax, bytesMax, embedder, reading } = options;
    this.#options = options;
    this.#standing = new StandingHits(reading.stores);
    this.#index = new RecallIndex({
      ...(documentsMax === undefined ? {} : { documentsMax }),
      ...(bytesMax === undefined ? {} : { bytesMax }),
      ...(embedder === undefined ? {} : { embedder }),
      clock: reading.stores.clock,
    });
  }

  /** Documents in the index. */
  get size(): number {
    return this.#index.size;
  }

  /** Documents that the index had no room for. */
  get leftOut(): number {
    return this.#index.leftOut;
  }

  /** Documents that wait for their vectors. */
  get unembedded(): number {
    return this.#index.unembedded;
  }

  /** Resolves when all that stands in these scopes is in the index; from then on it follows. Rejects as `recall` does. */
  async follow(scope: ScopePattern | undefined, under = false, signal?: AbortSignal): Promise<void> {
    await this.#followedBy(scope, under, signal);
  }

  async #followedBy(scope: ScopePattern | undefined, under: boolean, signal?: AbortSignal): Promise<FollowedScopes> {
    signal?.throwIfAborted();
    const text = scope === undefined ? ">" : `${scopePattern(scope)}${under ? ".>" : ""}`;
    const known = [...this.#followed.values()].find((one) => one.text === text || one.covers(scope, under));
    const followed = known ?? new FollowedScopes(text, scope, under, this.#options.reading.stores.clock);
    this.#followed.delete(followed.text);
    this.#followed.set(followed.text, followed);
    if (known === undefined) {
      followed.following = this.#follow(followed);
      this.#letGoOfOldest(followed);
    }
    await unlessAborted(followed.current, signal);
    return followed;
  }

  /** The best hits. Rejects with SCOPE_INVALID, OPTION_INVALID, CLOSED, and as watching and reading do. */
  async recall(query: string, options: RecallOptions = {}): Promise<RecallResult> {
    const { scopes, under = false, k = 10, signal, filter, after = {}, ...others } = options;
    const wanted = scopes === undefined ? undefined : [scopes].flat();
    // One after the other: what the first brings in may cover the next.
    const followed = new Set<FollowedScopes>();
    for (const scope of wanted ?? [undefined]) followed.add(await this.#followedBy(scope, under, signal));
    await reachedByAny([...followed], after, signal);
    const nowMs = this.#options.reading.stores.clock.now();
    const texts = wanted?.map(scopePattern).flatMap((text) => (under ? [text, `${text}.>`] : [text]));
    const search = (left: ReadonlySet<RecallDocument>) =>
      this.#index.search(query, {
        ...others,
        k,
        ...(texts === undefined ? {} : { scopes: texts }),
        ...(signal === undefined ? {} : { signal }),
        filter: (document) =>
          !left.has(document) && !this.#standing.isOver(document, nowMs) && (filter?.(document) ?? true),
      });
    const found = await search(new Set());
    const hits = await this.#standing.of(found.hits);
    if (hits.length === found.hits.length) return found;
    // Others come up for those that are none. F2 holds for them as well.
    const standing = new Set(hits.map(({ document }) => document));
    const gone = found.hits.map(({ document }) => document).filter((document) => !standing.has(document));
    const again = await search(new Set(gone));
    return { ...again, hits: await this.#standing.of(again.hits) };
  }

  /** Takes out what is of this scope, before the watch tells of it. */
  forget(scope: ScopePattern): void {
    this.#index.removeScope(scopeKey(scope));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all([...this.#followed.values()].map(({ following }) => following));
    await this.#embedding;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** F3. */
  #letGoOfOldest(kept: FollowedScopes): void {
    for (const [text, oldest] of this.#followed) {
      const isCovered = oldest !== kept && kept.covers(oldest.scope, oldest.under);
      const isTooMany = this.#followed.size > (this.#options.followedMax ?? 256) && oldest !== kept;
      if (!isCovered && !isTooMany) continue;
      this.#followed.delete(text);
      oldest.ended.abort();
      const others = [...this.#followed.values()];
      this.#forget((scope) => oldest.matches(scope) && !others.some((other) => other.matches(scope)));
    }
  }

  /** Follows until it is let go of. */
  async #follow(followed: FollowedScopes): Promise<void> {
    const { clock } = this.#options.reading.stores;
    const signal = AbortSignal.any([this.#ended.signal, followed.ended.signal]);
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#read(followed, signal);
        failures = 0;
      } catch (thrown) {
        const isClosed = isTroupeError(thrown) && thrown.code === "CLOSED";
        if (isClosed || followed.isFirst) {
          this.#followed.delete(followed.text); // Who asks again begins again.
          return followed.fail(thrown);
        }
      }
      if (!signal.aborted) followed.startOver();
      await delay(clock, Math.min(againMsMax, againMs * 2 ** failures), signal);
    }
    followed.fail(new TroupeError("CLOSED", `${followed.text} is not followed any more`));
  }

  /** One watch, until it ends or its place is lost (F4). */
  async #read(followed: FollowedScopes, signal: AbortSignal): Promise<void> {
    const { reading, onProgress } = this.#options;
    const { text, scope, under } = followed;
    this.#forget((known) => followed.matches(known));
    let done = 0;
    const tell = (isComplete: boolean) => onProgress?.({ scopes: text, done, isComplete });
    await using watch = await watchMemory(reading, scope, { under, signal });
    for await (const change of watch) {
      if (change.kind === "restarted") return;
      followed.reach(change.cursor);
      if (change.kind === "current") {
        tell(true);
        followed.stands();
        this.#embed();
        continue;
      }
      if (change.kind === "head-changed") this.#standing.noteHead(scopeKey(change.scope), change.head.first);
      this.#apply(change);
      if (!change.isSnapshot) this.#embed();
      done += 1;
      if (change.isSnapshot && done % progressEvery === 0) tell(false);
    }
  }

  /** Takes out what is of the scopes with these key texts. */
  #forget(isGone: (scope: string) => boolean): void {
    this.#standing.forget(isGone);
    for (const scope of [...this.#index.scopes()]) if (isGone(scope)) this.#index.removeScope(scope);
  }

  #apply(change: KeyChange): void {
    switch (change.kind) {
      case "entry-added":
        this.#index.add(documentOfEntry(change.entry));
        return;
      case "entries-removed":
        for (const id of idsOfRecord(change.key)) this.#index.remove(id);
        for (const entry of change.left) this.#index.add(documentOfEntry(entry));
        return;
      case "fact-set":
        this.#standing.note(change.fact);
        this.#index.add(documentOfFact(change.fact));
        return;
      case "fact-deleted":
      case "unreadable":
        this.#index.remove(change.key);
        return;
      case "head-changed": // What it cuts off is told of record by record, and no hit until then (F2).
        return;
    }
  }

  /** In the background, one at a time; what cannot be embedded now is tried again. */
  #embed(): void {
    if (this.#embedding !== undefined || this.#index.unembedded === 0) return;
    const { clock } = this.#options.reading.stores;
    const { signal } = this.#ended;
    const run = async () => {
      for (let failures = 0; this.#index.unembedded > 0 && !signal.aborted; failures += 1) {
        try {
          await this.#index.embed(signal);
          failures = 0;
        } catch {
          // The index says how many wait (`unembedded`), and a search says why it ranks by words alone.
          await delay(clock, Math.min(againMsMax, againMs * 2 ** failures), signal);
        }
      }
    };
    this.#embedding = run().finally(() => {
      this.#embedding = undefined;
    });
  }
}

/** A revision is of one scope alone, and those who follow others never come to it. */
async function reachedByAny(
  followed: readonly FollowedScopes[],
  { memory, facts }: MemoryRevisions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  for (const wanted of [memory === undefined ? {} : { memory }, facts === undefined ? {} : { facts }]) {
    await Promise.any(followed.map(({ waits }) => waits.waitFor(wanted, options))).catch((thrown: AggregateError) => {
      throw thrown.errors[0];
    });
  }
}
