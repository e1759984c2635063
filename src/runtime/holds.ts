// Reasons why no turn may start now. While there is at least one the activation is held.

import type { Clock } from "../core/clock.ts";

export class Holds {
  readonly #clock: Clock;
  readonly #onFree: () => void;
  #count = 0;

  constructor(clock: Clock, onFree: () => void) {
    this.#clock = clock;
    this.#onFree = onFree;
  }

  add(): void {
    this.#count += 1;
  }

  addFor(forMs: number): void {
    this.add();
    this.#clock.after(forMs, () => this.remove());
  }

  remove(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#onFree();
  }
}
