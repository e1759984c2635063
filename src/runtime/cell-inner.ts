// Re-entrance (decision 0011): an ask that comes back to an actor while one of its turns waits for what it asked has a turn
// of its own, if the actor's definition says so.
//
//   I1. It runs on what is committed or about to be, never on what the waiting turn has changed: a turn that has changed
//       the state before it asked is not re-entered. So the inner turn comes before the waiting one, whole.
//   I2. Its answer leaves by its own commit, like any other (P4), and what it sent is published after that (P3).
//   I3. The waiting turn goes on with the state that the inner one has left. When it changes the state meanwhile, the inner
//       turn fails and changes nothing.
//   I4. One runs at a time: what comes back to a turn that waits below another waits for that one's end.
//   I5. It lives no longer than the turn that waits for it, and when that turn is undone, so is this one.

import { applyDone, findKeptAnswer, findRepeat } from "../actors/apply-turn.ts";
import type { Answer, AskMessage, Message } from "../actors/message.ts";
import type { TurnOutcome } from "../actors/turn.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import { TroupeError } from "../core/errors.ts";
import type { Cell } from "./cell.ts";
import type { EndedTurn } from "./cell-ended.ts";
import type { CellStore } from "./cell-store.ts";
import { answerOf, runMessage } from "./cell-turn.ts";

export class InnerTurns {
  readonly #cell: Cell;
  readonly #store: CellStore;
  readonly #outer: () => Message | undefined;
  /** Each waits for the next. */
  #running: AskMessage[] = [];
  #held: { readonly message: AskMessage; readonly turnId: string }[] = [];

  constructor(cell: Cell, store: CellStore, outer: () => Message | undefined) {
    this.#cell = cell;
    this.#store = store;
    this.#outer = outer;
  }

  has(message: Message): boolean {
    return this.#running.some((each) => each === message);
  }

  find(askId: string): AskMessage | undefined {
    return this.#running.find((message) => message.askId === askId);
  }

  /** `turnId` names the turn that waits. Not at once: what asked may still be within that turn's own call. */
  enter(message: AskMessage, turnId: string): void {
    queueMicrotask(() => this.#start(message, turnId));
  }

  /** The outer turn has ended, or its draft is void (I5). */
  cut(): void {
    this.#cutFrom(0);
  }

  #start(message: AskMessage, turnId: string): void {
    const turns = this.#turns;
    const at = turns.findIndex((turn) => turn.turnId === turnId);
    if (at < 0 || !this.#cell.isLive) return refuse(message, withdrawn()); // I5
    if (at < turns.length - 1) {
      this.#held.push({ message, turnId }); // I4
      return;
    }
    if (!this.#mayEnter(turns)) return refuse(message, touched(this.#cell.key)); // I1
    this.#running.push(message);
    const { working } = this.#store;
    if (findRepeat(working, message) !== undefined) {
      return this.#record({ message, answer: findKeptAnswer(working, message), isDirty: false, isPassedBy: true });
    }
    const outcome = runMessage(this.#cell, message, working.state, false);
    if (outcome instanceof Promise) void outcome.then((settled) => this.#finish(message, settled));
    else this.#finish(message, outcome);
  }

  #finish(message: AskMessage, outcome: TurnOutcome): void {
    const at = this.#running.indexOf(message);
    if (at < 0) return; // It was cut, and its asker was told.
    this.#cutFrom(at + 1);
    if (!this.#cell.isLive) return this.#cutFrom(at);
    if (outcome.kind === "failed") return this.#end(message, answerOf(outcome), false);
    const below = this.#turns.slice(0, -1);
    const before = this.#store.working;
    const { next, isDirty } = applyDone(before, message, outcome, this.#cell.definition.mirror !== undefined);
    if (next.state !== before.state) {
      if (!this.#mayEnter(below)) {
        return this.#end(message, { kind: "error", error: touched(this.#cell.key) }, false); // I3
      }
      for (const { turn } of below) turn?.rebase(next.state);
    }
    this.#store.working = next;
    this.#end(message, answerOf(outcome), isDirty, next.outbox !== before.outbox);
  }

  #end(message: AskMessage, answer: Answer | undefined, isDirty: boolean, sends = false): void {
    this.#record({ message, answer, isDirty, sends });
  }

  #record(
    ended: Pick<EndedTurn, "message" | "answer" | "isDirty" | "isPassedBy"> & { readonly sends?: boolean },
  ): void {
    this.#running = this.#running.filter((each) => each !== ended.message);
    this.#cell.record({ kind: "turn", sends: false, ...ended, isInner: true }); // I2
    const held = this.#held;
    this.#held = [];
    for (const each of held) this.#start(each.message, each.turnId);
  }

  #cutFrom(at: number): void {
    const held = at === 0 ? this.#held.splice(0) : [];
    for (const message of [...this.#running.splice(at), ...held.map((each) => each.message)]) {
      message.interrupt?.(withdrawn());
      refuse(message, withdrawn());
    }
  }

  /** Outermost first. */
  get #turns(): readonly Message[] {
    const outer = this.#outer();
    return outer === undefined ? [] : [outer, ...this.#running];
  }

  #mayEnter(turns: readonly Message[]): boolean {
    return turns.every(({ turn }) => turn?.isUntouched === true);
  }
}

function refuse(message: AskMessage, error: TroupeError): void {
  message.answer({ kind: "error", error });
}

const touched = (key: string) =>
  new TroupeError("ASK_CYCLE", `${key} waits for this ask and has changed its state before: it cannot be re-entered`);
