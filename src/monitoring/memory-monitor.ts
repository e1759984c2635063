// What agents remember, as figures: how much by scope, how fast it grows, when a limit will be reached, which keys are written most,
// and where writers get into each other's way. One watch for each of the two buckets, and a look at the streams each few seconds.
//
//   M1. Sums of scopes and bytes of streams are what the server holds: the watch goes on after every break (P8), and what it had to
//       read again is counted anew. `isComplete` says whether all that stood has been read.
//   M2. Bounded, whatever is written: sizes of at most a million keys, counters of a few thousand, 120 points of each line.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { isTroupeError, messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { KvChange, KvEntry, KvStore } from "../kv/store.ts";
import type { MemoryBucketName } from "../memory/memory-change.ts";
import type { TroupeClient } from "../runtime/client.ts";
import type { AccountFacts, Inspector } from "../runtime/inspect.ts";
import type { StreamFacts } from "../runtime/inspect-stream.ts";
import { ConflictMap } from "./conflict-map.ts";
import { FollowedBucket } from "./followed-bucket.ts";
import type { Point } from "./growth.ts";
import { Growth, reachedAt } from "./growth.ts";
import type { HotKey } from "./hot-keys.ts";
import { HotKeys } from "./hot-keys.ts";
import type { KindSum, ScopeSum } from "./scope-tally.ts";
import { ScopeTally } from "./scope-tally.ts";

/** Those whose hottest keys are known. Who watches one that the monitor does not watch itself tells it of the writes. */
export type WatchedBucket = MemoryBucketName | "state" | "central";

export interface KindFigures extends Readonly<KindSum> {
  readonly kind: string;
  readonly bytesPerHour: number | undefined;
}

export interface StreamFigures {
  /** Of the stream to its app; "account" for all that the account holds. */
  readonly role: StreamFacts["role"] | "account";
  readonly name: string;
  readonly bytes: number;
  readonly messages: number;
  /** By its own limit, or by what the account leaves it; undefined: no limit that is known. */
  readonly bytesMax: number | undefined;
  readonly bytesPerHour: number | undefined;
  /** When that is reached if it goes on like that; undefined: never, or not known. Unit: ms since the epoch. */
  readonly fullAtMs: number | undefined;
  readonly past: readonly Point[];
}

export interface MemoryFigures {
  readonly atMs: number;
  readonly isComplete: boolean;
  readonly kinds: readonly KindFigures[];
  readonly streams: readonly StreamFigures[];
  /** Writes of keys beyond those that are counted (M2). */
  readonly left: number;
}

/** A look at the streams. */
export interface StreamsReading {
  readonly streams: readonly StreamFacts[];
  readonly account: AccountFacts | undefined;
}

export interface MemoryMonitorOptions {
  readonly clock: Clock;
  /** Rejects while the server is away. */
  readonly readStreams: () => Promise<StreamsReading>;
  /** Undefined while it is not there. */
  readonly openBucket: (bucket: MemoryBucketName) => Promise<KvStore | undefined>;
  readonly log?: Pick<Logger, "warn"> | undefined;
  /** Told when something was taken in: a change of a bucket, a look at the streams. */
  readonly onChange?: (() => void) | undefined;
  /** How often the streams are looked at. Unit: ms. Default 5,000. */
  readonly sampleMs?: number | undefined;
  /** See `ScopeTallyOptions`. */
  readonly keysMax?: number | undefined;
}

const memoryBuckets: readonly MemoryBucketName[] = ["memory", "facts"];
const hottestMax = 50;
const conflictsMax = 20;

/** Of an app on a server. It runs from `start` to `close`. */
export function memoryMonitorOf(
  { troupe, inspector }: { readonly troupe: TroupeClient; readonly inspector: Inspector },
  options: Pick<MemoryMonitorOptions, "log" | "onChange" | "sampleMs" | "keysMax"> = {},
): MemoryMonitor {
  const { ports } = troupe;
  return new MemoryMonitor({
    ...options,
    clock: ports.clock,
    readStreams: async () => {
      const [app, account] = await Promise.all([inspector.app(), inspector.account()]);
      return { streams: app?.streams ?? [], account };
    },
    openBucket: async (bucket) => {
      if (!(await inspector.hasBucket(bucket))) return undefined;
      const { entries, facts } = await ports.openMemory();
      return bucket === "memory" ? entries : facts;
    },
  });
}

export class MemoryMonitor implements AsyncDisposable {
  readonly conflicts = new ConflictMap();
  readonly #options: MemoryMonitorOptions;
  readonly #tally: ScopeTally;
  readonly #hot = new HotKeys<WatchedBucket>();
  readonly #byKind = new Map<string, Growth>();
  readonly #byStream = new Map<string, Growth>();
  readonly #followed: readonly FollowedBucket[];
  readonly #ended = new AbortController();
  #streams: StreamsReading = { streams: [], account: undefined };
  #sampling: Promise<void> = Promise.resolve();

  /** See `memoryMonitorOf`. */
  constructor(options: MemoryMonitorOptions) {
    this.#options = options;
    this.#tally = new ScopeTally(options.keysMax === undefined ? {} : { keysMax: options.keysMax });
    const { clock, openBucket, log, sampleMs } = options;
    this.#followed = memoryBuckets.map((bucket) => {
      const open = () => openBucket(bucket);
      const onChange = (change: KvChange) => {
        this.#take(bucket, change);
        options.onChange?.();
      };
      return new FollowedBucket({ clock, open, onChange, log, lookMs: sampleMs });
    });
  }

  start(): void {
    for (const followed of this.#followed) followed.start();
    this.#sampling = this.#sample();
  }

  /** A write that somebody else's watch has seen. */
  wrote(bucket: WatchedBucket, { key, value }: Pick<KvEntry, "key" | "value">): void {
    this.#hot.write(bucket, key, value.length, this.#options.clock.now());
  }

  /** Lost races of compare-and-set. `what`: a key, or an actor type. */
  conflicted(what: string, count: number): void {
    this.conflicts.add(what, count, this.#options.clock.now());
  }

  get isComplete(): boolean {
    return this.#tally.left === 0 && this.#followed.every(({ isCurrent }) => isCurrent);
  }

  /** The scopes that hold something. */
  scopes(): Iterable<ScopeSum> {
    return this.#tally.scopes();
  }

  /** Whether something stands in the scope of this key text. */
  holds(scope: string): boolean {
    return this.#tally.holds(scope);
  }

  /** The keys with most writes of the last minute. */
  hottest(): readonly HotKey<WatchedBucket>[] {
    return this.#hot.hottest(hottestMax, this.#options.clock.now());
  }

  /** Of the last ten minutes. */
  conflictMap(): ReturnType<ConflictMap["view"]> {
    return this.conflicts.view(conflictsMax, this.#options.clock.now());
  }

  figures(): MemoryFigures {
    const atMs = this.#options.clock.now();
    // Of a kind whose scopes are all erased the heads still stand.
    const held = [...this.#tally.kinds].filter(([, { scopes }]) => scopes > 0);
    const kinds = held.map(([kind, sum]) => ({ kind, ...sum, bytesPerHour: this.#byKind.get(kind)?.perHour }));
    kinds.sort((one, other) => other.bytes - one.bytes || (one.kind < other.kind ? -1 : 1));
    return { atMs, isComplete: this.isComplete, kinds, streams: this.#streamFigures(atMs), left: this.#tally.left };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all([this.#sampling, ...this.#followed.map((followed) => followed.close())]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #streamFigures(nowMs: number): readonly StreamFigures[] {
    const { streams, account } = this.#streams;
    const whole = account === undefined ? [] : [this.#accountFigures(account, nowMs)];
    const [{ bytesMax: allMax, fullAtMs: allFullAtMs } = {}] = whole;
    const free = allMax === undefined ? undefined : Math.max(0, allMax - (account?.storageBytes ?? 0));
    const own = streams.map((facts): StreamFigures => {
      const { role, name, bytes, messages, storage } = facts;
      const growth = this.#byStream.get(name);
      const ownMax = facts.bytesMax < 0 ? undefined : facts.bytesMax;
      const left = free === undefined || storage === "memory" ? undefined : bytes + free;
      const bytesMax = ownMax === undefined ? left : Math.min(ownMax, left ?? ownMax);
      const ownFullAtMs = reachedAt(nowMs, bytes, ownMax, growth?.perHour);
      // The account's limit is reached by all streams together.
      const fullAts = [ownFullAtMs, left === undefined ? undefined : allFullAtMs].filter((at) => at !== undefined);
      const fullAtMs = fullAts.length === 0 ? undefined : Math.min(...fullAts);
      return {
        ...{ role, name, bytes, messages, bytesMax, bytesPerHour: growth?.perHour, fullAtMs },
        past: growth?.points ?? [],
      };
    });
    return [...own, ...(allMax === undefined ? [] : whole)];
  }

  #accountFigures({ storageBytes: bytes, storageBytesMax }: AccountFacts, nowMs: number): StreamFigures {
    const growth = this.#byStream.get(accountName);
    const bytesMax = storageBytesMax < 0 ? undefined : storageBytesMax;
    const fullAtMs = reachedAt(nowMs, bytes, bytesMax, growth?.perHour);
    const messages = this.#streams.streams.reduce((sum, stream) => sum + stream.messages, 0);
    return {
      ...{ role: "account", name: accountName, bytes, messages, bytesMax, bytesPerHour: growth?.perHour, fullAtMs },
      past: growth?.points ?? [],
    };
  }

  async #sample(): Promise<void> {
    const { clock, sampleMs = 5_000, log } = this.#options;
    const { signal } = this.#ended;
    let isSeen = true;
    while (!signal.aborted) {
      try {
        await this.#look();
        this.#options.onChange?.();
        isSeen = true;
      } catch (thrown) {
        if (isTroupeError(thrown) && thrown.code === "CLOSED") return;
        if (isSeen) log?.warn({ error: messageOf(thrown) }, "the streams cannot be looked at; it is tried again");
        isSeen = false;
      }
      await delay(clock, sampleMs, signal);
    }
  }

  async #look(): Promise<void> {
    this.#streams = await this.#options.readStreams();
    const { streams, account } = this.#streams;
    const nowMs = this.#options.clock.now();
    for (const { name, bytes } of streams) this.#growthOf(this.#byStream, name).add(nowMs, bytes);
    if (account !== undefined) this.#growthOf(this.#byStream, accountName).add(nowMs, account.storageBytes);
    // While what stands is still read, sums grow for another reason.
    if (!this.isComplete) return;
    for (const [kind, { bytes }] of this.#tally.kinds) this.#growthOf(this.#byKind, kind).add(nowMs, bytes);
  }

  #growthOf(lines: Map<string, Growth>, name: string): Growth {
    const { sampleMs } = this.#options;
    const known = lines.get(name) ?? new Growth(sampleMs === undefined ? {} : { stepMs: sampleMs });
    lines.set(name, known);
    return known;
  }

  #take(bucket: MemoryBucketName, change: KvChange): void {
    switch (change.kind) {
      case "restarted":
        this.#tally.forget(bucket);
        return;
      case "current":
        return;
      case "entry": {
        const { entry, isSnapshot } = change;
        if (!isSnapshot) this.wrote(bucket, entry);
        this.#tally.take(bucket, entry);
        return;
      }
    }
  }
}

const accountName = "account";
