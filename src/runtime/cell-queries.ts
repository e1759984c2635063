// The queries of one activation. They see the committed state and wait for no turn, only until it is known what that is.

import { asksMax } from "../actors/mailbox.ts";
import type { AskMessage } from "../actors/message.ts";
import { withdrawn } from "../actors/turn-failure.ts";
import { FleetingSet } from "../core/fleeting-map.ts";
import type { Cell } from "./cell.ts";
import type { CellStore } from "./cell-store.ts";
import { announceFull, announceHandled, answerOf, runMessage } from "./cell-turn.ts";

export class CellQueries {
  readonly #cell: Cell;
  readonly #store: CellStore;
  readonly #onEnded: () => void;
  #waiting: AskMessage[] = [];
  /** Those that wait for something themselves. */
  readonly #running = new FleetingSet<AskMessage>();

  /** `onEnded` runs whenever one has been answered. */
  constructor(cell: Cell, store: CellStore, onEnded: () => void) {
    this.#cell = cell;
    this.#store = store;
    this.#onEnded = onEnded;
  }

  /** Nothing waits and nothing runs: a drain has nothing to wait for. */
  get isQuiet(): boolean {
    return this.#running.size === 0 && this.#waiting.length === 0;
  }

  /** Runs it, or keeps it until the state is known; beyond what may wait it is refused. */
  take(message: AskMessage, isLoaded = true): void {
    if (isLoaded && !this.#store.isPresumed) return this.#run(message);
    if (this.#waiting.length < asksMax) this.#waiting.push(message);
    else message.answer({ kind: "error", error: announceFull(this.#cell, message) });
  }

  /** Takes again those that waited. */
  goOn(): void {
    if (this.#waiting.length > 0) for (const message of this.takeHeld()) this.take(message);
  }

  takeHeld(): readonly AskMessage[] {
    const held = this.#waiting;
    this.#waiting = [];
    return held;
  }

  #run(message: AskMessage): void {
    const cell = this.#cell;
    const outcome = runMessage(cell, message, this.#store.committed.state, true);
    const finish = (settled: Awaited<typeof outcome>) => {
      this.#running.delete(message);
      message.answer(answerOf(settled));
      announceHandled(cell, message, "query", settled.kind === "failed" ? settled.error.code : undefined);
      this.#onEnded();
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
