// The turn that runs in one activation: starts it on what the turns before it have made, does for its handler what reaches
// beyond the state, and judges how it ended.

import { applyDone, applyGivenUp, applyStep, findKeptAnswer, findRepeat, findStep } from "../actors/apply-turn.ts";
import type { Answer, Message, TellMessage } from "../actors/message.ts";
import { isRepeatable } from "../actors/message.ts";
import type { Question, TurnOutcome, TurnServices } from "../actors/turn.ts";
import type { Clock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { Cell } from "./cell.ts";
import { wakeMethod } from "./cell-host.ts";
import type { CellStore } from "./cell-store.ts";
import { announceRetry, answerOf, logOf, mayRunAgain, runMessage } from "./cell-turn.ts";

export class CellRunner implements TurnServices {
  readonly #cell: Cell;
  readonly #store: CellStore;
  #running: Message | undefined;

  constructor(cell: Cell, store: CellStore) {
    this.#cell = cell;
    this.#store = store;
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

  /** The message whose turn runs. */
  get running(): Message | undefined {
    return this.#running;
  }

  /** Forgets the turn that runs; returns its message. */
  release(): Message | undefined {
    const message = this.#running;
    this.#running = undefined;
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
    const { host, key } = this.#cell;
    const chain = asker.kind === "ask" ? [...asker.chain, key] : [key];
    return host.ask(question, { from: key, chain, trace: asker.turnTrace });
  }

  findStep(message: Message, name: string): string | undefined {
    return isRepeatable(message) ? findStep(this.#store.working, message, name) : undefined;
  }

  keepStep(message: Message, name: string, text: string): Promise<void> {
    if (!isRepeatable(message)) return Promise.resolve();
    if (message !== this.#running || !this.#cell.isLive) {
      return Promise.reject(new TroupeError("FENCED", `${printAddress(this.#cell.self)} is acted on elsewhere`));
    }
    return new Promise((resolve, reject) => {
      this.#store.working = applyStep(this.#store.working, message, name, text);
      this.#cell.record({ kind: "step", message, resolve, reject });
    });
  }

  run(message: Message): void {
    this.#running = message;
    const { working } = this.#store;
    if (message.method === wakeMethod || findRepeat(working, message) !== undefined) {
      const isFence = message.method === wakeMethod && this.#store.isUnfenced; // R5
      return this.#end(message, isFence, findKeptAnswer(working, message));
    }
    if (message.kind === "tell") {
      if (message.doom !== undefined) return this.#giveUp(message, message.doom);
      message.attempts += 1;
    }
    const outcome = runMessage(this.#cell, message, working.state, false);
    if (outcome instanceof Promise) void outcome.then((settled) => this.#finish(message, settled));
    else this.#finish(message, outcome);
  }

  #finish(message: Message, outcome: TurnOutcome): void {
    if (!this.#cell.isLive) return this.#void(message);
    if (outcome.kind === "done") {
      const { next, isDirty } = applyDone(this.#store.working, message, outcome);
      this.#store.working = next;
      const isFence = message.kind === "tell" && this.#store.isUnfenced && this.#store.revision > 0; // R5
      return this.#end(message, isDirty || isFence, answerOf(outcome), outcome.sendings.length > 0);
    }
    if (message.kind === "ask") return this.#end(message, false, answerOf(outcome));
    const { retry } = this.#cell.definition;
    if (!mayRunAgain(message, outcome.error.code, retry)) return this.#giveUp(message, outcome.error);
    const afterMs = announceRetry(this.#cell, message, outcome.error);
    this.#running = undefined;
    this.#cell.postpone(message, afterMs);
  }

  #end(message: Message, isDirty: boolean, answer: Answer | undefined, sends = false): void {
    this.#cell.endTurn({ kind: "turn", message, answer, sends, isDirty });
  }

  /** The message becomes a dead letter by the commit that passes it (P7). */
  #giveUp(message: TellMessage, error: TroupeError): void {
    if (message.isUncommittable === true) return this.#buryAtOnce(message, error);
    this.#store.working = applyGivenUp(this.#store.working, message, error);
    const given = { kind: "turn", message, answer: undefined, sends: true, isDirty: true, givenUp: error } as const;
    this.#cell.endTurn(given);
  }

  /** Without a commit: whoever reads the message again buries it again, under the same id. */
  #buryAtOnce(message: TellMessage, error: TroupeError): void {
    void this.#cell.host.bury(this.#cell, message, error).then((isBuried) => {
      if (!isBuried || !this.#cell.isLive) return this.#void(message);
      this.#end(message, false, undefined);
    });
  }

  /** The draft that the turn ran on is void, or ownership is gone: what came of it counts for nothing. */
  #void(message: Message): void {
    if (message.kind === "tell") message.attempts = Math.max(0, message.attempts - 1);
    this.#cell.voidTurn();
  }
}
