// A process of the simulation: a name by which the world knows its connection, and clocks of its own, so that it can be
// paused and killed like a real one, and counts time as badly as a real one.

import type { Clock } from "../../src/core/clock.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import type { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { OpenPorts, Ports } from "../../src/runtime/ports.ts";
import type { Dice } from "./dice.ts";
import type { Plan } from "./plan.ts";

/** How a process's clocks differ from the world's. */
export interface ClockFault {
  /** Milliseconds that it counts while the world counts one. */
  readonly rate: number;
  /** What its monotonic clock shows when the world's shows 0. Unit: ms. */
  readonly bootMs: number;
  /** How far its wall clock is ahead. Unit: ms. */
  readonly aheadMs: number;
}

export function drawClockFault(dice: Dice, { driftMax, wallErrorMsMax }: Plan): ClockFault {
  const [rate, aheadMs] = [1 + driftMax * (2 * dice.random() - 1), wallErrorMsMax * (2 * dice.random() - 1)];
  return { rate, bootMs: dice.whole(0, 1_000_000), aheadMs };
}

export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly #world: MemoryWorld;
  readonly #rate: number;
  readonly #bootMs: number;
  #aheadMs: number;
  readonly #late: { fn: (() => void) | undefined }[] = [];
  #state: "running" | "paused" | "dead" = "running";

  constructor(world: MemoryWorld, name: string, { rate, bootMs, aheadMs }: ClockFault) {
    this.#world = world;
    this.name = name;
    this.#rate = rate;
    this.#bootMs = bootMs;
    this.#aheadMs = aheadMs;
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** What runs here is opened with these; `sabotage` stands between. */
  ports(sabotage: (ports: Ports) => Ports): OpenPorts {
    const open = memoryPorts({ world: this.#world, name: this.name, processClock: this, history: 64 });
    return async (request) => sabotage(await open(request));
  }

  /**
   * Nothing runs until `resume`; what fell due runs then, late. `incoming`: what it has sent is out of its hands and goes on
   * its way, as after SIGSTOP. `all`: it waits too, as behind a full buffer.
   */
  pause(network: "all" | "incoming"): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#world.freeze(this.name, network);
  }

  /** Whether a machine that wakes up hears first what has come, or first looks at its timers, is not for us to say. */
  resume(hearsFirst: boolean): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    if (!hearsFirst) this.#runLate();
    this.#world.thaw(this.name);
    if (hearsFirst) this.#world.clock.after(0, () => this.#runLate());
  }

  /** As `kill -9`: what it has sent arrives, nothing else ever comes of it. */
  kill(): void {
    this.#state = "dead";
    this.#world.thaw(this.name);
    this.#world.crash(this.name);
  }

  /** Somebody sets its wall clock: it is so far ahead from now on. Unit: ms. */
  setWallClock(aheadMs: number): void {
    this.#aheadMs = aheadMs;
  }

  now(): number {
    return Math.floor(this.#world.clock.now() + this.#aheadMs);
  }
  monotonicMs(): number {
    return this.#bootMs + this.#world.clock.monotonicMs() * this.#rate;
  }
  random(): number {
    return this.#world.clock.random();
  }
  uniqueId(): string {
    return this.#world.clock.uniqueId();
  }
  after(delayMs: number, fn: () => void): () => void {
    const timer: { fn: (() => void) | undefined } = { fn };
    const cancel = this.#world.clock.after(delayMs / this.#rate, () => {
      if (this.#state === "running") timer.fn?.();
      else if (this.#state === "paused") this.#late.push(timer);
    });
    return () => {
      timer.fn = undefined;
      cancel();
    };
  }

  #runLate(): void {
    if (this.#state !== "running") return;
    for (const timer of this.#late.splice(0)) timer.fn?.();
  }
}
