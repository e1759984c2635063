// The snapshots of one activation: what is committed, what the turns since have made of it, and the way from the one to
// the other. Holds what was sent until it is published.
//
//   R2. What a turn sent is published only after its commit stands (P3).
//   R4. A turn that sends, and whose message may not be in the stream for whoever takes over, is preceded by a wake in the
//       actor's own mailbox, so that the next owner comes by and publishes the outbox: an ask leaves no trace in the stream
//       by itself, and of a timer that repeats a later firing takes the place of this one.
//   R5. Nobody passes by a wake, or a told message without effect, without a commit under the own epoch: the commit of an
//       owner before, still under way, with what it sends, is then either seen here or refused there.

import { readState, unreadableCodes } from "../actors/evolution.ts";
import type { Message } from "../actors/message.ts";
import type { OutboxEntry, OutboxMemory, OutboxTell, OutboxTimer, Snapshot } from "../actors/snapshot.ts";
import { firstSnapshot, printSnapshot, readSnapshot } from "../actors/snapshot.ts";
import { wakeMethod } from "../actors/system-methods.ts";
import { isCurrent, timerOf } from "../actors/timer.ts";
import { delay } from "../core/clock.ts";
import { encodeText, printJson } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { RuntimeEvent } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Traceparent } from "../core/trace.ts";
import { endSpan, traceIdOf, traceparentOf } from "../core/trace.ts";
import { buryStored } from "./burial.ts";
import type { Cell } from "./cell.ts";
import type { Ended } from "./cell-ended.ts";
import { stoppedError } from "./cell-ended.ts";
import type { Commit, CommitOutcome } from "./committer.ts";
import { Publisher } from "./publisher.ts";
import { remember } from "./remember.ts";
import { startCommit, startUpdate } from "./spans.ts";

export type Loaded =
  | { readonly kind: "loaded" }
  | {
      readonly kind: "failed";
      readonly why: "fenced" | "unreadable" | "ownership-lost" | "stopped";
      readonly error: TroupeError;
    };

/** Wait before a state is read again that could not be read. Unit: ms. */
const loadAgainMs = 100;
/** Unpublished outbox entries at most, and their share of the largest value. */
const outboxPendingMax = 1_000;
const outboxShareMax = 1 / 4;
const wakeTimeoutMs = 3_000;
/** Wait before a wake is appended again that reached nobody, or of which nothing was heard. Unit: ms. */
const wakeAgainMs = 100;
const nothing = new Uint8Array(0);
const noBatch: readonly Ended[] = [];
const noCauses: readonly Traceparent[] = [];

export class CellStore {
  readonly #cell: Cell;
  readonly #onStored: () => void;
  committed: Snapshot;
  working: Snapshot;
  #revision = 0;
  #inFlight: readonly Ended[] = noBatch;
  /** What the commit under way has written. */
  #written: { readonly snapshot: Snapshot; readonly bytes: number } | undefined;
  /** Number of the last entry that was handed to the publisher. */
  #publishedUpTo = 0;
  #publisher: Publisher | undefined;
  #onPublished: (() => void) | undefined;
  /** Numbers that the mail stream has and the committed outbox still holds. */
  #stored: Set<number> | undefined;

  constructor(cell: Cell, onStored: () => void) {
    this.#cell = cell;
    this.#onStored = onStored;
    this.committed = unloaded;
    this.working = unloaded;
  }

  get revision(): number {
    return this.#revision;
  }

  /** True until something is committed, or about to be, under our own epoch (R5). */
  get isUnfenced(): boolean {
    return this.working.epoch < this.#cell.host.epoch;
  }

  /** Entries that are committed and not published yet. */
  get unpublished(): number {
    return this.#publisher?.pending ?? 0;
  }

  /** How much of what may wait to be published does: above 1 it is too much for the value to carry along. */
  get crowding(): number {
    const bytes = (this.#publisher?.pendingBytes ?? 0) / (this.#cell.host.mail.payloadBytesMax * outboxShareMax);
    return Math.max(this.unpublished / outboxPendingMax, bytes);
  }

  /** What the turns so far have written to memories, as far as it is not known to be there. */
  unwritten(of: "all" | "committed"): readonly OutboxMemory[] {
    const { outbox } = of === "all" ? this.working : this.committed;
    const writes = outbox.filter((entry) => "memory" in entry);
    return writes.filter(({ n }) => this.#stored?.has(n) !== true);
  }

  get oldestSequence(): number | undefined {
    let oldest = this.unpublished > 0 ? this.committed.guard : undefined;
    // What became a dead letter is read once more before it is one.
    const dead = this.#publisher?.oldestDead;
    if (dead !== undefined && dead < (oldest ?? Infinity)) oldest = dead;
    for (const { message } of this.#inFlight) {
      if (message.kind === "tell" && message.sequence < (oldest ?? Infinity)) oldest = message.sequence;
    }
    return oldest;
  }

  /** Reads the actor's value, however long the server takes. */
  async load(): Promise<Loaded> {
    const { host, key, self, definition } = this.#cell;
    while (!host.lost.aborted) {
      try {
        const entry = await host.state.get(key);
        const snapshot =
          entry === undefined
            ? firstSnapshot(definition.initial(self.id), host.clock.now(), definition.schema)
            : readSnapshot(key, entry.value, Number.MAX_SAFE_INTEGER);
        if (snapshot.epoch > host.epoch) return failed("fenced", "FENCED", `${key} is owned by a later epoch`);
        const valid = await readState(definition, key, snapshot);
        // A first state is copied through JSON, so that the definition's own object is never shared between actors.
        const state = entry === undefined ? JSON.parse(JSON.stringify(valid)) : valid;
        // E2 of evolution.ts: nothing is written now, but what is written next has today's number.
        this.#adopt({ ...snapshot, state, schema: definition.schema }, entry?.revision ?? 0);
        if (snapshot.stopped !== undefined) {
          await this.untilPublished();
          return { kind: "failed", why: "stopped", error: stoppedError(self, snapshot.stopped) };
        }
        return { kind: "loaded" };
      } catch (thrown) {
        if (!isTroupeError(thrown)) return failed("unreadable", "STATE_INVALID", `${key}: ${String(thrown)}`);
        if (unreadableCodes.has(thrown.code)) return { kind: "failed", why: "unreadable", error: thrown };
        await delay(host.clock, loadAgainMs, host.lost);
      }
    }
    return failed("ownership-lost", "FENCED", `${key} is no longer owned here`);
  }

  /** Writes what the turns of the batch have made. What comes of it goes to `settle`. */
  commit(batch: readonly Ended[]): Promise<CommitOutcome> {
    this.#inFlight = batch;
    const causes = causesOf(batch);
    const snapshot = this.#nextSnapshot(causes[0]);
    this.working = snapshot;
    if (batch.some((ended) => ended.kind === "turn" && ended.sends && isFleeting(ended.message))) {
      return this.#commitAfterWake(snapshot, causes);
    }
    return this.#write(snapshot, causes);
  }

  /** Takes note of what came of the commit: when it stands, what its turns sent is published. */
  settle(outcome: CommitOutcome): void {
    const written = this.#written;
    if (outcome.kind !== "stands" || written === undefined) return;
    this.#stands(written.snapshot, outcome.revision, this.#inFlight.length, written.bytes);
  }

  /** Resolves when everything that is committed is published; never, when ownership is lost before. */
  untilPublished(): Promise<void> {
    if (this.unpublished === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onPublished = resolve;
    });
  }

  /** Forgets what the turns since the last commit that stands have made. */
  rollBack(): void {
    this.#inFlight = noBatch;
    this.working = this.committed;
  }

  /**
   * A timer that fires again and again though it stands no more is one that came to the server late, from an owner that was
   * replaced: cancels it. A number that was not given out yet, as far as we know, is left alone: we may be that owner.
   */
  cancelStray(message: Message): void {
    const firing = message.kind === "tell" ? message.timer : undefined;
    if (firing?.nextMs === undefined || firing.number > this.committed.sent) return;
    if (isCurrent(this.committed.timers, firing)) return;
    const { host, key } = this.#cell;
    host.mail.cancel(key, firing).catch((thrown: unknown) => {
      host.log.debug({ actor: key, timer: firing.name, error: messageOf(thrown) }, "a stray timer was not cancelled");
    });
  }

  async #commitAfterWake(before: Snapshot, causes: readonly Traceparent[]): Promise<CommitOutcome> {
    const wake = await this.#appendWake();
    if (isTroupeError(wake)) return { kind: "refused", error: wake };
    this.working = { ...this.working, guard: Math.max(this.working.guard, wake) };
    return this.#write({ ...before, guard: Math.max(before.guard, wake) }, causes);
  }

  #write(snapshot: Snapshot, causes: readonly Traceparent[]): Promise<CommitOutcome> {
    const { host, key } = this.#cell;
    const value = encodeSnapshot(key, snapshot);
    if (isTroupeError(value)) return Promise.resolve({ kind: "refused", error: value });
    if (!host.isOwner) return Promise.resolve({ kind: "refused", error: fencedError(key) });
    this.#written = { snapshot, bytes: value.length };
    const commit = { key, value, expected: this.#revision, commitId: snapshot.commit, lost: host.lost };
    return causes.length === 0 ? host.committer.commit(commit) : this.#writeTraced(commit, causes);
  }

  async #writeTraced(commit: Commit, causes: readonly Traceparent[]): Promise<CommitOutcome> {
    const { host, self } = this.#cell;
    const span = startCommit(self, this.#inFlight.length, causes);
    const update = startUpdate(host.state.bucket, traceparentOf(span));
    const outcome = await host.committer.commit(commit);
    if (outcome.kind === "stands") span?.setAttribute("troupe.revision", outcome.revision);
    endSpan(update, failureOf(outcome));
    endSpan(span, failureOf(outcome));
    return outcome;
  }

  #adopt(snapshot: Snapshot, revision: number): void {
    const { host, self } = this.#cell;
    this.committed = snapshot;
    this.working = snapshot;
    this.#revision = revision;
    this.#inFlight = noBatch;
    this.#publishedUpTo = snapshot.sent;
    this.#stored = undefined;
    if (host.events.isHeard) host.events.emit({ kind: "activated", actor: self, revision });
    if (snapshot.outbox.length === 0) return;
    // The cursor passes the guard only when the outbox was published: then nothing is to be done again.
    if (snapshot.guard <= host.cursor) this.#stored = new Set(snapshot.outbox.map((entry) => entry.n));
    else this.#publish(snapshot.outbox);
  }

  #nextSnapshot(cause: Traceparent | undefined): Snapshot {
    const { host } = this.#cell;
    const stored = this.#stored;
    const { outbox } = this.working;
    const waiting = stored === undefined ? outbox : outbox.filter((entry) => !stored.has(entry.n));
    const trace = traceIdOf(cause);
    return { ...this.working, outbox: waiting, epoch: host.epoch, commit: host.nextCommitId(), trace };
  }

  #stands(snapshot: Snapshot, revision: number, turns: number, bytes: number): void {
    const { host, self } = this.#cell;
    this.committed = snapshot;
    this.#revision = revision;
    this.#inFlight = noBatch;
    this.#written = undefined;
    if (this.#stored !== undefined) {
      const kept = new Set(snapshot.outbox.map((entry) => entry.n));
      for (const number of this.#stored) if (!kept.has(number)) this.#stored.delete(number);
    }
    if (snapshot.sent > this.#publishedUpTo) {
      const from = this.#publishedUpTo;
      this.#publishedUpTo = snapshot.sent;
      this.#publish(snapshot.outbox.filter((entry) => entry.n > from)); // R2
    }
    if (!host.events.isHeard) return;
    const trace = snapshot.trace === undefined ? {} : { trace: snapshot.trace };
    host.events.emit({ kind: "committed", actor: self, revision, turns, bytes, ...trace });
  }

  #publish(entries: readonly OutboxEntry[]): void {
    const { host, key, self } = this.#cell;
    this.#publisher ??= new Publisher({
      clock: host.clock,
      from: key,
      routeTo: (pool) => host.routeTo(pool),
      bury: (entry) => buryStored(host, key, entry),
      remember: (left) => this.#remember(left),
      lost: host.lost,
      pool: this.#cell.definition.pool,
      timerOf: (name) => timerOf(this.committed.timers, name),
      onRefused: ({ timer: name }, reason) => {
        host.events.emit({ kind: "timer-refused", actor: self, name, message: reason });
      },
      onStored: (entry) => {
        this.#stored ??= new Set();
        this.#stored.add(entry.n);
        if (host.events.isHeard && !("dead" in entry || "memory" in entry)) {
          host.events.emit(storedEvent(self, entry));
        }
        this.#onStored();
        if (this.unpublished === 0) this.#onPublished?.();
      },
    });
    this.#publisher.publish(entries);
  }

  #remember(entries: readonly OutboxMemory[]): Promise<boolean> {
    const { host, key, self } = this.#cell;
    const { clock, events, log, lost, memory } = host;
    return remember({ clock, events, log, lost, memory, key, self }, entries);
  }

  /** Until the server has one: a wake that was stored twice wakes once more, and does nothing else. */
  async #appendWake(): Promise<number | TroupeError> {
    const { host, key } = this.#cell;
    const to = { partition: host.partition, key, method: wakeMethod };
    for (;;) {
      const outcome = await host.mail.append(to, nothing, {}, wakeTimeoutMs);
      if (outcome.kind === "accepted") return outcome.sequence;
      if (outcome.kind === "refused" || host.lost.aborted) {
        return new TroupeError("COMMIT_REFUSED", `the server did not take what ${key} sends: ${outcome.reason}`);
      }
      await delay(host.clock, wakeAgainMs, host.lost);
    }
  }
}

/** Whether the message may be gone from the stream, or was never there, before its turn is settled (R4). */
function isFleeting(message: Message): boolean {
  return message.kind === "ask" || message.timer?.nextMs !== undefined;
}

function storedEvent(actor: ActorAddress, entry: OutboxTell | OutboxTimer): RuntimeEvent {
  if (entry.timer === undefined) return { kind: "sent", actor, to: entry.to, number: entry.n };
  const { n, timer: name, cancels } = entry;
  if (cancels !== undefined) return { kind: "timer-cancelled", actor, name, number: cancels };
  return { kind: "timer-set", actor, name, number: n };
}

function encodeSnapshot(key: string, snapshot: Snapshot): Uint8Array | TroupeError {
  try {
    const stateText = printJson(snapshot.state, "STATE_INVALID", `the state of ${key}`);
    if (stateText === undefined) return new TroupeError("STATE_INVALID", `the state of ${key} is undefined`);
    return encodeText(printSnapshot(snapshot, stateText));
  } catch (thrown) {
    if (isTroupeError(thrown)) return thrown;
    throw thrown;
  }
}

function fencedError(key: string): TroupeError {
  return new TroupeError("FENCED", `${key} is no longer owned here`);
}

const unloaded: Snapshot = firstSnapshot(undefined, 0);

function failed(
  why: "fenced" | "unreadable" | "ownership-lost",
  code: "FENCED" | "STATE_INVALID",
  text: string,
): Loaded {
  return { kind: "failed", why, error: new TroupeError(code, text) };
}

/** The traces of a batch, each once. The first is that of the first turn which changed something: the commit's own. */
function causesOf(batch: readonly Ended[]): readonly Traceparent[] {
  if (!batch.some(traceOf)) return noCauses;
  const changing = batch.filter((ended) => ended.kind === "step" || ended.isDirty);
  return [...new Set([...changing, ...batch].flatMap((ended) => traceOf(ended) ?? []))];
}

function traceOf({ message }: Ended): Traceparent | undefined {
  return message.turnTrace ?? message.trace;
}

function failureOf(outcome: CommitOutcome): { readonly code: string; readonly message: string } | undefined {
  if (outcome.kind === "stands") return undefined;
  if (outcome.kind === "refused") return outcome.error;
  return { code: outcome.kind, message: `the commit is ${outcome.kind}` };
}
