// Follows one scope for all its replicas in this process: two watches, what they lead to, who waits for what.
//
//   E1. It follows for ever: a watch that breaks is begun again, a place that is lost is read again, and both are told of.
//       While it is not sure to hold what stands, `isCurrent` is false, and nothing counts as seen for who waits.
//   E2. `waitFor` a revision resolves when everything of the scope that the bucket holds up to it is here, or was
//       overwritten by what is.

import { delay } from "../../core/clock.ts";
import { isTroupeError, messageOf, TroupeError } from "../../core/errors.ts";
import type { EventStream } from "../../core/events.ts";
import type { Revision } from "../../kv/store.ts";
import { LogHandle } from "../log-handle.ts";
import type { EntrySchemaOptions } from "../log-schema.ts";
import type { KeyChange, MemoryBucketName, MemoryChange, MemoryReading } from "../memory-change.ts";
import { watchMemory } from "../memory-watch.ts";
import type { Scope } from "../scope.ts";
import { scopeKey } from "../scope.ts";
import { FollowedFacts } from "./followed-facts.ts";
import { FollowedLog } from "./followed-log.ts";
import { LagSamples } from "./lag.ts";
import { RevisionWaits } from "./revision-waits.ts";

export interface FollowerOptions {
  readonly reading: MemoryReading;
  readonly scope: Scope;
  readonly entriesMax: number;
  /** A change that was under way for longer is told of as `replica-lagged`. Unit: ms. */
  readonly lagMsMax: number;
  readonly entrySchema: EntrySchemaOptions | undefined;
  readonly events: EventStream | undefined;
}

/** Waits before a watch that has broken is begun again. Unit: ms. */
const againMs = 200;
const againMsMax = 5_000;
const unreadableMax = 1_000;

export class ScopeFollower implements AsyncDisposable {
  readonly facts: FollowedFacts;
  readonly log: FollowedLog;
  readonly lag = new LagSamples();
  readonly waits: RevisionWaits;
  /** By key, records that cannot be read. */
  readonly unreadable = new Map<string, string>();
  readonly #options: FollowerOptions;
  #handle: LogHandle;
  readonly #scopeKey: string;
  readonly #listeners = new Set<(change: MemoryChange) => void>();
  readonly #ended = new AbortController();
  readonly #isBucketCurrent = { memory: false, facts: false };
  /** Era, first record and base of each log that this one is a fork of, as its head last said. */
  readonly #bases = new Map<string, string>();
  #isLagging = false;
  #following: Promise<unknown> = Promise.resolve();

  constructor(options: FollowerOptions) {
    const { reading, scope, entriesMax } = options;
    this.#options = options;
    this.#scopeKey = scopeKey(scope);
    this.facts = new FollowedFacts(reading.stores.clock);
    this.log = new FollowedLog(this.#scopeKey, entriesMax);
    this.waits = new RevisionWaits(reading.stores.clock, this.#scopeKey);
    this.#handle = this.#openHandle();
  }

  get isCurrent(): boolean {
    return this.#isBucketCurrent.memory && this.#isBucketCurrent.facts;
  }

  /** Resolves when both copies stand. Rejects as reading and watching do. */
  async open(): Promise<void> {
    const log = Promise.withResolvers<void>();
    const facts = Promise.withResolvers<void>();
    this.#following = Promise.all([
      this.#follow("memory", () => this.#followLog(log.resolve), log.reject),
      this.#follow("facts", () => this.#followFacts(facts.resolve), facts.reject),
    ]);
    await Promise.all([log.promise, facts.promise]);
  }

  /** Runs `listener` after each change. Returns the function that stops it. */
  onChange(listener: (change: MemoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.waits.end(new TroupeError("CLOSED", `the replica of ${this.#scopeKey} is closed`));
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** E1. A store that is closed cannot be followed any more. */
  async #follow(bucket: MemoryBucketName, watch: () => Promise<void>, fail: (thrown: unknown) => void): Promise<void> {
    const { clock } = this.#options.reading.stores;
    const { signal } = this.#ended;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await watch();
        failures = 0;
        continue;
      } catch (thrown) {
        this.#isBucketCurrent[bucket] = false;
        fail(thrown); // Without effect once it stood.
        if (isTroupeError(thrown) && thrown.code === "CLOSED") {
          this.waits.end(thrown);
          return;
        }
        this.#tellRestart(bucket, messageOf(thrown));
      }
      await delay(clock, Math.min(againMsMax, againMs * 2 ** failures), signal);
      failures += 1;
    }
  }

  async #followFacts(onCurrent: () => void): Promise<void> {
    const { reading, scope } = this.#options;
    this.facts.startOver();
    await using watch = await watchMemory(reading, scope, { what: "facts", signal: this.#ended.signal });
    for await (const change of watch) {
      this.facts.apply(change);
      this.#note("facts", change, change.cursor.facts);
      if (change.kind === "current") onCurrent();
      if (change.kind === "restarted") this.#tellRestart("facts", change.reason);
    }
    this.#checkEnded("facts");
  }

  /** Returns when the log has to be read again. */
  async #followLog(onLoaded: () => void): Promise<void> {
    const { reading, scope } = this.#options;
    const { segments } = await this.#handle.open();
    const bases = segments.map((segment) => segment.scope).filter((base) => scopeKey(base) !== this.#scopeKey);
    await using watch = await watchMemory(reading, [scope, ...bases], {
      ...{ what: "log", from: "now", signal: this.#ended.signal },
    });
    if (!(await this.#load(bases))) return;
    for await (const change of watch) {
      if (change.kind === "restarted") {
        this.#tellRestart("memory", change.reason);
        this.#handle = this.#openHandle(); // In a bucket that was made anew the log ends before where the old one is known to have ended.
        return;
      }
      const isComplete = change.kind === "current" || (await this.#applyToLog(change));
      this.#note("memory", change, change.cursor.memory);
      if (change.kind === "current") onLoaded();
      if (!isComplete) {
        this.#isBucketCurrent.memory = false;
        return;
      }
    }
    this.#checkEnded("memory");
  }

  #openHandle(): LogHandle {
    const { reading, scope, entrySchema } = this.#options;
    return new LogHandle(reading.stores, scope, entrySchema === undefined ? {} : { entrySchema });
  }

  /** False when the log has become another's fork since its bases were looked up. */
  async #load(watched: readonly Scope[]): Promise<boolean> {
    const { head, revision: headRevision, end } = await this.#handle.look();
    const standing = await this.#handle.standing({ head, end });
    const known = new Set([this.#scopeKey, ...watched.map(scopeKey)]);
    if (standing.segments.some((segment) => !known.has(scopeKey(segment.scope)))) return false;
    const { entriesMax } = this.#options;
    const entries = await this.#handle.read({ last: entriesMax }, standing).toArray();
    const { pins, summary } = head;
    const positions = summary === undefined ? pins : [...pins, summary.position];
    const kept = await this.#handle.entriesAt(positions, standing);
    this.log.load({ head, headRevision, end, entries, kept, isWhole: entries.length < entriesMax });
    this.unreadable.clear();
    return true;
  }

  /** False when the log has to be read again. */
  async #applyToLog(change: KeyChange): Promise<boolean> {
    if (change.kind === "unreadable" && this.unreadable.size < unreadableMax) {
      this.unreadable.set(change.key, change.reason);
    }
    if (change.kind === "head-changed" && scopeKey(change.scope) !== this.#scopeKey) return this.#isSameBase(change);
    const more = this.log.apply(change);
    switch (more.kind) {
      case "nothing":
        return true;
      case "all":
        return false;
      case "entries":
        this.log.keep(await this.#handle.entriesAt(more.positions, await this.#handle.open()));
        return true;
    }
  }

  /** What a base has cut off, or lost by an erasure, is read again; pins and the like of it are no matter here. */
  #isSameBase({ scope, head: { era, first, base } }: Extract<KeyChange, { kind: "head-changed" }>): boolean {
    const key = scopeKey(scope);
    const now = JSON.stringify([era, first, base]);
    const before = this.#bases.get(key);
    this.#bases.set(key, now);
    return before === undefined ? first === 1 && base === undefined && era === 1 : before === now;
  }

  #note(bucket: MemoryBucketName, change: MemoryChange, revision: Revision | undefined): void {
    if (change.kind === "current") this.#isBucketCurrent[bucket] = true;
    else if (change.kind === "restarted") this.#isBucketCurrent[bucket] = false;
    else if (!change.isSnapshot) this.#measure(bucket, change);
    if (revision !== undefined && this.#isBucketCurrent[bucket]) this.waits.reach(bucket, revision);
    for (const listener of [...this.#listeners]) tell(listener, change);
  }

  #measure(bucket: MemoryBucketName, { writtenAtMs }: KeyChange): void {
    const { reading, events, lagMsMax } = this.#options;
    const lagMs = reading.stores.clock.now() - writtenAtMs;
    this.lag.add(lagMs);
    if (events?.isHeard === true) events.emit({ kind: "replica-seen", bucket, lagMs: Math.max(0, lagMs) });
    const isLagging = lagMs > lagMsMax;
    if (isLagging && !this.#isLagging) events?.emit({ kind: "replica-lagged", scope: this.#scopeKey, lagMs });
    this.#isLagging = isLagging;
  }

  #tellRestart(bucket: MemoryBucketName, reason: string): void {
    this.#isBucketCurrent[bucket] = false;
    this.waits.startOver(bucket);
    this.#options.events?.emit({ kind: "replica-restarted", scope: this.#scopeKey, bucket, reason });
  }

  /** A watch ends by itself only when its store is closed. */
  #checkEnded(bucket: MemoryBucketName): void {
    if (!this.#ended.signal.aborted) throw new TroupeError("CLOSED", `the store of the ${bucket} is closed`);
  }
}

/** What a listener throws is its own affair, and seen as that: it does not break the copy that others read. */
function tell(listener: (change: MemoryChange) => void, change: MemoryChange): void {
  try {
    listener(change);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
