// A process of the simulation: a name by which the world knows its connection, and a clock of its own, so that it can be
// paused and killed like a real one.

import type { Clock } from "../../src/core/clock.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import type { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { OpenPorts, Ports } from "../../src/runtime/ports.ts";

export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly #world: MemoryWorld;
  readonly #late: { fn: (() => void) | undefined }[] = [];
  #state: "running" | "paused" | "dead" = "running";

  constructor(world: MemoryWorld, name: string) {
    this.#world = world;
    this.name = name;
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  /** What runs here is opened with these; `sabotage` stands between. */
  ports(sabotage: (ports: Ports) => Ports): OpenPorts {
    const open = memoryPorts({ world: this.#world, name: this.name, history: 64 });
    return async (request) => sabotage({ ...(await open(request)), clock: this });
  }

  /** Nothing runs and nothing moves until `resume`; what fell due runs then, late. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#world.freeze(this.name);
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    for (const timer of this.#late.splice(0)) timer.fn?.();
    this.#world.thaw(this.name);
  }

  /** As `kill -9`: what it has sent arrives, nothing else ever comes of it. */
  kill(): void {
    this.#state = "dead";
    this.#world.crash(this.name);
  }

  now(): number {
    return this.#world.clock.now();
  }
  monotonicMs(): number {
    return this.#world.clock.monotonicMs();
  }
  random(): number {
    return this.#world.clock.random();
  }
  uniqueId(): string {
    return this.#world.clock.uniqueId();
  }
  after(delayMs: number, fn: () => void): () => void {
    const timer: { fn: (() => void) | undefined } = { fn };
    const cancel = this.#world.clock.after(delayMs, () => {
      if (this.#state === "running") timer.fn?.();
      else if (this.#state === "paused") this.#late.push(timer);
    });
    return () => {
      timer.fn = undefined;
      cancel();
    };
  }
}
