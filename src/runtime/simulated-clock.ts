// A clock that stands still until it is told to go on, with chance drawn from a seed: the same seed and the same work
// give the same run.
//
//   T1. Timers run in order of their time, those of one time in the order in which they were set.
//   T2. Between two timers everything runs that waits for no timer: every promise that can settle has settled.
//   T3. Time moves by timers alone: to the time of the one that runs next, never back.

import type { Clock } from "../core/clock.ts";
import { drawId } from "../core/clock.ts";

export interface SimulatedClockOptions {
  /** Any whole number. */
  readonly seed: number;
  /** What `now` starts at. Unit: ms since the Unix epoch. Default: the first of January 2026. */
  readonly startMs?: number;
}

export interface SimulatedClock extends Clock {
  readonly seed: number;
  /** Goes on by so much, running what falls due. Unit: ms. */
  advance(ms: number): Promise<void>;
  /** Goes on until no timer is left. Rejects when some are left after `msMax`. Unit: ms. Default 10 minutes. */
  run(msMax?: number): Promise<void>;
  /** Goes on until `condition` holds, looking after each timer. Rejects after `msMax`. Unit: ms. Default 10 minutes. */
  runUntil(condition: () => boolean, msMax?: number): Promise<void>;
  /** Goes on until `promise` is settled, and settles as it does. Rejects after `msMax`. Unit: ms. Default 10 minutes. */
  runFor<Value>(promise: Promise<Value>, msMax?: number): Promise<Value>;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

const msMaxDefault = 600_000;
const firstOfJanuary2026Ms = 1_767_225_600_000;

export function createSimulatedClock(options: SimulatedClockOptions): SimulatedClock {
  return new Simulation(options);
}

/** Numbers in [0, 1) from a seed (mulberry32): a source of its own for whatever must not disturb another. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Simulation implements SimulatedClock {
  readonly seed: number;
  readonly #startMs: number;
  readonly #timers = new TimerHeap();
  #elapsedMs = 0;
  #order = 0;
  readonly random: () => number;

  constructor({ seed, startMs = firstOfJanuary2026Ms }: SimulatedClockOptions) {
    this.seed = seed;
    this.#startMs = startMs;
    this.random = seededRandom(seed);
  }

  now(): number {
    return Math.floor(this.#startMs + this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, fn: () => void): () => void {
    this.#order += 1;
    const timer: Timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order, fn };
    this.#timers.push(timer);
    return () => {
      timer.fn = undefined;
    };
  }

  uniqueId(): string {
    return drawId(this.random);
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await this.#goOn(untilMs, () => false);
    this.#elapsedMs = untilMs;
  }

  async run(msMax = msMaxDefault): Promise<void> {
    await this.#goOn(this.#elapsedMs + msMax, () => false);
    const waiting = this.#timers.size;
    if (waiting > 0) throw new Error(`${waiting} timers are left after ${msMax} simulated ms (seed ${this.seed})`);
  }

  async runUntil(condition: () => boolean, msMax = msMaxDefault): Promise<void> {
    const isDone = await this.#goOn(this.#elapsedMs + msMax, condition);
    if (!isDone) throw new Error(`not so within ${msMax} simulated ms: ${condition} (seed ${this.seed})`);
  }

  async runFor<Value>(promise: Promise<Value>, msMax = msMaxDefault): Promise<Value> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    const isDone = await this.#goOn(this.#elapsedMs + msMax, () => isSettled);
    if (!isDone) throw new Error(`a promise did not settle within ${msMax} simulated ms (seed ${this.seed})`);
    return promise;
  }

  /** Runs timers due at `untilMs` or before until `isEnough`; returns whether it was. */
  async #goOn(untilMs: number, isEnough: () => boolean): Promise<boolean> {
    for (;;) {
      await allThatCanRun(); // T2
      if (isEnough()) return true;
      const timer = this.#timers.popDue(untilMs);
      if (timer === undefined) return false;
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs); // T3
      timer.fn?.();
    }
  }
}

/** The machine comes to this when no promise is left that can settle. */
function allThatCanRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The earliest first (T1); cancelled timers are thrown away when they come up. */
class TimerHeap {
  readonly #timers: Timer[] = [];

  /** Timers that are not cancelled. */
  get size(): number {
    return this.#timers.reduce((count, { fn }) => (fn === undefined ? count : count + 1), 0);
  }

  push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = timers[parent];
      if (above === undefined || isBefore(above, timer)) break;
      timers[at] = above;
      at = parent;
    }
    timers[at] = timer;
  }

  popDue(untilMs: number): Timer | undefined {
    for (;;) {
      const first = this.#timers[0];
      if (first === undefined || (first.fn !== undefined && first.dueMs > untilMs)) return undefined;
      this.#removeFirst();
      if (first.fn !== undefined) return first;
    }
  }

  #removeFirst(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [timers[child], timers[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const smallest = timers[child];
      if (smallest === undefined || isBefore(last, smallest)) break;
      timers[at] = smallest;
      at = child;
    }
    timers[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
