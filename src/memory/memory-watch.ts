// The watch of what agents remember: what changes in a scope, in scopes that match, or in all, as it happens.
//
//   W1. A place that was lost is told of by `restarted`, and what stands follows (P8). That holds for a cursor too that is
//       older than what the store remembers of removals.
//   W2. Nothing waits here but the entries of one write and one change of each bucket; what a slow reader leaves waits in
//       the store's own bounded watcher (KvWatcher), and beyond that on the server.
//
// A cursor is JSON: `{"memory":1042,"facts":77,"atMs":1790000000000}`. Each change carries the one that goes on behind it;
// `cursor` of the watch is as of now, which is the better one to keep where nothing happens for long.

import { TroupeError } from "../core/errors.ts";
import type { KvChange, KvStore, KvWatcher, Revision, WatchPattern } from "../kv/store.ts";
import { checkExpected } from "../kv/writes.ts";
import { FactPatches } from "./fact-patches.ts";
import type {
  KeyChange,
  MemoryBucketName,
  MemoryChange,
  MemoryCursor,
  MemoryReading,
  WatchPhase,
} from "./memory-change.ts";
import { readChange } from "./memory-change.ts";
import { factPatterns, logPatterns } from "./memory-keys.ts";
import type { ScopePattern } from "./scope.ts";

export interface MemoryWatchOptions {
  /** Scopes that lie under it too: with `{ user: "anna" }` all that has Anna in it. Default false. */
  readonly under?: boolean;
  /** "log": entries and heads. "facts": facts and heads. Default "both". */
  readonly what?: "log" | "facts" | "both";
  /** What comes after this cursor, or only what changes from now on. Default: a snapshot of what stands, then what changes. */
  readonly from?: MemoryCursor | "now";
  /** "patches": changes of facts carry the patch from the value before too. Default "values". */
  readonly as?: "values" | "patches";
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** One scope or pattern, several that have no scope in common, or `undefined` for all scopes. */
export type WatchedScopes = ScopePattern | readonly ScopePattern[] | undefined;

/** A cursor that is older is not gone on from: records that were emptied are remembered for twice as long. Unit: ms. */
export const cursorAgeMsMax = 3_600_000;

/**
 * Watches scopes. Resolves when the watch stands: what is
 * written from then on will be told. Rejects with SCOPE_INVALID, OPTION_INVALID, and as the stores do.
 */
export async function watchMemory(
  reading: MemoryReading,
  scope: WatchedScopes,
  options: MemoryWatchOptions = {},
): Promise<MemoryWatch> {
  const { under = false, what = "both", from, signal } = options;
  const { stores } = reading;
  const cursor = checkCursor(from);
  const watched = { memory: what !== "facts", facts: what !== "log" };
  const isTooOld = cursor.atMs !== undefined && stores.clock.now() - cursor.atMs > cursorAgeMsMax;
  const goOn = isTooOld ? { facts: cursor.facts } : { memory: cursor.memory, facts: cursor.facts };
  await using opening = new AsyncDisposableStack();
  const open = async (bucket: MemoryBucketName, store: KvStore, patterns: WatchPattern): Promise<Feed[]> => {
    if (!watched[bucket]) return [];
    const after = goOn[bucket];
    const start = from === "now" ? from : after === undefined ? undefined : after + 1;
    const watcher = await store.watch(patterns, {
      ...(start === undefined ? {} : { from: start }),
      ...(signal === undefined ? {} : { signal }),
    });
    opening.use(watcher);
    return [new Feed(bucket, watcher, start === undefined ? "snapshot" : "catching-up")];
  };
  const feeds = await Promise.all([
    open("memory", stores.entries, logPatterns(scope, under)),
    open("facts", stores.facts, factPatterns(scope, under)),
  ]);
  const watch = new MemoryWatch(reading, feeds.flat(), cursor, options.as === "patches");
  opening.move();
  const ageS = Math.round((stores.clock.now() - (cursor.atMs ?? 0)) / 1_000);
  if (isTooOld && watched.memory && cursor.memory !== undefined) watch.startOver(`the cursor is ${ageS} s old`);
  return watch;
}

/** One iterator, whoever asks for it: each change is handed out once. Leaving a `for await` loop closes the watch. */
export class MemoryWatch implements AsyncIterable<MemoryChange>, AsyncDisposable {
  readonly #reading: MemoryReading;
  readonly #feeds: readonly Feed[];
  readonly #patches: FactPatches | undefined;
  readonly #openedAtMs: number;
  /** Changes that come of one write. */
  #ready: MemoryChange[] = [];
  #cursor: MemoryCursor;
  /** The cursor of what was handed out last. */
  #handedOut: MemoryCursor;
  #turn = 0;
  #calls: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(reading: MemoryReading, feeds: readonly Feed[], cursor: MemoryCursor, hasPatches: boolean) {
    this.#reading = reading;
    this.#feeds = feeds;
    this.#openedAtMs = reading.stores.clock.now();
    this.#cursor = cursor.memory === undefined ? { ...cursor, atMs: this.#openedAtMs } : cursor;
    this.#handedOut = this.#cursor;
    this.#patches = hasPatches ? new FactPatches(reading) : undefined;
  }

  /** Where to go on after what was handed out last. */
  get cursor(): MemoryCursor {
    const isIdle = this.#ready.length === 0 && this.#feeds.every((feed) => feed.isIdle && feed.phase === "news");
    return isIdle ? { ...this.#cursor, atMs: this.#reading.stores.clock.now() } : this.#handedOut;
  }

  /** For the opening alone: the memory's place was lost before the watch began (W1). */
  startOver(reason: string): void {
    const { memory: _memory, partly: _partly, ...rest } = this.#cursor;
    this.#cursor = { ...rest, atMs: this.#openedAtMs };
    this.#ready.push({ kind: "restarted", bucket: "memory", reason, cursor: this.#cursor });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ready = [];
    this.#wake();
    await Promise.all(this.#feeds.map((feed) => feed.watcher.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<MemoryChange, undefined> {
    return {
      next: () => {
        const next = this.#calls.then(() => this.#next());
        this.#calls = next.catch(() => undefined);
        return next;
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<MemoryChange, undefined>> {
    for (;;) {
      if (this.#isClosed) return { done: true, value: undefined };
      const change = this.#ready.shift();
      if (change !== undefined) {
        this.#handedOut = change.cursor;
        return { done: false, value: change };
      }
      await this.#pull();
    }
  }

  /** Fills `#ready` from one write, or waits for one. */
  async #pull(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    for (const feed of this.#feeds) feed.ask(() => this.#wake());
    const feed = this.#nextFeed();
    if (feed === undefined) return promise;
    try {
      const change = await feed.take();
      if (change === undefined) await this.close();
      else this.#ready = await this.#read(feed, change);
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  /** Takes turns, so that neither bucket waits for the other. */
  #nextFeed(): Feed | undefined {
    this.#turn += 1;
    const inTurn = this.#turn % 2 === 0 ? this.#feeds : this.#feeds.toReversed();
    return inTurn.find((feed) => !feed.isIdle);
  }

  async #read(feed: Feed, change: KvChange): Promise<MemoryChange[]> {
    const { bucket } = feed;
    if (change.kind === "restarted") {
      feed.phase = "snapshot";
      if (bucket === "facts") this.#patches?.clear();
      const { [bucket]: _lost, partly, ...rest } = this.#cursor;
      this.#cursor = bucket === "memory" || partly === undefined ? rest : { ...rest, partly };
      return [{ kind: "restarted", bucket, reason: change.reason, cursor: this.#cursor }];
    }
    if (change.kind === "current") {
      feed.phase = "news";
      this.#advance(bucket, change.revision, this.#openedAtMs);
      return this.#feeds.every(({ phase }) => phase === "news") ? [{ kind: "current", cursor: this.#cursor }] : [];
    }
    const { entry } = change;
    const phase = change.isSnapshot ? "snapshot" : feed.phase;
    const told = await this.#withPatches(await readChange(this.#reading, bucket, entry, phase), phase);
    const { partly } = this.#cursor;
    const skipped = bucket === "memory" && partly?.revision === entry.revision ? partly.entries : 0;
    const before = this.#cursor;
    this.#advance(bucket, entry.revision, phase === "snapshot" ? undefined : entry.writtenAtMs);
    const partial = (count: number): MemoryCursor => ({
      ...before,
      partly: { revision: entry.revision, entries: count },
    });
    return told
      .map((one, at) => ({ ...one, cursor: at + 1 < told.length ? partial(at + 1) : this.#cursor }))
      .slice(skipped);
  }

  async #withPatches(told: readonly KeyChange[], phase: WatchPhase): Promise<readonly KeyChange[]> {
    const patches = this.#patches;
    if (patches === undefined) return told;
    const [change] = told;
    if (change?.kind === "fact-set") return [await patches.add(change, phase === "snapshot")];
    if (change?.bucket === "facts") patches.note(change);
    return told;
  }

  /** `asOfMs`: what was written in the bucket before this moment has been told. */
  #advance(bucket: MemoryBucketName, revision: Revision, asOfMs = 0): void {
    const { partly, ...rest } = this.#cursor;
    const place = { ...rest, [bucket]: Math.max(revision, rest[bucket] ?? 0) };
    if (bucket === "facts") this.#cursor = { ...place, ...(partly === undefined ? {} : { partly }) };
    else this.#cursor = { ...place, atMs: Math.max(asOfMs, rest.atMs ?? 0) }; // Only records are forgotten by age.
  }
}

/** One bucket's watcher, asked for one change at a time. */
class Feed {
  readonly bucket: MemoryBucketName;
  readonly watcher: KvWatcher;
  phase: WatchPhase;
  readonly #changes: AsyncIterator<KvChange>;
  #asked: Promise<IteratorResult<KvChange>> | undefined;
  #hasCome = false;

  constructor(bucket: MemoryBucketName, watcher: KvWatcher, phase: WatchPhase) {
    this.bucket = bucket;
    this.watcher = watcher;
    this.phase = phase;
    this.#changes = watcher[Symbol.asyncIterator]();
  }

  get isIdle(): boolean {
    return !this.#hasCome;
  }

  /** Runs `onCome` once when something has come, if that was not asked for before. */
  ask(onCome: () => void): void {
    if (this.#asked !== undefined) return;
    this.#asked = this.#changes.next();
    const come = () => {
      this.#hasCome = true;
      onCome();
    };
    this.#asked.then(come, come);
  }

  /** What has come; undefined when the watcher has ended. Rejects as the watcher does. */
  async take(): Promise<KvChange | undefined> {
    const asked = this.#asked;
    this.#asked = undefined;
    this.#hasCome = false;
    const next = await asked;
    return next === undefined || next.done === true ? undefined : next.value;
  }
}

/** Rejects with OPTION_INVALID. */
function checkCursor(from: MemoryCursor | "now" | undefined): MemoryCursor {
  if (from === undefined || from === "now") return {};
  if (typeof from !== "object" || from === null) {
    throw new TroupeError("OPTION_INVALID", `\`from\` must be "now" or a cursor, got ${JSON.stringify(from)}`);
  }
  for (const revision of [from.memory, from.facts]) if (revision !== undefined) checkExpected(revision);
  return from;
}
