// One activation with its hands and feet: performs what the pure one (src/actors/activation.ts) decides, in order, and
// keeps the messages and answers that it only counts.
//
//   R1. An answer leaves by the acknowledgement of the commit that it speaks of (P4), and exactly once.
//   R3. A tell is let go (the cursor may pass it) only when its turn is committed, or changed nothing, or it is buried,
//       and what it sent is published.

import type { Activation, ActivationEffect, ActivationInput, GoneReason } from "../actors/activation.ts";
import { batchBytesMax, isStill, newActivation, step } from "../actors/activation.ts";
import type { AnyActor } from "../actors/definition.ts";
import { Mailbox } from "../actors/mailbox.ts";
import type { AskMessage, Message, TellMessage } from "../actors/message.ts";
import type { TurnServices } from "../actors/turn.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import { invariant, TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Ended, EndedTurn } from "./cell-ended.ts";
import { doom, doubtOf, goneError, releaseEnded, stoppedError, undoEnded } from "./cell-ended.ts";
import type { CellHost } from "./cell-host.ts";
import { CellQueries } from "./cell-queries.ts";
import { CellRunner } from "./cell-runner.ts";
import { CellStore } from "./cell-store.ts";
import { announceWithdrawn } from "./cell-turn.ts";
import type { CommitOutcome } from "./committer.ts";
import { Holds } from "./holds.ts";
import { buryWaiting, refillMailbox } from "./refill.ts";

/** Wait before a refused commit is tried again. Unit: ms. */
const refusedHoldMs = 500;
/** A turn that has run so long is slow. Unit: ms. */
const slowTurnMs = 1_000;
const noneOpen: Ended[] = [];

export class Cell {
  readonly key: string;
  readonly self: ActorAddress;
  readonly definition: AnyActor;
  readonly host: CellHost;
  /** When it last had something to do, on the host's coarse clock. Unit: ms. */
  lastActiveMs: number;
  #now: Activation = newActivation;
  readonly #mailbox: Mailbox;
  readonly #store: CellStore;
  readonly #runner: CellRunner;
  readonly #holds: Holds;
  #inputs: ActivationInput[] | undefined;
  #open: Ended[] = noneOpen;
  #queries: CellQueries | undefined;
  #failure: TroupeError | undefined;
  /** Turns that still commit alone, to find the one that cannot be committed. */
  #soloTurns = 0;
  /** Messages that were put back when a commit did not stand last. */
  #undone = 0;
  /** When the last turn began, on the host's coarse clock. Unit: ms. */
  #startedMs = 0;
  #isOutboxFull = false;
  #isRefilling = false;
  #isStopping = false;

  constructor(host: CellHost, key: string, self: ActorAddress, definition: AnyActor) {
    this.host = host;
    this.key = key;
    this.self = self;
    this.definition = definition;
    this.lastActiveMs = host.coarseNowMs;
    this.#mailbox = new Mailbox(host.mailBudget);
    this.#holds = new Holds(host.clock, () => this.#apply({ kind: "resumed" }));
    this.#store = new CellStore(this, () => this.#outboxMoved());
    this.#runner = new CellRunner(this, this.#store);
    void this.#load();
  }

  /** What a handler does to the world goes through here. */
  get services(): TurnServices {
    return this.#runner;
  }
  /** What turns make counts: the value is loaded, nothing has undone it, and ownership stands. */
  get isLive(): boolean {
    return this.#now.phase === "live";
  }
  get isGone(): boolean {
    return this.#now.phase === "gone";
  }

  /** Nothing waits, runs (queries too), is being written or waits to be published. */
  get isAtRest(): boolean {
    if (this.isGone || !isStill(this.#now)) return this.isGone;
    const hasEnded = this.#store.unpublished === 0 && this.#queries?.isQuiet !== false;
    return hasEnded && (this.#mailbox.isLeaving || this.#mailbox.oldestSequence === undefined);
  }

  /** The lowest mail sequence that the partition's cursor must not reach yet (R3); undefined when there is none. */
  get oldestSequence(): number | undefined {
    let oldest = Math.min(this.#store.oldestSequence ?? Infinity, this.#mailbox.oldestSequence ?? Infinity);
    for (const { message } of this.#open) if (message.kind === "tell") oldest = Math.min(oldest, message.sequence);
    const { running } = this.#runner;
    if (running?.kind === "tell") oldest = Math.min(oldest, running.sequence);
    return oldest === Infinity ? undefined : oldest;
  }

  deliverTell(message: TellMessage): void {
    this.#wakeUp();
    if (this.#mailbox.offerTell(message) === "queued") this.#apply({ kind: "mail" });
    else this.#restIfDone();
  }

  /** `turnId`: it comes back to that turn of an actor that may be re-entered. */
  deliverAsk(message: AskMessage, turnId?: string): void {
    if (turnId !== undefined) return this.#runner.enter(message, turnId);
    this.#wakeUp();
    if (this.definition.methods[message.method]?.kind === "query") return this.#query(message);
    if (this.#mailbox.offerAsk(message) === "queued") return this.#apply({ kind: "mail" });
    message.answer({ kind: "error", error: new TroupeError("MAILBOX_FULL", `too many asks wait for ${this.key}`) });
  }

  /** An asker waits no longer: what waits is taken out, and a turn that has not ended ends without effect. */
  withdraw(askId: string): void {
    // The mailbox must not change between a decision and its effects.
    if (this.#inputs !== undefined) return queueMicrotask(() => this.withdraw(askId));
    const waiting = this.#mailbox.withdraw(askId);
    if (waiting !== undefined) {
      if (waiting.before < this.#undone) this.#undone -= 1;
      this.#apply({ kind: "withdrawn" });
      waiting.message.answer({ kind: "error", error: withdrawn() });
    }
    const message = waiting?.message ?? this.#runner.withdraw(askId) ?? this.#queries?.withdraw(askId);
    if (message !== undefined) announceWithdrawn(this, message, waiting === undefined ? "running" : "waiting");
  }

  /** Ends the activation if it is at rest; returns whether it is gone. */
  tryPassivate(): boolean {
    if (this.isAtRest) this.#apply({ kind: "idle" });
    return this.isGone;
  }

  /** Its turn has been running for a second or more. */
  get isSlow(): boolean {
    return this.#runner.running !== undefined && this.host.coarseNowMs - this.#startedMs >= slowTurnMs;
  }

  /** Starts no told message any more: those that wait are left to the partition's next owner. */
  leaveTells(): void {
    this.#mailbox.isLeaving = true;
    this.#restIfDone();
  }

  /** Ends the activation, whatever it does. */
  end(why: GoneReason): void {
    this.#apply({ kind: "end", why });
  }

  /** A turn has ended: what it came to waits for its commit. */
  endTurn(ended: EndedTurn): void {
    const { message, isDirty } = ended;
    this.#pushOpen(ended);
    this.#runner.release();
    const isSolo = this.#soloTurns > 0;
    if (isSolo) this.#soloTurns -= 1;
    const bytes = isSolo ? batchBytesMax : (message.payload?.length ?? 0) + 64;
    this.#apply({ kind: "turn-ended", bytes, isDirty });
  }

  /** A turn has ended whose draft is void, or whose ownership is gone. */
  voidTurn(): void {
    this.#apply({ kind: "turn-ended", bytes: 0, isDirty: false });
  }

  /** A turn has failed, and its message is tried again after a while. */
  postpone(message: Message, afterMs: number): void {
    this.#mailbox.putBack([message]);
    this.#holds.addFor(afterMs);
    this.#apply({ kind: "turn-postponed" });
  }

  /** No turn starts on a value that says that the actor is stopped. */
  holdForStop(): void {
    this.#isStopping = true;
    this.#holds.add();
    this.#apply({ kind: "held" });
  }

  /** After a stop the mail from `first` on is read again; up to `last` it was passed by. */
  catchUp(first: number, last: number): void {
    this.#wakeUp();
    this.#mailbox.deferFrom(first, last);
    this.#refill();
    this.#restIfDone();
  }

  /** The running turn goes on when this is stored. */
  record(ended: Ended): void {
    this.#pushOpen(ended);
    this.#apply({ kind: "recorded", isDirty: ended.kind === "step" || ended.isDirty });
  }

  /** Steps the activation and performs what it decides, until nothing is left. Never runs inside itself. */
  #apply(input: ActivationInput): void {
    if (this.#inputs !== undefined) {
      this.#inputs.push(input);
      return;
    }
    const inputs = [input];
    this.#inputs = inputs;
    for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
      const { next: after, effects } = step(this.#now, next);
      this.#now = after;
      for (const effect of effects) this.#perform(effect);
    }
    this.#inputs = undefined;
    this.#restIfDone();
  }

  #restIfDone(): void {
    for (let left = this.#mailbox.leaveTells(); left > 0; left -= 1) this.#apply({ kind: "withdrawn" });
    if (this.isAtRest) this.host.rested(this);
  }

  #perform(effect: ActivationEffect): void {
    switch (effect) {
      case "load":
        return void this.#load();
      case "run-turn":
        return this.#runNext();
      case "commit":
        return this.#commit(this.#takeOpen());
      case "release":
        return releaseEnded(this.#takeOpen());
      case "requeue-turn":
        return this.#mailbox.putBack([this.#runner.release()], this.#undone); // It had started after those.
      case "drop":
        return this.#drop();
    }
  }

  #wakeUp(): void {
    this.lastActiveMs = this.host.coarseNowMs;
    this.host.woke(this);
  }

  async #load(): Promise<void> {
    const loaded = await this.#store.load();
    if (this.#now.phase !== "loading") return;
    if (loaded.kind === "loaded") {
      this.#apply({ kind: "loaded" });
      for (const query of this.#queries?.takeHeld() ?? []) this.#query(query);
      return;
    }
    if (loaded.why === "stopped") return this.#endStopped();
    this.#failure = loaded.error;
    if (loaded.error.code === "STATE_TOO_NEW") this.host.abandon(this, loaded.error);
    // Nothing can be done with the value: what waits is not lost, but kept with the reason until it is repaired.
    else if (loaded.why === "unreadable") await buryWaiting(this, this.#mailbox, this.#runner, loaded.error);
    this.#apply({ kind: "end", why: loaded.why });
  }

  #query(message: AskMessage): void {
    if (this.isGone) return message.answer({ kind: "error", error: this.#goneError() });
    this.#queries ??= new CellQueries();
    if (this.#now.phase === "loading") return this.#queries.hold(message);
    this.#queries.run(this, message, this.#store.committed.state, () => this.#restIfDone());
  }

  #runNext(): void {
    const message = this.#mailbox.take();
    invariant(message, "a queued message is in the mailbox");
    this.#refill();
    this.#startedMs = this.host.coarseNowMs;
    this.#runner.run(message, this.#mailbox.hasLaterFiring(message));
  }

  #pushOpen(ended: Ended): void {
    if (this.#open === noneOpen) this.#open = [ended];
    else this.#open.push(ended);
  }

  #takeOpen(): readonly Ended[] {
    const open = this.#open;
    this.#open = noneOpen;
    return open;
  }

  #commit(batch: readonly Ended[]): void {
    void this.#store.commit(batch).then((outcome) => this.#settle(batch, outcome));
  }

  #settle(batch: readonly Ended[], outcome: CommitOutcome): void {
    this.#store.settle(outcome);
    if (this.isGone) return this.#settleLate(batch, outcome);
    switch (outcome.kind) {
      case "stands":
        releaseEnded(batch); // R1
        if (this.#isStopping && this.#store.committed.stopped !== undefined) {
          void this.#store.untilPublished().then(() => this.#endStopped());
        }
        if (this.#store.crowding > 1 && !this.#isOutboxFull) {
          this.#isOutboxFull = true;
          this.#holds.add();
          this.#apply({ kind: "held" });
        }
        return this.#apply({ kind: "committed" });
      case "superseded":
        this.host.events.emit({ kind: "superseded", actor: this.self, revision: outcome.revision });
        this.#apply({ kind: "superseded", requeued: this.#undo(batch, outcome.isCertain, undefined) });
        return this.#unholdStop();
      case "refused":
        return this.#refused(batch, outcome.error);
      case "given-up":
        this.end("ownership-lost");
        return this.#settleLate(batch, outcome);
    }
  }

  /** The activation has ended while its commit was under way: its askers still hear what became of it. */
  #settleLate(batch: readonly Ended[], outcome: CommitOutcome): void {
    if (outcome.kind === "stands") return releaseEnded(batch);
    const isCertain = outcome.kind === "refused" || (outcome.kind === "superseded" && outcome.isCertain);
    const error = isCertain ? this.#goneError() : doubtOf(this.key);
    for (const ended of batch) undoEnded(ended, error);
  }

  #refused(batch: readonly Ended[], error: TroupeError): void {
    this.host.events.emit({ kind: "commit-refused", actor: this.self, message: error.message });
    const isHopeless = error.code === "PAYLOAD_TOO_LARGE" || error.code === "STATE_INVALID";
    let refusal: TroupeError | undefined = error;
    if (isHopeless && batch.length > 1) {
      this.#soloTurns = batch.length;
      refusal = undefined;
    } else if (!isHopeless) refusal = new TroupeError("COMMIT_REFUSED", error.message, { cause: error });
    for (const ended of batch) if (isHopeless && refusal !== undefined && ended.kind === "turn") doom(ended, refusal);
    this.#holds.addFor(isHopeless ? 0 : refusedHoldMs);
    this.#apply({ kind: "refused", requeued: this.#undo(batch, true, refusal) });
    this.#unholdStop();
  }

  /**
   * Takes back everything that built on a commit that does not stand (A6); returns how many messages wait again. With
   * `refusal` the batch's askers are told at once. Without it they wait for another run, unless (not `isCertain`) theirs
   * may have been stored.
   */
  #undo(batch: readonly Ended[], isCertain: boolean, refusal: TroupeError | undefined): number {
    const verdict = refusal ?? (isCertain ? undefined : doubtOf(this.key));
    const again = batch.flatMap((ended) => undoEnded(ended, verdict));
    for (const ended of this.#takeOpen()) again.push(...undoEnded(ended, undefined));
    this.#store.rollBack();
    this.#mailbox.putBack(again);
    this.#undone = again.length;
    return again.length;
  }

  /** The commit that was to stop it does not stand. */
  #unholdStop(): void {
    if (!this.#isStopping) return;
    this.#isStopping = false;
    this.#holds.remove();
  }

  /** It is stopped, and what it has sent is published: from here on its mail stays where it is. */
  #endStopped(): void {
    const { stopped } = this.#store.committed;
    if (this.isGone || stopped === undefined) return;
    this.#failure = stoppedError(this.self, stopped);
    this.host.stopped(this.key, stopped.seq, this.#failure);
    this.#apply({ kind: "end", why: "stopped" });
  }

  #outboxMoved(): void {
    if (this.#isOutboxFull && this.#store.crowding <= 0.5) {
      this.#isOutboxFull = false;
      this.#holds.remove();
    }
    this.#restIfDone();
  }

  #refill(): void {
    if (this.#isRefilling || this.#mailbox.refillFrom === undefined) return;
    this.#isRefilling = true;
    const onQueued = (count: number) => {
      for (let at = 0; at < count; at += 1) this.#apply({ kind: "mail" });
    };
    void refillMailbox(this.host, this.key, this.#mailbox, onQueued).finally(() => {
      this.#isRefilling = false;
    });
  }

  #goneError(): TroupeError {
    return this.#failure ?? goneError(this.self);
  }

  /** Tells everyone who waits, but for those whose commit is under way (see #settleLate). */
  #drop(): void {
    const error = this.#goneError();
    for (const ended of this.#takeOpen()) undoEnded(ended, error);
    for (const ask of [...this.#runner.drop(), ...this.#mailbox.drop(), ...(this.#queries?.takeHeld() ?? [])])
      ask.answer({ kind: "error", error });
    this.host.rested(this);
  }
}
