// The errands of one activation. The laws E1 to E4 stand in `actors/errand.ts`.
//
//   J1. As long as an errand stands the cursor of the partition does not pass the guard of its actor's value, so that
//       whoever takes the partition over comes by and begins it anew.
//   J2. Who gives the partition away begins none, and waits for those under way.
//   J3. What is under way for long does not hold the cursor where it began: every few minutes the guard moves on to a wake that is
//       appended for that. So what others have done meanwhile is not read again by the next owner, nor kept until then.

import type { OutboxErrand } from "../actors/snapshot.ts";
import type { Cell } from "./cell.ts";
import type { OutboxOwner } from "./cell-outbox.ts";
import { RunningErrand } from "./running-errand.ts";

/** Time after which the guard moves on (J3): well below that after which a mailbox counts as stuck. Unit: ms. */
const guardMoveMs = 240_000;

export class Errands {
  readonly #cell: Cell;
  readonly #owner: OutboxOwner;
  readonly #onEnded: () => void;
  readonly #running = new Map<number, RunningErrand>();
  #isLeaving = false;
  #cancelMove: (() => void) | undefined;

  constructor(cell: Cell, owner: OutboxOwner, onEnded: () => void) {
    this.#cell = cell;
    this.#owner = owner;
    this.#onEnded = onEnded;
  }

  get isQuiet(): boolean {
    return this.#running.size === 0;
  }

  /** When the first of those under way began, on the host's coarse clock; Infinity when none is. Unit: ms. */
  get sinceMs(): number {
    const [first] = this.#running.values();
    return first?.startedMs ?? Infinity;
  }

  /** Begins those that stand and are not under way (E1). */
  follow(standing: readonly OutboxErrand[]): void {
    if (this.#isLeaving) return; // J2
    for (const entry of standing) {
      if (this.#running.has(entry.n)) continue;
      const errand = new RunningErrand(this.#cell, this.#owner, entry);
      this.#running.set(entry.n, errand);
      void errand.carryOut().then(() => this.#end(entry.n));
    }
    if (this.#running.size > 0) this.#moveLater();
  }

  leave(): void {
    this.#isLeaving = true;
    for (const errand of this.#running.values()) errand.leave();
  }

  drop(): void {
    for (const errand of this.#running.values()) errand.drop();
    this.#running.clear();
    this.#cancelMove?.();
  }

  /** J3. */
  #moveLater(): void {
    this.#cancelMove ??= this.#cell.host.clock.after(guardMoveMs, () => {
      const [first] = this.#running.values();
      if (first === undefined || this.#isLeaving) this.#cancelMove = undefined;
      else
        void first.moveGuard().finally(() => {
          this.#cancelMove = undefined;
          if (this.#running.size > 0) this.#moveLater();
        });
    });
  }

  #end(number: number): void {
    if (this.#running.delete(number)) this.#onEnded();
  }
}
