// Keeps the statuses of the actors of one worker in the central state store, beside everything else that the worker does.
//
//   S1. Of an actor one write at most is under way, and what is written is what holds then: what was passed by is not.
//   S2. What lasts shorter than `settleMs` is not written. What never settles is written as it is each `unsettledMsMax`.
//   S3. Nothing waits for it. While the store is away no status is written, and nothing else is held up; when it is back, what
//       holds then is written.
//   S4. Nobody writes over the status of a later ownership (G1 of `state-agent-write.ts`), nor says of an actor that it is busy when
//       the lease is over.
//   S5. Bounded: beyond `entriesMax` statuses are not taken; what was missed is put right when there is room (`left-statuses.ts`).

import type { Activity } from "../actors/activity.ts";
import { isBusy } from "../actors/activity.ts";
import { shortName } from "../actors/memory-log.ts";
import type { Clock } from "../core/clock.ts";
import { isTroupeError, messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { inTrace, traceIdOf } from "../core/trace.ts";
import type { AgentStatus } from "../memory/state-agent-write.ts";
import { isSameActivity, writeAgentStatus } from "../memory/state-agent-write.ts";
import type { StateStore } from "../memory/state-store.ts";

/** The ownership under which a status is written. */
export interface StatusOwner {
  readonly epoch: number;
  /** Looks at the clock. */
  readonly isOwner: boolean;
}

export interface StatusKeeperOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The central state store, for changes of one actor. */
  readonly statesOf: (key: string) => Promise<StateStore>;
  /** The status that stands in the store, as far as it is known. */
  readonly standing: (key: string) => AgentStatus | undefined;
  /** There is room again for what was not taken (S5). */
  readonly onRoom: () => void;
}

interface Entry {
  readonly key: string;
  owner: StatusOwner;
  wanted: Activity;
  /** Since when that is so. Unit: ms, monotonic. */
  sinceMs: number;
  /** Since when it differs from what was written; undefined while it does not. */
  unsettledMs: number | undefined;
  written: Activity | undefined;
  isWriting: boolean;
}

/** Unit: ms. */
export const settleMs = 250;
const unsettledMsMax = 2_000;
/** Between two looks at what is to be written. Unit: ms. */
const lookEveryMs = 50;
const entriesMax = 16_384;
/** Writes of all actors that are under way. */
const writesMax = 32;
/** Wait after a write that failed; doubles up to the most. Unit: ms. */
const againMs = 100;
const againMsMax = 5_000;

export class StatusKeeper {
  readonly #options: StatusKeeperOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #unsettled = new Set<Entry>();
  #writing = 0;
  #failures = 0;
  #notBeforeMs = 0;
  #cancelLook: (() => void) | undefined;
  #isShort = false;
  #isDraining = false;
  #isClosed = false;
  #onSettled: (() => void) | undefined;

  constructor(options: StatusKeeperOptions) {
    this.#options = options;
  }

  /** Whether something is known of the actor that is not idle and written. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The actor does this now. */
  note(key: string, owner: StatusOwner, activity: Activity): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#entries.get(key);
    if (known === undefined && this.#entries.size >= entriesMax) {
      this.#isShort = true; // S5
      return;
    }
    const entry = known ?? this.#add(key, owner, activity, nowMs);
    const isNews = known === undefined || !isSame(known.wanted, activity);
    entry.wanted = activity;
    entry.owner = owner;
    if (!isNews) return;
    entry.sinceMs = nowMs;
    entry.unsettledMs ??= nowMs;
    this.#unsettled.add(entry);
    this.#lookSoon();
  }

  /** Ownership of the actor is lost: whoever has it now answers for its status. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry);
  }

  /** Writes what is not written yet, without waiting for it to settle. Resolves when that is done, cannot be done, or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    signal.addEventListener("abort", () => this.#onSettled?.(), { once: true });
    while (this.#unsettled.size > 0 && this.#failures === 0 && !signal.aborted && !this.#isClosed) {
      const settled = Promise.withResolvers<void>();
      this.#onSettled = settled.resolve;
      this.#look();
      await settled.promise;
    }
  }

  /** Writes nothing any more. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#cancelLook?.();
    this.#entries.clear();
    this.#unsettled.clear();
    this.#onSettled?.();
  }

  #add(key: string, owner: StatusOwner, wanted: Activity, sinceMs: number): Entry {
    const entry = { key, owner, wanted, sinceMs, unsettledMs: undefined, written: undefined, isWriting: false };
    this.#entries.set(key, entry);
    return entry;
  }

  #remove(entry: Entry): void {
    this.#unsettled.delete(entry);
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    if (this.#isShort && this.#entries.size < entriesMax / 2) {
      this.#isShort = false;
      this.#options.onRoom();
    }
  }

  #lookSoon(): void {
    this.#cancelLook ??= this.#options.clock.after(lookEveryMs, () => {
      this.#cancelLook = undefined;
      this.#look();
    });
  }

  #look(): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const entry of this.#unsettled) {
      if (entry.isWriting || !this.#isDue(entry, nowMs)) continue; // S1
      if (this.#needsNoWrite(entry)) this.#settle(entry);
      else if (this.#writing < writesMax && nowMs >= this.#notBeforeMs) void this.#write(entry);
    }
    if (this.#unsettled.size > 0) this.#lookSoon();
    else this.#onSettled?.();
  }

  /** S2. */
  #isDue({ sinceMs, unsettledMs = sinceMs }: Entry, nowMs: number): boolean {
    return this.#isDraining || nowMs - sinceMs >= settleMs || nowMs - unsettledMs >= unsettledMsMax;
  }

  /** Of who is busy or has failed it is written each time: by whom, at what and since when is news. */
  #needsNoWrite({ key, wanted, written }: Entry): boolean {
    if (written !== undefined) return isSame(written, wanted);
    return (wanted.status === "idle" || wanted.status === "stopped") && this.#options.standing(key) === wanted.status;
  }

  #settle(entry: Entry): void {
    this.#unsettled.delete(entry);
    entry.unsettledMs = undefined;
    if (!isBusy(entry.wanted)) this.#remove(entry);
  }

  async #write(entry: Entry): Promise<void> {
    const { key, owner, wanted } = entry;
    if (isBusy(wanted) && !owner.isOwner) return this.#remove(entry); // S4
    entry.isWriting = true;
    this.#writing += 1;
    try {
      const outcome = await this.#tryWrite(key, owner.epoch, wanted);
      if (this.#failures > 0) this.#options.log.info({}, "statuses are written again");
      this.#failures = 0;
      entry.written = wanted;
      if (outcome === "fenced")
        this.#remove(entry); // S4
      else if (isSame(entry.wanted, wanted)) this.#settle(entry);
      else entry.unsettledMs = this.#options.clock.monotonicMs();
    } catch (thrown) {
      this.#failed(entry, thrown);
    } finally {
      entry.isWriting = false;
      this.#writing -= 1;
    }
    if (this.#isDraining) this.#onSettled?.();
  }

  async #tryWrite(
    key: string,
    epoch: number,
    { status, task, failure, cause }: Activity,
  ): Promise<"written" | "unchanged" | "fenced"> {
    const data = { ...(task === undefined ? {} : { task }), ...(failure === undefined ? {} : { failure }), epoch };
    const trace = cause?.turnTrace ?? cause?.trace;
    const traceId = traceIdOf(trace);
    const origin = {
      ...(cause === undefined ? {} : { cause: shortName(cause.messageId) }),
      ...(traceId === undefined ? {} : { trace: traceId }),
    };
    const states = await this.#options.statesOf(key);
    return inTrace(trace, () => writeAgentStatus(states, key, { status, data }, origin));
  }

  /** S3. What can never be written is let go. */
  #failed(entry: Entry, thrown: unknown): void {
    const { clock, log } = this.#options;
    if (isTroupeError(thrown) && thrown.retry === "never" && thrown.code !== "CLOSED") {
      log.warn({ actor: entry.key, code: thrown.code, reason: thrown.message }, "a status can not be written");
      return this.#remove(entry);
    }
    if (this.#failures === 0) log.warn({ error: messageOf(thrown) }, "statuses cannot be written, trying again");
    this.#notBeforeMs = clock.monotonicMs() + Math.min(againMsMax, againMs * 2 ** this.#failures);
    this.#failures += 1;
  }
}

function isSame(one: Activity, other: Activity): boolean {
  return one.status === other.status && isSameActivity(one, other);
}
