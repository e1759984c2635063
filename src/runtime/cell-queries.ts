// The queries of one activation. They see the committed state and wait for no turn, only for the state to be loaded.

import { asksMax } from "../actors/mailbox.ts";
import type { AskMessage } from "../actors/message.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import { TroupeError } from "../core/errors.ts";
import type { Cell } from "./cell.ts";
import { answerOf, runMessage } from "./cell-turn.ts";

export class CellQueries {
  #waiting: AskMessage[] = [];
  /** Those that wait for something themselves. */
  readonly #running = new Set<AskMessage>();

  /** Nothing waits and nothing runs: a drain has nothing to wait for. */
  get isQuiet(): boolean {
    return this.#running.size === 0 && this.#waiting.length === 0;
  }

  /** Keeps it until the state is loaded; beyond what may wait it is refused. */
  hold(message: AskMessage): void {
    if (this.#waiting.length < asksMax) this.#waiting.push(message);
    else
      message.answer({ kind: "error", error: new TroupeError("MAILBOX_FULL", "too many queries wait for the state") });
  }

  takeHeld(): readonly AskMessage[] {
    const held = this.#waiting;
    this.#waiting = [];
    return held;
  }

  /** Runs it on the state and answers; calls `onEnd` then. */
  run(cell: Cell, message: AskMessage, state: unknown, onEnd: () => void): void {
    const outcome = runMessage(cell, message, state, true);
    const finish = (settled: Awaited<typeof outcome>) => {
      this.#running.delete(message);
      message.answer(answerOf(settled));
      onEnd();
    };
    if (!(outcome instanceof Promise)) return finish(outcome);
    this.#running.add(message);
    void outcome.then(finish);
  }

  /** Ends the query whose asker waits no longer; undefined when it is not here. */
  withdraw(askId: string): AskMessage | undefined {
    const waiting = this.#waiting.find((message) => message.askId === askId);
    if (waiting !== undefined) {
      this.#waiting = this.#waiting.filter((message) => message !== waiting);
      waiting.answer({ kind: "error", error: withdrawn() });
      return waiting;
    }
    const running = [...this.#running].find((message) => message.askId === askId);
    running?.interrupt?.(withdrawn());
    return running;
  }
}
