// The turn that runs in one activation: starts it on what the turns before it have made, does for its handler what reaches
// beyond the state, and judges how it ended.

import {
  applyErrandStop,
  applyEscalated,
  applyFailedStop,
  applyGivenUp,
  applySpawned,
  applyToldStop,
} from "../actors/apply-failure.ts";
import { applyDone, applyStep, findKeptAnswer, findRepeat, findStep } from "../actors/apply-turn.ts";
import type { Answer, AskMessage, ErrandEnded, Message, TellMessage } from "../actors/message.ts";
import { isRepeatable } from "../actors/message.ts";
import type { Snapshot } from "../actors/snapshot.ts";
import { decide } from "../actors/supervision.ts";
import { resumeMethod, spawnedMethod, stopMethod, wakeMethod } from "../actors/system-methods.ts";
import type { Timers } from "../actors/timer.ts";
import type { Question, TurnOutcome, TurnServices } from "../actors/turn.ts";
import { failureOf, withdrawn } from "../actors/turn-failure.ts";
import type { MemoryServices } from "../actors/turn-memory.ts";
import type { Clock } from "../core/clock.ts";
import { invariant, isTroupeError, TroupeError } from "../core/errors.ts";
import type { StopReason } from "../core/events.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { Cell } from "./cell.ts";
import type { EndedTurn } from "./cell-ended.ts";
import { InnerTurns } from "./cell-inner.ts";
import { memoryServices } from "./cell-memory.ts";
import { CellStatus } from "./cell-status.ts";
import type { CellStore } from "./cell-store.ts";
import { announceRetry, answerOf, logOf, runMessage } from "./cell-turn.ts";

export class CellRunner implements TurnServices {
  readonly #cell: Cell;
  readonly #store: CellStore;
  #running: Message | undefined;
  #inner: InnerTurns | undefined;
  #memory: MemoryServices | undefined;
  readonly #status: CellStatus | undefined;

  constructor(cell: Cell, store: CellStore) {
    this.#cell = cell;
    this.#store = store;
    this.#status = CellStatus.of(cell);
  }

  get clock(): Clock {
    return this.#cell.host.clock;
  }
  get lost(): AbortSignal {
    return this.#cell.host.lost;
  }
  get payloadBytesMax(): number {
    return this.#cell.host.mail.payloadBytesMax;
  }

  get memory(): MemoryServices | undefined {
    const { definition, host, key } = this.#cell;
    if (definition.memory === undefined) return undefined;
    this.#memory ??= memoryServices(host, key, (of) => this.#store.unwritten(of));
    return this.#memory;
  }

  get timers(): Timers {
    return this.#store.working.timers;
  }

  /** The message whose turn runs. */
  get running(): Message | undefined {
    return this.#running;
  }

  /** Ends the turns within the one that runs; returns the ask that runs. */
  drop(): readonly AskMessage[] {
    this.#inner?.cut();
    return this.#running?.kind === "ask" ? [this.#running] : [];
  }

  enter(message: AskMessage, turnId: string): void {
    this.#inner ??= new InnerTurns(this.#cell, this.#store, () => this.#running);
    this.#inner.enter(message, turnId);
  }

  /** The activation has nothing to do, or is gone. */
  rested(): void {
    this.#status?.rested();
    const { definition, host, isGone } = this.#cell;
    host.rested(this.#cell, !isGone && definition.isOver?.(this.#store.committed.state) === true);
  }

  /** Forgets the turn that runs; returns its message. */
  release(): Message {
    const message = this.#running;
    this.#running = undefined;
    invariant(message, "a turn that ends was running");
    return message;
  }

  /** Holds a message that is dealt with in another way, so that the cursor does not pass it. */
  hold(message: Message | undefined): void {
    this.#running = message;
  }

  log(message: Message): Logger {
    return logOf(this.#cell, message);
  }

  ask(asker: Message, question: Question): Promise<unknown> {
    const { host, key, definition } = this.#cell;
    let link = key;
    if (definition.isReentrant) {
      asker.turnId ??= host.nextCommitId();
      link = `${key}.${asker.turnId}`;
    }
    const chain = asker.kind === "ask" ? [...asker.chain, link] : [link];
    const asking = host.ask(question, { from: key, chain, trace: asker.turnTrace });
    if (this.#status === undefined || asker !== this.#running) return asking;
    return this.#status.asking(`${question.definition.type}.${question.method}`, asking);
  }

  states(): Promise<StateStore> {
    const { host, key } = this.#cell;
    return host.memory.states(key);
  }

  findStep(message: Message, name: string): string | undefined {
    return isRepeatable(message) ? findStep(this.#store.working, message, name) : undefined;
  }

  keepStep(message: Message, name: string, text: string): Promise<void> {
    if (!isRepeatable(message)) return Promise.resolve();
    const isRunning = message === this.#running || this.#inner?.has(message) === true;
    if (!isRunning || !this.#cell.isLive) {
      return Promise.reject(new TroupeError("FENCED", `${printAddress(this.#cell.self)} is acted on elsewhere`));
    }
    return new Promise((resolve, reject) => {
      this.#store.working = applyStep(this.#store.working, message, name, text);
      this.#cell.record({ kind: "step", message, resolve, reject });
    });
  }

  /** Ends the turn of an ask whose asker waits no longer; undefined when none runs for it. */
  withdraw(askId: string): AskMessage | undefined {
    const isIt = this.#running?.kind === "ask" && this.#running.askId === askId;
    const message = isIt ? this.#running : this.#inner?.find(askId);
    if (message?.kind !== "ask") return undefined;
    message.isWithdrawn = true;
    message.interrupt?.(withdrawn());
    return message;
  }

  /** `isOutdated`: a later firing of the same timer waits behind it. */
  run(message: Message, isOutdated: boolean): void {
    this.#running = message;
    const { working } = this.#store;
    const isPassedBy = message.method === wakeMethod || isOutdated;
    if (isPassedBy || findRepeat(working, message) !== undefined) {
      this.#store.cancelStray(message);
      return this.#passBy(message, isPassedBy && this.#store.isUnfenced, findKeptAnswer(working, message)); // R5
    }
    if (message.kind === "ask" && message.isWithdrawn === true) {
      return this.#passBy(message, false, { kind: "error", error: withdrawn() });
    }
    if (message.method === resumeMethod) return this.#passBy(message, false, { kind: "ok", text: '"running"' });
    if (message.kind === "ask" && message.errand?.fault !== undefined) return this.#stopFor(message, message.errand);
    if (message.kind === "tell") {
      if (message.method === spawnedMethod || message.method === stopMethod) return this.#runOwn(message);
      if (message.doom !== undefined) return this.#judge(message, message.doom);
      message.attempts += 1;
    }
    this.#status?.apply({ kind: "turn-begun", message });
    const outcome = runMessage(this.#cell, message, working.state, false);
    if (outcome instanceof Promise) this.#cell.follow(outcome, (settled) => this.#finish(message, settled));
    else this.#finish(message, outcome);
  }

  /** What every actor does by itself. */
  #runOwn(message: TellMessage): void {
    const { working } = this.#store;
    const isSpawned = message.method === spawnedMethod;
    let next: Snapshot;
    try {
      next = isSpawned ? applySpawned(working, message) : applyToldStop(working, message, this.clock.now());
    } catch (thrown) {
      const { self } = this.#cell;
      return this.#judge(message, isTroupeError(thrown) ? thrown : failureOf(thrown, { self, message }));
    }
    if (isSpawned) this.#pass(message, next);
    else this.#stop(message, next, "told");
  }

  #finish(message: Message, outcome: TurnOutcome): void {
    this.#inner?.cut();
    if (!this.#cell.isLive) return this.#void(message);
    if (outcome.kind === "done") {
      const { working } = this.#store;
      const { next, isDirty } = applyDone(working, message, outcome, this.#cell.definition.mirror !== undefined);
      this.#store.working = next;
      this.#store.isPrinted(outcome);
      const isFence = message.kind === "tell" && this.#store.isUnfenced && this.#store.revision > 0; // R5
      return this.#end(message, isDirty || isFence, answerOf(outcome), next.outbox !== working.outbox);
    }
    if (message.kind === "ask") return this.#end(message, false, answerOf(outcome));
    return this.#judge(message, outcome.error);
  }

  #end(message: Message, isDirty: boolean, answer: Answer | undefined, sends = false): void {
    this.#cell.endTurn({ kind: "turn", message, answer, sends, isDirty });
  }

  /** No handler has run for it. */
  #passBy(message: Message, isDirty: boolean, answer: Answer | undefined): void {
    this.#cell.endTurn({ kind: "turn", message, answer, sends: false, isDirty, isPassedBy: true });
  }

  /** A told message has failed. */
  #judge(message: TellMessage, error: TroupeError): void {
    if (message.isUncommittable === true) return this.#buryAtOnce(message, error);
    const { definition, host, self } = this.#cell;
    const { working } = this.#store;
    const { code, message: text, data } = error;
    const { method, attempts, messageId } = message;
    const parent =
      working.parent?.method === undefined ? undefined : { ...working.parent, method: working.parent.method };
    const failure = { code, message: text, data, method, attempts };
    const decision = decide(failure, definition, parent !== undefined, host.clock.random());
    // Should the commit not stand, the message is judged again and not run again.
    message.doom = decision.kind === "retry" ? undefined : error;
    switch (decision.kind) {
      case "retry":
        announceRetry(this.#cell, message, error, decision.afterMs);
        this.#status?.apply({ kind: "postponed", message, failure: error });
        this.#running = undefined;
        return this.#cell.postpone(message, decision.afterMs);
      case "dead-letter":
        if (decision.lacksParent)
          logOf(this.#cell, message).warn({}, "no parent to escalate to: kept as a dead letter");
        return this.#pass(message, applyGivenUp(working, message, error), { givenUp: error });
      case "stop":
        return this.#stop(message, applyFailedStop(working, message, error, host.clock.now()), "failed");
      case "escalate": {
        invariant(parent, "only who has a parent escalates");
        const event = {
          kind: "escalated",
          actor: self,
          to: parent.key,
          method,
          messageId,
          code,
          message: text,
        } as const;
        const onCommitted = () => host.events.emit(event);
        const next = applyEscalated(working, message, error, self, parent);
        return this.#pass(message, next, { givenUp: error, onCommitted });
      }
    }
  }

  /** The message is done with by the commit of `next`: a dead letter comes of it, or nothing (P7). */
  #pass(message: Message, next: Snapshot, more?: Pick<EndedTurn, "givenUp" | "onCommitted">): void {
    this.#store.working = next;
    if (more?.givenUp !== undefined) this.#status?.apply({ kind: "given-up", message, failure: more.givenUp });
    const answer: Answer = { kind: "ok", text: undefined };
    this.#cell.endTurn({ kind: "turn", message, answer, sends: true, isDirty: true, ...more });
  }

  /** E5 of `errand.ts`. */
  #stopFor(message: AskMessage, { number, fault }: ErrandEnded): void {
    invariant(fault, "an errand that stops its actor says why");
    const next = applyErrandStop(this.#store.working, number, fault, this.#cell.host.cursor, this.clock.now());
    this.#stop(message, next, "failed");
  }

  #stop(message: Message, next: Snapshot, reason: StopReason): void {
    const { host, self } = this.#cell;
    const { code = "", message: text = "" } = next.stopped ?? {};
    this.#cell.holdForStop();
    const onCommitted = () => {
      this.#status?.apply({ kind: "stopped", failure: { code, message: text } });
      host.events.emit({ kind: "actor-stopped", actor: self, reason, code, message: text });
    };
    const givenUp = message.kind === "tell" && reason === "failed" ? message.doom : undefined;
    this.#pass(message, next, givenUp === undefined ? { onCommitted } : { givenUp, onCommitted });
  }

  /** Without a commit: whoever reads the message again buries it again, under the same id. */
  #buryAtOnce(message: TellMessage, error: TroupeError): void {
    this.#cell.follow(this.#cell.host.bury(this.#cell, message, error), (isBuried) => {
      if (!isBuried || !this.#cell.isLive) return this.#void(message);
      const buried = { message, answer: undefined, sends: false, isDirty: false, givenUp: error } as const;
      this.#cell.endTurn({ kind: "turn", ...buried });
    });
  }

  /** The draft that the turn ran on is void, or ownership is gone: what came of it counts for nothing. */
  #void(message: Message): void {
    if (message.kind === "tell") message.attempts = Math.max(0, message.attempts - 1);
    this.#cell.voidTurn();
  }
}
