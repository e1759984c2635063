// One activation with its hands and feet: performs what the pure one (src/actors/activation.ts) decides, in order, and
// keeps the messages and answers that it only counts.
//
//   R1. An answer leaves by the acknowledgement of the commit that it speaks of (P4), and exactly once.
//   R3. A tell is let go (the cursor may pass it) only when its turn is committed, or changed nothing, or it is buried,
//       and what it sent is published.

import type { ActivationEffect, GoneReason } from "../actors/activation.ts";
import { batchBytesMax, isStill } from "../actors/activation.ts";
import type { AnyActor } from "../actors/definition.ts";
import { Mailbox } from "../actors/mailbox.ts";
import type { AskMessage, Message, TellMessage } from "../actors/message.ts";
import type { TurnServices } from "../actors/turn.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import { invariant, type TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Ended, EndedTurn } from "./cell-ended.ts";
import {
  doubtAbout,
  faultError,
  goneError,
  judgeRefusal,
  releaseEnded,
  settleLate,
  stoppedError,
  undoEnded,
} from "./cell-ended.ts";
import type { CellHost } from "./cell-host.ts";
import { CellQueries } from "./cell-queries.ts";
import { CellRunner } from "./cell-runner.ts";
import { CellSteps } from "./cell-steps.ts";
import type { Loaded } from "./cell-store.ts";
import { CellStore } from "./cell-store.ts";
import { announceFull, announceUncommitted, announceWithdrawn, logFault } from "./cell-turn.ts";
import type { CommitOutcome } from "./committer.ts";
import { Holds } from "./holds.ts";
import { buryWaiting, Refilling } from "./refill.ts";

/** Wait before a refused commit is tried again. Unit: ms. */
const refusedHoldMs = 500;
/** What has run so long is slow. Unit: ms. */
const slowTurnMs = 1_000;
const noneOpen: Ended[] = [];

export class Cell {
  readonly key: string;
  readonly self: ActorAddress;
  readonly definition: AnyActor;
  readonly host: CellHost;
  /** When it last had something to do, on the host's coarse clock. Unit: ms. */
  lastActiveMs: number;
  readonly #steps = new CellSteps({
    perform: (effect) => this.#perform(effect),
    onSettled: () => this.#restIfDone(),
    onFault: (thrown) => this.#endFaulty(thrown),
  });
  readonly #mailbox: Mailbox;
  readonly #refilling: Refilling;
  readonly #store: CellStore;
  readonly #runner: CellRunner;
  readonly #holds: Holds;
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
  #isStopping = false;

  /** `begins`: by what comes first the actor begins, as a rule, so that its value is not looked for (R6 of `cell-store.ts`). */
  constructor(host: CellHost, key: string, self: ActorAddress, definition: AnyActor, begins = false) {
    this.host = host;
    this.key = key;
    this.self = self;
    this.definition = definition;
    this.lastActiveMs = host.coarseNowMs;
    this.#mailbox = new Mailbox(host.mailBudget);
    this.#refilling = new Refilling(host, key, this.#mailbox, () => this.#steps.apply({ kind: "mail" }));
    this.#holds = new Holds(host.clock, () => this.#steps.apply({ kind: "resumed" }));
    this.#store = new CellStore(this, () => this.#outboxMoved());
    this.#runner = new CellRunner(this, this.#store);
    this.#load(begins);
  }

  /** What a handler does to the world goes through here. */
  get services(): TurnServices {
    return this.#runner;
  }
  /** What turns make counts: the value is loaded, nothing has undone it, and ownership stands. */
  get isLive(): boolean {
    return this.#steps.now.phase === "live";
  }
  get isGone(): boolean {
    return this.#steps.now.phase === "gone";
  }
  get unpublished(): number {
    return this.#store.unpublished;
  }

  /** Nothing waits, runs (queries too), is being written or waits to be published. */
  get isAtRest(): boolean {
    if (this.isGone || !isStill(this.#steps.now)) return this.isGone;
    if (!this.#store.isQuiet || this.#queries?.isQuiet === false) return false;
    return this.#mailbox.isLeaving || this.#mailbox.oldestSequence === undefined;
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
    if (this.#mailbox.offerTell(message) === "queued") this.#steps.apply({ kind: "mail" });
    else this.#restIfDone();
  }

  /** `turnId`: it comes back to that turn of an actor that may be re-entered. */
  deliverAsk(message: AskMessage, turnId?: string): void {
    if (turnId !== undefined) return this.#runner.enter(message, turnId);
    this.#wakeUp();
    if (this.definition.methods[message.method]?.kind === "query") return this.#query(message);
    if (this.#mailbox.offerAsk(message) === "queued") return this.#steps.apply({ kind: "mail" });
    message.answer({ kind: "error", error: announceFull(this, message) });
  }

  /** An asker waits no longer: what waits is taken out, and a turn that has not ended ends without effect. */
  withdraw(askId: string): void {
    // The mailbox must not change between a decision and its effects.
    if (this.#steps.isStepping) return queueMicrotask(() => this.withdraw(askId));
    const waiting = this.#mailbox.withdraw(askId);
    if (waiting !== undefined) {
      if (waiting.before < this.#undone) this.#undone -= 1;
      this.#steps.apply({ kind: "withdrawn" });
      waiting.message.answer({ kind: "error", error: withdrawn() });
    }
    const message = waiting?.message ?? this.#runner.withdraw(askId) ?? this.#queries?.withdraw(askId);
    if (message !== undefined) announceWithdrawn(this, message, waiting === undefined ? "running" : "waiting");
  }

  /** Ends the activation if it is at rest; returns whether it is gone. */
  tryPassivate(): boolean {
    if (this.isAtRest) this.#steps.apply({ kind: "idle" });
    return this.isGone;
  }

  /** Its turn, or an errand of it, has been under way for a second or more. */
  get isSlow(): boolean {
    const sinceMs = this.#runner.running === undefined ? Infinity : this.#startedMs;
    return this.host.coarseNowMs - Math.min(sinceMs, this.#store.errandsSinceMs) >= slowTurnMs;
  }

  /** Starts no told message any more: those that wait are left to the partition's next owner. */
  leaveTells(): void {
    this.#mailbox.isLeaving = true;
    this.#store.leave();
    this.#restIfDone();
  }

  /** Ends the activation, whatever it does. */
  end(why: GoneReason): void {
    this.#steps.apply({ kind: "end", why });
  }

  /** A turn has ended: what it came to waits for its commit. */
  endTurn(ended: EndedTurn): void {
    if (!ended.isDirty && this.#store.isUnproven) {
      // It has seen what nobody knows to be so, and runs again on what stands (R6 of `cell-store.ts`).
      this.#steps.apply({ kind: "superseded", requeued: 0 });
      return this.voidTurn();
    }
    this.#pushOpen(ended);
    this.#runner.release();
    const bytes = this.#soloTurns > 0 ? batchBytesMax : (ended.message.payload?.length ?? 0) + 64;
    if (this.#soloTurns > 0) this.#soloTurns -= 1;
    this.#steps.apply({ kind: "turn-ended", bytes, isDirty: ended.isDirty });
  }

  /** Goes on with what comes of a promise, as with what comes in (S2 of `cell-steps.ts`). */
  follow<Value>(promise: Promise<Value>, then: (value: Value) => void): void {
    this.#steps.follow(promise, then);
  }

  /** A turn has ended whose draft is void, or whose ownership is gone. */
  voidTurn(): void {
    this.#steps.apply({ kind: "turn-ended", bytes: 0, isDirty: false });
  }

  /** A turn has failed, and its message is tried again after a while. */
  postpone(message: Message, afterMs: number): void {
    this.#mailbox.putBack([message]);
    this.#holds.addFor(afterMs);
    this.#steps.apply({ kind: "turn-postponed" });
  }

  /** No turn starts on a value that says that the actor is stopped. */
  holdForStop(): void {
    this.#isStopping = true;
    this.#holds.add();
    this.#steps.apply({ kind: "held" });
  }

  /** After a stop the mail from `first` on is read again; up to `last` it was passed by. */
  catchUp(first: number, last: number): void {
    this.#wakeUp();
    this.#mailbox.deferFrom(first, last);
    this.#refilling.begin();
    this.#restIfDone();
  }

  /** The running turn goes on when this is stored. */
  record(ended: Ended): void {
    this.#pushOpen(ended);
    this.#steps.apply({ kind: "recorded", isDirty: ended.kind === "step" || ended.isDirty });
  }

  #restIfDone(): void {
    for (let left = this.#mailbox.leaveTells(); left > 0; left -= 1) this.#steps.apply({ kind: "withdrawn" });
    if (this.isAtRest) this.#runner.rested();
  }

  #perform(effect: ActivationEffect): void {
    switch (effect) {
      case "load":
        return this.#load();
      case "run-turn":
        return this.#runNext();
      case "commit": {
        const batch = this.#open;
        const committing = this.#store.commit(batch); // What throws here leaves them open.
        this.#open = noneOpen;
        const settle = (outcome: CommitOutcome) => this.#settle(batch, outcome);
        return this.#steps.follow(committing, settle, () => settle({ kind: "given-up" }));
      }
      case "release":
        return releaseEnded(this, this.#takeOpen());
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

  #load(presumesNone = false): void {
    this.#steps.follow(this.#store.load(presumesNone), (loaded) => this.#loaded(loaded));
  }

  #loaded(loaded: Loaded): void {
    if (this.#steps.now.phase !== "loading") return;
    if (loaded.kind === "loaded") {
      this.#steps.apply({ kind: "loaded" });
      return this.#queries?.goOn();
    }
    if (loaded.why === "stopped") return this.#endStopped();
    this.#failure = loaded.error;
    if (loaded.error.retry === "elsewhere") this.host.abandon(this, loaded.error);
    else if (loaded.why === "unreadable") {
      // Nothing can be done with the value: what waits is not lost, but kept with the reason until it is repaired.
      const burying = buryWaiting(this, this.#mailbox, this.#runner, loaded.error);
      return this.#steps.follow(burying, () => this.end("unreadable"));
    }
    this.end(loaded.why);
  }

  #query(message: AskMessage): void {
    if (this.isGone) return message.answer({ kind: "error", error: this.#goneError() });
    this.#queries ??= new CellQueries(this, this.#store, () => this.#restIfDone());
    this.#queries.take(message, this.#steps.now.phase !== "loading");
  }

  #runNext(): void {
    const message = this.#mailbox.take();
    invariant(message, "a queued message is in the mailbox");
    this.#refilling.begin();
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

  #settle(batch: readonly Ended[], outcome: CommitOutcome): void {
    this.#store.settle(outcome);
    announceUncommitted(this, outcome);
    if (this.isGone) return settleLate(this, batch, outcome, this.#goneError());
    switch (outcome.kind) {
      case "stands":
        releaseEnded(this, batch); // R1
        this.#queries?.goOn();
        if (this.#isStopping && this.#store.committed.stopped !== undefined) {
          this.#steps.follow(this.#store.untilPublished(), () => this.#endStopped());
        }
        if (this.#store.crowding > 1 && !this.#isOutboxFull) {
          this.#isOutboxFull = true;
          this.#holds.add();
          this.#steps.apply({ kind: "held" });
        }
        return this.#steps.apply({ kind: "committed" });
      case "superseded":
        this.#steps.apply({ kind: "superseded", requeued: this.#undo(batch, doubtAbout(this.key, outcome)) });
        return this.#unholdStop();
      case "refused":
        return this.#refused(batch, outcome.error);
      case "given-up":
        this.end("ownership-lost");
        return settleLate(this, batch, outcome, this.#goneError());
    }
  }

  #refused(batch: readonly Ended[], error: TroupeError): void {
    const { isHopeless, verdict } = judgeRefusal(batch, error);
    if (verdict === undefined) this.#soloTurns = batch.length;
    this.#holds.addFor(isHopeless ? 0 : refusedHoldMs);
    this.#steps.apply({ kind: "refused", requeued: this.#undo(batch, verdict) });
    this.#unholdStop();
  }

  /**
   * Takes back everything that built on a commit that does not stand (A6); returns how many messages wait again. With a verdict the
   * batch's askers are told that at once, else they wait for another run.
   */
  #undo(batch: readonly Ended[], verdict: TroupeError | undefined): number {
    const again = batch.flatMap((ended) => undoEnded(this, ended, verdict));
    for (const ended of this.#takeOpen()) again.push(...undoEnded(this, ended, undefined));
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
    this.host.stopped(this.key, Math.min(stopped.seq, this.#store.oldestErrand ?? Infinity), this.#failure);
    this.#steps.apply({ kind: "end", why: "stopped" });
  }

  /** What has thrown is not tried again here: its mail stays where it is, for the next owner (H2 of `partition-host.ts`). */
  #endFaulty(thrown: unknown): void {
    this.#failure = faultError(this.self, thrown);
    logFault(this, thrown);
    this.host.abandon(this, this.#failure);
    this.#drop();
  }

  #outboxMoved(): void {
    if (this.#isOutboxFull && this.#store.crowding <= 0.5) {
      this.#isOutboxFull = false;
      this.#holds.remove();
    }
    this.#restIfDone();
  }

  #goneError(): TroupeError {
    return this.#failure ?? goneError(this.self);
  }

  /** Tells everyone who waits, but for those whose commit is under way (see `settleLate`). */
  #drop(): void {
    this.#store.drop();
    const open = this.#takeOpen();
    const asks = [...this.#runner.drop(), ...this.#mailbox.drop(), ...(this.#queries?.takeHeld() ?? [])];
    if (open.length + asks.length > 0) {
      const error = this.#goneError();
      for (const ended of open) undoEnded(this, ended, error);
      for (const ask of asks) ask.answer({ kind: "error", error });
    }
    this.#runner.rested();
  }
}
