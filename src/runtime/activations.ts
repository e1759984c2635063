// The activations that a worker holds, over all of its partitions, and which of them go when it holds too many.
//
//   L1. Beyond `max` the activations at rest are passivated, the one that came to rest longest ago first. One that is not
//       at rest never is.
//   L2. The bound never blocks: when everything is busy it is exceeded, which `activations-exceeded` tells once, and is
//       kept again as soon as activations come to rest.
//   L3. A message costs the same however many there are: those at rest stand in the order in which they came to rest, in
//       a set that keeps it.

import type { EventStream } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";

/** An activation, as far as this matters here. */
export interface Restable {
  readonly self: ActorAddress;
  /** Ends it if it is at rest; returns whether it is gone. */
  tryPassivate(): boolean;
}

export class Activations {
  readonly #max: number;
  readonly #events: EventStream;
  readonly #all = new Set<Restable>();
  /** Longest at rest first (L3). */
  readonly #resting = new Set<Restable>();
  #isExceeded = false;

  constructor(max: number, events: EventStream) {
    this.#max = max;
    this.#events = events;
  }

  get count(): number {
    return this.#all.size;
  }

  /** One more, which is about to have something to do. */
  add(activation: Restable): void {
    this.#all.add(activation);
    this.#keepBound();
  }

  woke(activation: Restable): void {
    this.#resting.delete(activation);
  }

  rested(activation: Restable): void {
    if (!this.#all.has(activation)) return;
    this.#resting.add(activation);
    if (this.#isExceeded) this.#keepBound();
  }

  /** It is gone. */
  remove(activation: Restable): void {
    this.#resting.delete(activation);
    if (this.#all.delete(activation) && this.#all.size <= this.#max) this.#isExceeded = false;
  }

  #keepBound(): void {
    while (this.#all.size > this.#max) {
      const [longest] = this.#resting;
      if (longest === undefined) return this.#exceed();
      this.#resting.delete(longest);
      // One that is not at rest after all comes back when it is.
      if (!longest.tryPassivate()) continue;
      this.remove(longest);
      this.#events.emit({ kind: "passivated", actor: longest.self, reason: "least-used" });
    }
  }

  #exceed(): void {
    if (this.#isExceeded) return;
    this.#isExceeded = true;
    this.#events.emit({ kind: "activations-exceeded", activations: this.#all.size, max: this.#max });
  }
}
