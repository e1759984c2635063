// A live local copy of a scope: its facts, the end of its log, its head. Reading it asks nobody.
//
//   R1. What is read is what stood in each bucket at some moment, and never goes back; the two buckets are followed each by
//       itself. It lags behind the store, never for good: `lag` says by how much, `waitFor` waits for one's own writes.
//   R2. Replicas of one process on the same scope share one watch, and what it leads to.

import { TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import { checkWhole } from "../kv/writes.ts";
import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import type { Head } from "./head.ts";
import type { LogWindow, WindowOptions } from "./log-calls.ts";
import type { EntrySchemaOptions } from "./log-schema.ts";
import type { MemoryChange, MemoryReading } from "./memory-change.ts";
import type { ReplicaLag } from "./replica/lag.ts";
import type { MemoryRevisions, WaitOptions } from "./replica/revision-waits.ts";
import { ScopeFollower } from "./replica/scope-follower.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface ReplicaOptions {
  /** Entries of the log that are held, the last ones; pinned entries and the summary besides. Default 1,000. */
  readonly entriesMax?: number;
}

export interface ReplicasOptions {
  readonly reading: MemoryReading;
  readonly entrySchema?: EntrySchemaOptions | undefined;
  /** Is told `replica-lagged` and `replica-restarted`. */
  readonly events?: EventStream | undefined;
  /** A change that took longer from the store to a replica is told of. Default 1,000. Unit: ms. */
  readonly lagMsMax?: number | undefined;
}

const entriesMaxDefault = 1_000;
const entriesMaxMost = 1_000_000;

/** The replicas of one process. */
export class Replicas implements AsyncDisposable {
  readonly #options: ReplicasOptions;
  readonly #shared = new Map<string, Shared>();
  #isClosed = false;

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  /** Resolves when it holds what stands. Rejects with SCOPE_INVALID, OPTION_INVALID, CLOSED, and as reading and watching do. */
  async open(scope: Scope, { entriesMax = entriesMaxDefault }: ReplicaOptions = {}): Promise<MemoryReplica> {
    checkWhole("entriesMax", entriesMax, 0, entriesMaxMost);
    if (this.#isClosed) throw new TroupeError("CLOSED", "the memory is closed");
    const key = `${scopeKey(scope)} ${entriesMax}`;
    const shared = this.#shared.get(key) ?? this.#follow(key, scope, entriesMax);
    shared.users += 1;
    const release = async () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
      await shared.follower.close();
    };
    try {
      await shared.opening;
      return new MemoryReplica(scope, shared.follower, release);
    } catch (thrown) {
      await release();
      throw thrown;
    }
  }

  /** Closes all that are open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#shared.values()].map(({ follower }) => follower.close()));
    this.#shared.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #follow(key: string, scope: Scope, entriesMax: number): Shared {
    const { reading, entrySchema, events, lagMsMax = 1_000 } = this.#options;
    const follower = new ScopeFollower({ reading, scope, entriesMax, entrySchema, events, lagMsMax });
    const shared: Shared = { follower, opening: follower.open(), users: 0 };
    this.#shared.set(key, shared);
    return shared;
  }
}

interface Shared {
  readonly follower: ScopeFollower;
  readonly opening: Promise<void>;
  users: number;
}

export class MemoryReplica implements AsyncDisposable {
  readonly scope: Scope;
  readonly #follower: ScopeFollower;
  readonly #release: () => Promise<void>;
  readonly #stops = new Set<() => void>();
  #closing: Promise<void> | undefined;

  /** Opened by `Replicas.open`. */
  constructor(scope: Scope, follower: ScopeFollower, release: () => Promise<void>) {
    this.scope = scope;
    this.#follower = follower;
    this.#release = release;
  }

  /** The fact; undefined when there is none, it was deleted, or its time to live is over. */
  fact(name: string): Fact | undefined {
    return this.#follower.facts.get(name);
  }

  /** All facts, by name. The list is not changed afterwards. */
  facts(): readonly Fact[] {
    return this.#follower.facts.all;
  }

  /** The last entries of the log, oldest first, at most `entriesMax`. The list is not changed afterwards. */
  get entries(): readonly Entry[] {
    return this.#follower.log.entries;
  }

  /** The last `count` entries, oldest first, as far as they are held. */
  last(count: number): readonly Entry[] {
    if (!(count >= 0)) throw new TroupeError("OPTION_INVALID", `\`count\` must be 0 or more, got ${String(count)}`);
    return count === 0 ? [] : this.entries.slice(-count);
  }

  /**
   * What fits into a model's window, as `ContextLog.window` says, of what is held: pinned entries and the summary whole,
   * besides them the last `entriesMax` entries. Rejects with OPTION_INVALID.
   */
  window(options: Omit<WindowOptions, "signal">): LogWindow {
    return this.#follower.log.window(options);
  }

  /** Pins, summary, forks, retention, era of the log. */
  get head(): Head {
    return this.#follower.log.head;
  }

  /** Whether the log has no older entries than `entries`. */
  get isWhole(): boolean {
    return this.#follower.log.isWhole;
  }

  /** False while it catches up after its place was lost, or a watch broke and could not be begun again yet. */
  get isCurrent(): boolean {
    return this.#follower.isCurrent;
  }

  /** Up to where each bucket has been seen. */
  get revisions(): Required<MemoryRevisions> {
    return this.#follower.waits.reached;
  }

  /** How many revisions are missing up to the furthest that somebody waits for. */
  get behind(): Required<MemoryRevisions> {
    return this.#follower.waits.behind;
  }

  /** From when the store wrote a change, by its clock, to when it was here, by ours. Not for hot paths: it sorts 1,024 numbers. */
  get lag(): ReplicaLag {
    return this.#follower.lag.read();
  }

  /** By key, with the reason, what stands in the store and cannot be read. */
  get unreadable(): ReadonlyMap<string, string> {
    return new Map([...this.#follower.facts.unreadable, ...this.#follower.unreadable]);
  }

  /**
   * Resolves when writes to this scope with these revisions are here: `await replica.waitFor({ memory: appended.revision })`
   * reads what one has written. Rejects with REPLICA_BEHIND, CLOSED, and with the signal's reason.
   */
  waitFor(revisions: MemoryRevisions, options?: WaitOptions): Promise<void> {
    return this.#follower.waits.waitFor(revisions, options);
  }

  /** Runs `listener` after each change, when it can be read here. Returns the function that stops it. */
  onChange(listener: (change: MemoryChange) => void): () => void {
    const stop = this.#follower.onChange(listener);
    this.#stops.add(stop);
    return () => {
      stop();
      this.#stops.delete(stop);
    };
  }

  /** Idempotent. What was read last can still be read. */
  close(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#stops.clear();
    this.#closing ??= this.#release();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
