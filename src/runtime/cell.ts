// One activation with its hands and feet: performs what the pure one (src/actors/activation.ts) decides, in order, and
// keeps the messages and answers that it only counts.
//
//   R1. An answer leaves by the acknowledgement of the commit that it speaks of (P4), and exactly once.
//   R3. A tell is let go (the cursor may pass it) only when its turn is committed, or changed nothing, or it is buried,
//       and what it sent is published.

import type { Activation, ActivationEffect, ActivationInput, GoneReason } from "../actors/activation.ts";
import { batchBytesMax, isStill, newActivation, step } from "../actors/activation.ts";
import { applyBuried, applyDone, applyStep, findKeptAnswer, findRepeat, findStep } from "../actors/apply-turn.ts";
import type { AnyActor } from "../actors/definition.ts";
import { Mailbox } from "../actors/mailbox.ts";
import type { Answer, AskMessage, Message, TellMessage } from "../actors/message.ts";
import { isRepeatable } from "../actors/message.ts";
import type { Question, TurnOutcome, TurnServices } from "../actors/turn.ts";
import type { Clock } from "../core/clock.ts";
import { invariant, TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { CellHost } from "./cell-host.ts";
import { wakeMethod } from "./cell-host.ts";
import { CellQueries } from "./cell-queries.ts";
import type { Ended } from "./cell-store.ts";
import { CellStore, doubtOf, releaseEnded, undoEnded } from "./cell-store.ts";
import { announceRetry, answerOf, logOf, mayRunAgain, runMessage } from "./cell-turn.ts";
import type { CommitOutcome } from "./committer.ts";
import { Holds } from "./holds.ts";
import { refillMailbox } from "./refill.ts";

/** Wait before a refused commit is tried again. Unit: ms. */
const refusedHoldMs = 500;
/** Unpublished outbox entries beyond which no further turn starts. */
const outboxPendingMax = 1_000;
const noneOpen: Ended[] = [];

export class Cell implements TurnServices {
  readonly key: string;
  readonly self: ActorAddress;
  readonly definition: AnyActor;
  readonly host: CellHost;
  /** When it last had something to do, on the host's coarse clock. Unit: ms. */
  lastActiveMs: number;
  #now: Activation = newActivation;
  readonly #mailbox: Mailbox;
  readonly #store: CellStore;
  readonly #holds: Holds;
  #inputs: ActivationInput[] | undefined;
  #open: Ended[] = noneOpen;
  #running: Message | undefined;
  #queries: CellQueries | undefined;
  #failure: TroupeError | undefined;
  /** Turns that still commit alone, to find the one that cannot be committed. */
  #soloTurns = 0;
  /** Messages that were put back when a commit did not stand last. */
  #undone = 0;
  #isOutboxFull = false;
  #isRefilling = false;

  constructor(host: CellHost, key: string, self: ActorAddress, definition: AnyActor) {
    this.host = host;
    this.key = key;
    this.self = self;
    this.definition = definition;
    this.lastActiveMs = host.coarseNowMs;
    this.#mailbox = new Mailbox(host.mailBudget);
    this.#holds = new Holds(host.clock, () => this.#apply({ kind: "resumed" }));
    this.#store = new CellStore(this, () => this.#outboxMoved());
    void this.#load();
  }

  get clock(): Clock {
    return this.host.clock;
  }
  get lost(): AbortSignal {
    return this.host.lost;
  }
  get payloadBytesMax(): number {
    return this.host.mail.payloadBytesMax;
  }
  get isGone(): boolean {
    return this.#now.phase === "gone";
  }

  /** Nothing waits, runs (queries too), is being written or waits to be published. */
  get isAtRest(): boolean {
    if (this.isGone || !isStill(this.#now)) return this.isGone;
    const hasEnded = this.#store.unpublished === 0 && this.#queries?.isQuiet !== false;
    return hasEnded && this.#mailbox.oldestSequence === undefined;
  }

  /** The lowest mail sequence that the partition's cursor must not reach yet (R3); undefined when there is none. */
  get oldestSequence(): number | undefined {
    let oldest = Math.min(this.#store.oldestSequence ?? Infinity, this.#mailbox.oldestSequence ?? Infinity);
    for (const { message } of this.#open) if (message.kind === "tell") oldest = Math.min(oldest, message.sequence);
    if (this.#running?.kind === "tell") oldest = Math.min(oldest, this.#running.sequence);
    return oldest === Infinity ? undefined : oldest;
  }

  deliverTell(message: TellMessage): void {
    this.#wakeUp();
    if (this.#mailbox.offerTell(message) === "queued") this.#apply({ kind: "mail" });
    else this.#restIfDone();
  }

  deliverAsk(message: AskMessage): void {
    this.#wakeUp();
    if (this.definition.methods[message.method]?.kind === "query") return this.#query(message);
    if (this.#mailbox.offerAsk(message) === "queued") return this.#apply({ kind: "mail" });
    message.answer({ kind: "error", error: new TroupeError("MAILBOX_FULL", `too many asks wait for ${this.key}`) });
  }

  /** Ends the activation if it is at rest; returns whether it is gone. */
  tryPassivate(): boolean {
    if (this.isAtRest) this.#apply({ kind: "idle" });
    return this.isGone;
  }

  /** Ends the activation, whatever it does. */
  end(why: GoneReason): void {
    this.#apply({ kind: "end", why });
  }

  log(message: Message): Logger {
    return logOf(this, message);
  }

  ask(asker: Message, question: Question): Promise<unknown> {
    const chain = asker.kind === "ask" ? [...asker.chain, this.key] : [this.key];
    return this.host.ask(question, { from: this.key, chain, trace: asker.turnTrace });
  }

  findStep(message: Message, name: string): string | undefined {
    return isRepeatable(message) ? findStep(this.#store.working, message, name) : undefined;
  }

  keepStep(message: Message, name: string, text: string): Promise<void> {
    if (!isRepeatable(message)) return Promise.resolve();
    if (message !== this.#running || this.#now.phase !== "live") {
      return Promise.reject(new TroupeError("FENCED", `${printAddress(this.self)} is acted on elsewhere`));
    }
    return new Promise((resolve, reject) => {
      this.#store.working = applyStep(this.#store.working, message, name, text);
      this.#pushOpen({ kind: "step", message, resolve, reject });
      this.#apply({ kind: "recorded" });
    });
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
    if (this.isAtRest) this.host.rested(this);
  }

  #perform(effect: ActivationEffect): void {
    switch (effect) {
      case "load":
        void this.#load();
        return;
      case "run-turn":
        return this.#runNext();
      case "commit":
        return this.#commit(this.#takeOpen());
      case "release":
        return releaseEnded(this.#takeOpen());
      case "requeue-turn":
        invariant(this.#running, "a turn that is put back was running");
        this.#mailbox.putBack([this.#running], this.#undone); // It had started after those.
        this.#running = undefined;
        return;
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
    this.#failure = loaded.error;
    if (loaded.error.code === "STATE_TOO_NEW") this.host.abandon(this, loaded.error);
    // Nothing can be done with the value: what waits is not lost, but kept with the reason until it is repaired.
    else if (loaded.why === "unreadable") await this.#buryWaiting(loaded.error);
    this.#apply({ kind: "end", why: loaded.why });
  }

  async #buryWaiting(error: TroupeError): Promise<void> {
    while (!this.lost.aborted) {
      const message = this.#mailbox.take();
      this.#running = message; // The cursor does not pass it before it is kept.
      if (message === undefined && this.#mailbox.refillFrom === undefined) return;
      if (message === undefined) await refillMailbox(this.host, this.key, this.#mailbox, () => {});
      else if (message.kind === "ask") message.answer({ kind: "error", error });
      else if (message.method !== wakeMethod) await this.host.bury(this, message, error);
    }
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
    this.#running = message;
    this.#refill();
    const { working } = this.#store;
    if (message.method === wakeMethod || findRepeat(working, message) !== undefined) {
      const isFence = message.method === wakeMethod && this.#store.isUnfenced; // R5
      return this.#endTurn(message, isFence, findKeptAnswer(working, message));
    }
    if (message.kind === "tell") {
      if (message.doom !== undefined) return this.#bury(message, message.doom);
      message.attempts += 1;
    }
    const outcome = runMessage(this, message, working.state, false);
    if (outcome instanceof Promise) void outcome.then((settled) => this.#finishTurn(message, settled));
    else this.#finishTurn(message, outcome);
  }

  #finishTurn(message: Message, outcome: TurnOutcome): void {
    if (this.#now.phase !== "live") return this.#voidTurn(message);
    if (outcome.kind === "done") {
      const { next, isDirty } = applyDone(this.#store.working, message, outcome);
      this.#store.working = next;
      const isFence = message.kind === "tell" && this.#store.isUnfenced && this.#store.revision > 0; // R5
      return this.#endTurn(message, isDirty || isFence, answerOf(outcome), outcome.sendings.length > 0);
    }
    if (message.kind === "ask") return this.#endTurn(message, false, answerOf(outcome));
    const { retry } = this.definition;
    if (!mayRunAgain(message, outcome.error.code, retry)) return this.#bury(message, outcome.error);
    const afterMs = announceRetry(this, message, outcome.error);
    this.#running = undefined;
    this.#mailbox.putBack([message]);
    this.#holds.addFor(afterMs);
    this.#apply({ kind: "turn-postponed" });
  }

  #bury(message: TellMessage, error: TroupeError): void {
    void this.host.bury(this, message, error).then((isBuried) => {
      if (!isBuried || this.#now.phase !== "live") return this.#voidTurn(message);
      this.#store.working = applyBuried(this.#store.working, message);
      this.#endTurn(message, true, undefined);
    });
  }

  /** The draft that the turn ran on is void, or ownership is gone: what came of it counts for nothing. */
  #voidTurn(message: Message): void {
    if (message.kind === "tell") message.attempts = Math.max(0, message.attempts - 1);
    this.#apply({ kind: "turn-ended", bytes: 0, isDirty: false });
  }

  #endTurn(message: Message, isDirty: boolean, answer: Answer | undefined, sends = false): void {
    this.#pushOpen({ kind: "turn", message, answer, sends, isDirty });
    this.#running = undefined;
    const isSolo = this.#soloTurns > 0;
    if (isSolo) this.#soloTurns -= 1;
    const bytes = isSolo ? batchBytesMax : (message.payload?.length ?? 0) + 64;
    this.#apply({ kind: "turn-ended", bytes, isDirty });
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
        if (this.#store.unpublished > outboxPendingMax && !this.#isOutboxFull) {
          this.#isOutboxFull = true;
          this.#holds.add();
          this.#apply({ kind: "held" });
        }
        return this.#apply({ kind: "committed" });
      case "superseded":
        this.host.events.emit({ kind: "superseded", actor: this.self, revision: outcome.revision });
        return this.#apply({ kind: "superseded", requeued: this.#undo(batch, outcome.isCertain, undefined) });
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
    for (const { kind, message } of batch) {
      if (isHopeless && refusal !== undefined && kind === "turn" && message.kind === "tell") message.doom = refusal;
    }
    this.#holds.addFor(isHopeless ? 0 : refusedHoldMs);
    this.#apply({ kind: "refused", requeued: this.#undo(batch, true, refusal) });
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

  #outboxMoved(): void {
    if (this.#isOutboxFull && this.#store.unpublished <= outboxPendingMax / 2) {
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
    return this.#failure ?? new TroupeError("FENCED", `${printAddress(this.self)} is no longer served here`);
  }

  /** Tells everyone who waits, but for those whose commit is under way (see #settleLate). */
  #drop(): void {
    const error = this.#goneError();
    for (const ended of this.#takeOpen()) undoEnded(ended, error);
    const running = this.#running?.kind === "ask" ? [this.#running] : [];
    for (const ask of [...running, ...this.#mailbox.drop(), ...(this.#queries?.takeHeld() ?? [])])
      ask.answer({ kind: "error", error });
    this.host.rested(this);
  }
}
