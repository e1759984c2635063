// One direction of one connection in memory: what is sent arrives in the order in which it was sent, later or never.
//
//   W1. Nothing overtakes: what is sent behind something late is late too.
//   W2. Nothing arrives before `send` has returned.
//   W3. After `cut` nothing that was under way arrives.
//   W4. The order of all arrivals depends on the clock and on the order of the sends alone.

import type { Clock } from "../core/clock.ts";

interface Parcel {
  readonly dueMs: number;
  readonly arrive: () => void;
}

/** Microtasks starve timers and sockets, so one arrival in so many goes by the clock. */
const arrivalsPerBreath = 256;

/** Parcels that have arrived are thrown away in lots of this many. */
const compactAt = 1_024;

/** Counts the arrivals of a whole world. */
export class Breath {
  #arrivals = 0;

  isDue(): boolean {
    this.#arrivals += 1;
    return this.#arrivals % arrivalsPerBreath === 0;
  }
}

export class Wire {
  readonly #clock: Clock;
  readonly #breath: Breath;
  #parcels: Parcel[] = [];
  #first = 0;
  #isScheduled = false;
  #isFrozen = false;
  /** Grows with each cut; an arrival that was scheduled before it finds its own gone. */
  #era = 0;

  constructor(clock: Clock, breath: Breath) {
    this.#clock = clock;
    this.#breath = breath;
  }

  send(arrive: () => void, delayMs = 0): void {
    this.#parcels.push({ dueMs: this.#clock.monotonicMs() + delayMs, arrive });
    this.#schedule();
  }

  /** Everything under way is gone (W3). */
  cut(): void {
    this.#era += 1;
    this.#parcels = [];
    this.#first = 0;
    this.#isScheduled = false;
  }

  /** Nothing arrives until `thaw`; what is sent meanwhile queues up. */
  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#schedule();
  }

  #schedule(): void {
    const next = this.#parcels[this.#first]; // W1: the others wait for it
    if (next === undefined || this.#isScheduled || this.#isFrozen) return;
    this.#isScheduled = true;
    const era = this.#era;
    const arrive = () => this.#arriveIn(era);
    const waitMs = next.dueMs - this.#clock.monotonicMs();
    if (waitMs > 0 || this.#breath.isDue()) this.#clock.after(Math.max(0, waitMs), arrive);
    else queueMicrotask(arrive); // W2
  }

  #arriveIn(era: number): void {
    if (era !== this.#era) return;
    this.#isScheduled = false;
    const parcel = this.#isFrozen ? undefined : this.#parcels[this.#first];
    if (parcel === undefined) return;
    if (parcel.dueMs > this.#clock.monotonicMs()) return this.#schedule();
    this.#first += 1;
    if (this.#first === this.#parcels.length || this.#first === compactAt) {
      this.#parcels = this.#parcels.slice(this.#first);
      this.#first = 0;
    }
    try {
      parcel.arrive();
    } finally {
      if (era === this.#era) this.#schedule();
    }
  }
}
