// The snapshots of one activation: what is committed, what the turns since have made of it, and the way from the one to
// the other.
//
//   R4. A turn that sends, and whose message may not be in the stream for whoever takes over, is preceded by a wake in the
//       actor's own mailbox, so that the next owner comes by and publishes the outbox: an ask leaves no trace in the stream
//       by itself, and of a timer that repeats a later firing takes the place of this one.
//   R5. Nobody passes by a wake, or a told message without effect, without a commit under the own epoch: the commit of an
//       owner before, still under way, with what it sends, is then either seen here or refused there.
//   R6. A first state may be taken for granted, without a look: whatever a turn makes of it stands only if nothing else did (the commit
//       expects no value), and what changes nothing is run again after a look. No query sees it before it stands.

import { readState, unreadableCodes } from "../actors/evolution.ts";
import type { Message } from "../actors/message.ts";
import type { OutboxMemory, Snapshot } from "../actors/snapshot.ts";
import { firstSnapshot, printSnapshot, readSnapshot } from "../actors/snapshot.ts";
import { wakeMethod } from "../actors/system-methods.ts";
import { isCurrent } from "../actors/timer.ts";
import { delay } from "../core/clock.ts";
import { encodeText, printJson } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { Traceparent } from "../core/trace.ts";
import { endSpan, isSampled, madeFirst, traceIdOf } from "../core/trace.ts";
import type { Cell } from "./cell.ts";
import type { Ended } from "./cell-ended.ts";
import { stoppedError } from "./cell-ended.ts";
import { CellOutbox } from "./cell-outbox.ts";
import type { Commit, CommitOutcome } from "./committer.ts";
import { startCommit } from "./spans.ts";

export type Loaded =
  | { readonly kind: "loaded" }
  | {
      readonly kind: "failed";
      readonly why: "fenced" | "unreadable" | "ownership-lost" | "stopped";
      readonly error: TroupeError;
    };

interface Printed {
  readonly state: unknown;
  readonly text: string;
}

interface Written {
  readonly snapshot: Snapshot;
  readonly bytes: number;
  /** When its first turn had ended, monotonic; undefined when nobody wants to know. */
  readonly sinceMs: number | undefined;
}

/** Wait before a state is read again that could not be read. Unit: ms. */
const loadAgainMs = 100;
const wakeTimeoutMs = 3_000;
/** Wait before a wake is appended again that reached nobody, or of which nothing was heard. Unit: ms. */
const wakeAgainMs = 100;
const nothing = new Uint8Array(0);
const noBatch: readonly Ended[] = [];
const noCauses: readonly Traceparent[] = [];

export class CellStore {
  readonly #cell: Cell;
  committed: Snapshot;
  working: Snapshot;
  #revision = 0;
  #isPresumed = false;
  #inFlight: readonly Ended[] = noBatch;
  /** The JSON of a state that a turn has printed and no commit has written yet. */
  #printed: Printed | undefined;
  /** What the commit under way has written. */
  #written: Written | undefined;
  readonly #outbox: CellOutbox;

  /** `onMoved` runs whenever something of the outbox is done. */
  constructor(cell: Cell, onMoved: () => void) {
    this.#cell = cell;
    this.committed = unloaded;
    this.working = unloaded;
    this.#outbox = new CellOutbox(cell, this, onMoved);
  }

  get revision(): number {
    return this.#revision;
  }

  /** A turn has left this state: its JSON, where the turn has made it, is not made again for the commit. */
  isPrinted({ state, stateText: text }: { readonly state: unknown; readonly stateText?: string | undefined }): void {
    this.#printed = text === undefined ? undefined : { state, text };
  }

  /** True until something is committed, or about to be, under our own epoch (R5). */
  get isUnfenced(): boolean {
    return this.working.epoch < this.#cell.host.epoch;
  }

  /** Nobody has looked whether there is a value, and none of ours stands (R6). */
  get isPresumed(): boolean {
    return this.#isPresumed;
  }

  /** Besides, no turn has made anything of it yet. */
  get isUnproven(): boolean {
    return this.#isPresumed && this.working === this.committed;
  }

  /** Entries that are committed and not published yet. */
  get unpublished(): number {
    return this.#outbox.unpublished;
  }

  /** Nothing is to be published, and no errand is under way. */
  get isQuiet(): boolean {
    return this.unpublished === 0 && this.#outbox.isQuiet;
  }

  /** When the first of the errands under way began, on the host's coarse clock; Infinity when none is. Unit: ms. */
  get errandsSinceMs(): number {
    return this.#outbox.errandsSinceMs;
  }

  /** Above 1 it has sent too much that is not published yet. */
  get crowding(): number {
    return this.#outbox.crowding;
  }

  /** What the turns so far have written to memories, as far as it is not known to be there. */
  unwritten(of: "all" | "committed"): readonly OutboxMemory[] {
    return this.#outbox.unwritten(of === "all" ? this.working : this.committed);
  }

  get oldestSequence(): number | undefined {
    let oldest = this.unpublished > 0 ? this.committed.guard : this.oldestErrand;
    // What became a dead letter is read once more before it is one.
    const dead = this.#outbox.oldestDead;
    if (dead !== undefined && dead < (oldest ?? Infinity)) oldest = dead;
    for (const { message } of this.#inFlight) {
      if (message.kind === "tell" && message.sequence < (oldest ?? Infinity)) oldest = message.sequence;
    }
    return oldest;
  }

  /** The mail sequence by which whoever takes over finds the errands that stand; undefined when none does. */
  get oldestErrand(): number | undefined {
    return this.#outbox.hasErrands ? this.committed.guard : undefined;
  }

  /** Reads the actor's value, however long the server takes; or takes it that there is none (R6). */
  async load(presumesNone = false): Promise<Loaded> {
    const { host, key, self, definition } = this.#cell;
    this.#isPresumed = presumesNone;
    while (!host.lost.aborted) {
      try {
        const entry = presumesNone ? undefined : await host.state.get(key);
        const snapshot =
          entry === undefined
            ? firstSnapshot(definition.initial(self.id), host.clock.now(), definition.schema)
            : readSnapshot(key, entry.value, Number.MAX_SAFE_INTEGER);
        if (snapshot.epoch > host.epoch) return fencedBy(snapshot.epoch, this.#cell);
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
    const turns = this.#inFlight.length;
    const { state: before } = this.committed;
    this.#stands(written.snapshot, outcome.revision);
    this.#tellCommitted(written, outcome.revision, turns, before);
  }

  /** Resolves when everything that is committed is published; never, when ownership is lost before. */
  untilPublished(): Promise<void> {
    return this.#outbox.untilPublished();
  }

  /** Begins nothing more that can be left to the next owner. */
  leave(): void {
    this.#outbox.leave();
  }

  /** The activation has ended. */
  drop(): void {
    this.#outbox.drop();
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
    if (firing?.nextMs === undefined || firing.number > this.committed.sent || this.#isPresumed) return;
    if (isCurrent(this.committed.timers, firing)) return;
    const { host, key } = this.#cell;
    host.mail.cancel(key, firing).catch((thrown: unknown) => {
      host.log.debug({ actor: key, timer: firing.name, error: messageOf(thrown) }, "a stray timer was not cancelled");
    });
  }

  async #commitAfterWake(before: Snapshot, causes: readonly Traceparent[]): Promise<CommitOutcome> {
    const wake = await this.appendWake();
    if (isTroupeError(wake)) return { kind: "refused", error: wake };
    this.working = { ...this.working, guard: Math.max(this.working.guard, wake) };
    return this.#write({ ...before, guard: Math.max(before.guard, wake) }, causes);
  }

  #write(snapshot: Snapshot, causes: readonly Traceparent[]): Promise<CommitOutcome> {
    const { host, key } = this.#cell;
    const value = encodeSnapshot(key, snapshot, this.#printed);
    this.#printed = undefined;
    if (isTroupeError(value)) return Promise.resolve({ kind: "refused", error: value });
    if (!host.isOwner) return Promise.resolve({ kind: "refused", error: fencedError(key) });
    this.#written = { snapshot, bytes: value.length, sinceMs: this.#batchSince() };
    const commit = { key, value, expected: this.#revision, commitId: snapshot.commit, lost: host.lost };
    // Where nobody wants to see the trace there is nothing to be built either (T3 of trace.ts).
    const isTraced = causes.length > 0 && causes.some(isSampled);
    return isTraced ? this.#writeTraced(commit, causes) : host.committer.commit(commit);
  }

  /** From when on the turns of the batch wait for their commit. A step's message has not ended: its commit is asked for now. */
  #batchSince(): number | undefined {
    const { host } = this.#cell;
    if (!host.events.isHeard) return undefined;
    const first = this.#inFlight.find(({ kind, message }) => kind === "turn" && message.endedMs !== undefined);
    return first?.message.endedMs ?? host.clock.monotonicMs();
  }

  async #writeTraced(commit: Commit, causes: readonly Traceparent[]): Promise<CommitOutcome> {
    const { host, self } = this.#cell;
    const span = startCommit(self, this.#inFlight.length, host.state.bucket, causes);
    const outcome = await host.committer.commit(commit);
    if (outcome.kind === "stands") span?.setAttribute("troupe.revision", outcome.revision);
    endSpan(span, failureOf(outcome));
    return outcome;
  }

  #adopt(snapshot: Snapshot, revision: number): void {
    const { host, self } = this.#cell;
    this.committed = snapshot;
    this.working = snapshot;
    this.#revision = revision;
    this.#inFlight = noBatch;
    if (host.events.isHeard) host.events.emit({ kind: "activated", actor: self, revision });
    this.#outbox.adopt(snapshot);
  }

  #nextSnapshot(cause: Traceparent | undefined): Snapshot {
    const { host } = this.#cell;
    const trace = traceIdOf(cause);
    return {
      ...this.working,
      outbox: this.#outbox.left(this.working),
      epoch: host.epoch,
      commit: host.nextCommitId(),
      trace,
    };
  }

  #stands(snapshot: Snapshot, revision: number): void {
    this.committed = snapshot;
    this.#revision = revision;
    this.#isPresumed = false;
    this.#inFlight = noBatch;
    this.#written = undefined;
    this.#outbox.stands(snapshot);
  }

  #tellCommitted({ snapshot, bytes, sinceMs }: Written, revision: number, turns: number, before: unknown): void {
    const { host, self, definition } = this.#cell;
    if (!host.events.isHeard || sinceMs === undefined) return;
    const durationMs = host.clock.monotonicMs() - sinceMs;
    const trace = snapshot.trace === undefined ? {} : { trace: snapshot.trace };
    host.events.emit({ kind: "committed", actor: self, revision, turns, bytes, durationMs, ...trace });
    const more = definition.eventsOf?.(self, before, snapshot.state, host.clock.now()) ?? [];
    for (const event of more) host.events.emit(event);
  }

  /** Until the server has one: a wake that was stored twice wakes once more, and does nothing else. */
  async appendWake(): Promise<number | TroupeError> {
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
  if (message.kind === "ask") return message.errand === undefined; // What an errand stands by is there still: the guard.
  return message.timer?.nextMs !== undefined;
}

/** U6 of `turn.ts`. `printed` counts when it is of the very state that the snapshot has, which nobody changes in place. */
function encodeSnapshot(key: string, snapshot: Snapshot, printed: Printed | undefined): Uint8Array | TroupeError {
  if (printed !== undefined && printed.state === snapshot.state)
    return encodeText(printSnapshot(snapshot, printed.text));
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

/** The partition has had a later owner than ours: the host is told of its epoch, and leaves the actor's mail where it is. */
function fencedBy(epoch: number, { key, host }: Cell): Loaded {
  const text = `${key} was written under the epoch ${epoch}; this worker has its partition under ${host.epoch}`;
  return { kind: "failed", why: "fenced", error: new TroupeError("FENCED", text, { data: { epoch } }) };
}

const unloaded: Snapshot = firstSnapshot(undefined, 0);

function failed(why: "unreadable" | "ownership-lost", code: "FENCED" | "STATE_INVALID", text: string): Loaded {
  return { kind: "failed", why, error: new TroupeError(code, text) };
}

/**
 * The traces of a batch, each once. The first is the commit's own: of those that are made that of the first turn which changed
 * something.
 */
function causesOf(batch: readonly Ended[]): readonly Traceparent[] {
  const [only] = batch;
  if (batch.length === 1 && only !== undefined) {
    const trace = traceOf(only);
    return trace === undefined ? noCauses : [trace];
  }
  if (!batch.some(traceOf)) return noCauses;
  const changing = batch.filter((ended) => ended.kind === "step" || ended.isDirty);
  return madeFirst([...changing, ...batch].flatMap((ended) => traceOf(ended) ?? []));
}

function traceOf({ message }: Ended): Traceparent | undefined {
  return message.turnTrace ?? message.trace;
}

function failureOf(outcome: CommitOutcome): { readonly code: string; readonly message: string } | undefined {
  if (outcome.kind === "stands") return undefined;
  if (outcome.kind === "refused") return outcome.error;
  return { code: outcome.kind, message: `the commit is ${outcome.kind}` };
}
