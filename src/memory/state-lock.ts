// A lock: a lease with a fencing token. While it is held its holder's changes count; afterwards none of them does, whatever
// is still under way.
//
//   F1. Of all who want a lock one has it (K2). Its token is greater than that of every holder before. A holder that is
//       silent for the time to live loses it; whoever waits measures that by its own clock, from when it saw the last sign.
//   F2. No change under a lock takes effect after another holder has got it.
//   F3. A change under a lock costs one compare-and-set, as any other. What holds F2 is paid for when the lock is taken from
//       somebody who did not give it back:
//        - the holder claims a key, in the lock's own entry, before it looks at what stands there;
//        - what it sees counts only if the lock was still its own at that moment or later;
//        - whoever takes the lock over first makes it its own, so that nothing more can be claimed, and then writes each key
//          that is claimed once more, as it stands. Whatever the one before had seen is then an old revision (K2). Only after
//          that does it hold the lock.
//   F4. What does not exist has no revision that could grow old: it is made by a transaction that checks the lock's entry.
//   F5. Time only makes it quick. A holder that has not heard for the time to live that it was renewed takes itself for
//       lost; but nothing depends on that.

import type { Clock } from "../core/clock.ts";
import { contentionDelay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvOperationRequest, KvStore, KvTransaction, KvWrite, Revision } from "../kv/store.ts";
import type { Seen, StateDoor } from "./state-door.ts";
import { seenOf } from "./state-door.ts";
import type { LockEntry } from "./state-lock-entry.ts";
import { printLock, readLock } from "./state-lock-entry.ts";

/** Keys that one holding may change. Beyond it: OPTION_INVALID. */
const keysMax = 256;
/** How often an entry is written again that was overtaken by this holder's own writes or an outage. */
const triesMax = 50;
const waitMsMax = 100;

/** The place that a lock was taken at. */
export interface LockHold {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly key: string;
  readonly name: string;
  readonly entry: LockEntry;
  readonly revision: Revision;
  /** Before the write that took it was sent, by the monotonic clock. */
  readonly takenAtMs: number;
}

/** A lock that is held. Give it back with `release`, or `await using`. */
export class StateLock implements AsyncDisposable {
  readonly name: string;
  /** Greater than that of every holder before. For stores of your own that compare tokens. */
  readonly token: number;
  readonly #kv: KvStore;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #ended = new AbortController();
  readonly #known = new Map<string, Seen>();
  /** Keys with a write whose fate is not known. */
  readonly #unsettled = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  #entry: LockEntry;
  #revision: Revision;
  #confirmedAtMs: number;
  #cancelRenewal: () => void = () => {};
  #cancelLapse: () => void = () => {};
  #chain: Promise<unknown> = Promise.resolve();
  #releasing: Promise<void> | undefined;

  constructor({ kv, clock, key, name, entry, revision, takenAtMs }: LockHold) {
    this.name = name;
    this.token = entry.token;
    this.#kv = kv;
    this.#clock = clock;
    this.#key = key;
    this.#entry = entry;
    this.#revision = revision;
    this.#confirmedAtMs = takenAtMs;
    this.#renewLater();
    this.#lapseLater();
  }

  /** Aborts when the lock is lost or given back; its reason is then LOCK_LOST. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** The way to values for changes under this lock (F3). */
  readonly door: StateDoor = {
    look: (key) => this.#look(key),
    write: (key, value, over) => this.#note(this.#write(key, value, over)),
    remember: (key, value, revision) => {
      this.#unsettled.delete(key);
      this.#known.set(key, { revision, value, isFresh: false });
    },
    forget: (key) => void this.#known.delete(key),
  };

  /** A transaction that counts only while the lock is held. Rejects with LOCK_LOST. */
  async transact(operations: readonly KvOperationRequest[]): Promise<KvTransaction> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      this.#checkUsable();
      const guard = { kind: "check", key: this.#key, expected: this.#revision } as const;
      const outcome = await this.#note(this.#kv.transact([guard, ...operations]));
      if (outcome.kind === "written" || outcome.key !== this.#key) return outcome;
      await this.#refresh(); // Renewed or claimed meanwhile, or lost.
    }
    throw new TroupeError(
      "WRITE_CONTENDED",
      `the lock ${this.name} was renewed ${triesMax} times during one transaction`,
    );
  }

  /** Gives the lock back when what is under way has ended. Idempotent. Never rejects: a lock that cannot be given back runs out. */
  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    this.#cancelRenewal();
    await Promise.allSettled(this.#underWay);
    const isHeld = !this.#ended.signal.aborted;
    try {
      if (isHeld) await this.#change(({ holder: _holder, ...entry }) => ({ ...entry, keys: [...this.#unsettled] }));
    } catch {
      // Lost or out of reach: whoever wants it takes it over when its time is over.
    }
    this.#end(`the lock ${this.name} was given back`);
  }

  /** F3: claims the key, then reads it together with the lock's entry. */
  async #look(key: string): Promise<Seen> {
    this.#checkUsable();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (!this.#entry.keys.includes(key)) {
      if (this.#entry.keys.length >= keysMax) {
        throw new TroupeError("OPTION_INVALID", `under one lock at most ${keysMax} states are changed`);
      }
      await this.#change((entry) => (entry.keys.includes(key) ? entry : { ...entry, keys: [...entry.keys, key] }));
    }
    const entries = await this.#kv.getMany([key, this.#key]);
    const standing = entries.get(this.#key);
    if (standing === undefined || readLock(standing).id !== this.#entry.id) throw this.#lose();
    return seenOf(entries.get(key));
  }

  async #write(key: string, value: Uint8Array, over: Seen): Promise<KvWrite> {
    this.#checkUsable();
    this.#unsettled.add(key);
    const outcome =
      over.revision === 0
        ? await this.transact([{ kind: "put", key, value, expected: 0 }]) // F4
        : await this.#kv.update(key, value, over.revision);
    this.#unsettled.delete(key);
    if (outcome.kind === "conflict") return outcome;
    return { kind: "written", revision: "revisions" in outcome ? (outcome.revisions.at(-1) ?? 0) : outcome.revision };
  }

  async #note<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** Changes the lock's entry, one change at a time. `next` is applied again to what stands then. Rejects with LOCK_LOST. */
  #change(next: (entry: LockEntry) => LockEntry): Promise<void> {
    const changing = this.#chain.then(async () => {
      for (let tries = 0; tries < triesMax; tries += 1) {
        this.#checkHeld();
        const sentAtMs = this.#clock.monotonicMs();
        const entry = { ...next(this.#entry), at: this.#clock.now() };
        const write = await this.#kv.update(this.#key, printLock(entry), this.#revision).catch(waitsForLater);
        if (write?.kind === "written") {
          this.#entry = entry;
          this.#revision = write.revision;
          this.#confirmedAtMs = sentAtMs;
          this.#lapseLater();
          return;
        }
        await this.#refresh().catch(waitsForLater);
        await contentionDelay(this.#clock, tries + 1, waitMsMax);
      }
      throw new TroupeError("STORE_FAILED", `the lock ${this.name} could not be written ${triesMax} times in a row`);
    });
    this.#chain = changing.catch(() => undefined); // It is told to whoever waits for `changing`.
    return changing;
  }

  /** Reads what stands. Rejects with LOCK_LOST when that is another holding. */
  async #refresh(): Promise<void> {
    const standing = await this.#kv.get(this.#key);
    const entry = standing === undefined ? undefined : readLock(standing);
    if (standing === undefined || entry?.id !== this.#entry.id) throw this.#lose();
    if (standing.revision <= this.#revision) return;
    this.#entry = entry;
    this.#revision = standing.revision;
  }

  #renewLater(): void {
    this.#cancelRenewal = this.#clock.after(this.#entry.ttlMs / 3, () => {
      this.#change((entry) => entry).then(
        () => {
          if (this.#releasing === undefined && !this.#ended.signal.aborted) this.#renewLater();
        },
        () => {
          // Lost, which the signal says; or out of reach: tried again until the time is over.
          if (this.#releasing === undefined && !this.#ended.signal.aborted) this.#renewLater();
        },
      );
    });
  }

  /** F5. */
  #lapseLater(): void {
    this.#cancelLapse();
    const restMs = this.#confirmedAtMs + this.#entry.ttlMs - this.#clock.monotonicMs();
    this.#cancelLapse = this.#clock.after(Math.max(0, restMs), () => this.#lose());
  }

  #checkHeld(): void {
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason;
  }

  /** Who gives the lock back writes nothing more: its claims are about to go. */
  #checkUsable(): void {
    this.#checkHeld();
    if (this.#releasing !== undefined) throw new TroupeError("LOCK_LOST", `the lock ${this.name} is being given back`);
  }

  #lose(): TroupeError {
    return this.#end(
      `the lock ${this.name} (token ${this.token}) was lost: its time was over, or another has taken it`,
    );
  }

  #end(why: string): TroupeError {
    this.#cancelRenewal();
    this.#cancelLapse();
    if (!this.#ended.signal.aborted) this.#ended.abort(new TroupeError("LOCK_LOST", why));
    return this.#ended.signal.reason as TroupeError;
  }
}

/** What may pass by itself is tried again; all else is thrown. */
export function waitsForLater(thrown: unknown): undefined {
  const passes: readonly string[] = ["OUTCOME_UNKNOWN", "SERVER_UNREACHABLE", "STORE_FAILED"];
  if (isTroupeError(thrown) && passes.includes(thrown.code)) return undefined;
  throw thrown;
}
