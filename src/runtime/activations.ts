// The activations that a worker holds, over all of its partitions, and which of them go when it holds too many.
//
//   L1. Beyond `max` the activations at rest are passivated, the one that came to rest longest ago first. One that is not
//       at rest never is.
//   L2. The bound never blocks: when everything is busy it is exceeded, which `activations-exceeded` tells once, and is
//       kept again as soon as activations come to rest.
//   L3. A message costs the same however many there are: those at rest stand in the order in which they came to rest, in
//       a set that keeps it.
//   L4. Of those at rest that are over, which hardly anybody needs again, the `overMax` that came to rest last stay; they go before
//       all others. What is held for long has to be copied by every small collection that it is too young for, and there is nothing to gain.

import type { EventStream, PassivationReason } from "../core/events.ts";
import { FleetingSet } from "../core/fleeting-map.ts";
import type { ActorAddress } from "../core/ids.ts";

/** Of those that are over: who asks how a run has ended asks soon. */
export const overMax = 64;

/** An activation, as far as this matters here. */
export interface Restable {
  readonly self: ActorAddress;
  /** Ends it if it is at rest; returns whether it is gone. */
  tryPassivate(): boolean;
}

export class Activations {
  readonly #max: number;
  readonly #events: EventStream;
  readonly #all = new FleetingSet<Restable>();
  /** Longest at rest first (L3). */
  readonly #resting = new FleetingSet<Restable>();
  readonly #over = new FleetingSet<Restable>();
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
    this.#over.delete(activation);
  }

  /** `isOver`: L4. */
  rested(activation: Restable, isOver = false): void {
    if (!this.#all.has(activation)) return;
    if (isOver) this.#over.add(activation);
    else this.#resting.add(activation);
    if (this.#over.size > overMax) this.#passivateFirst(this.#over, "over");
    if (this.#isExceeded) this.#keepBound();
  }

  /** It is gone. */
  remove(activation: Restable): void {
    this.woke(activation);
    if (this.#all.delete(activation) && this.#all.size <= this.#max) this.#isExceeded = false;
  }

  #keepBound(): void {
    while (this.#all.size > this.#max) {
      if (this.#passivateFirst(this.#over, "over")) continue;
      if (!this.#passivateFirst(this.#resting, "least-used")) return this.#exceed();
    }
  }

  /** False when there is none. One that is not at rest after all comes back when it is. */
  #passivateFirst(resting: FleetingSet<Restable>, reason: PassivationReason): boolean {
    const [longest] = resting;
    if (longest === undefined) return false;
    resting.delete(longest);
    if (!longest.tryPassivate()) return true;
    this.remove(longest);
    this.#events.emit({ kind: "passivated", actor: longest.self, reason });
    return true;
  }

  #exceed(): void {
    if (this.#isExceeded) return;
    this.#isExceeded = true;
    this.#events.emit({ kind: "activations-exceeded", activations: this.#all.size, max: this.#max });
  }
}
