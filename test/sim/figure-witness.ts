// Sees what happens in one worker, and says at the end whether its figures tell the same.

import type { RuntimeEvent } from "../../src/core/events.ts";
import type { FiguresSnapshot } from "../../src/core/figures.ts";
import { since } from "../../src/core/figures.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { figureFaults } from "../support/naive-figures.ts";

export class FigureWitness {
  readonly #worker: Worker;
  readonly #before: FiguresSnapshot;
  readonly #events: RuntimeEvent[] = [];

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#before = worker.figures();
    worker.events.listen((event) => this.#events.push(event));
  }

  get faults(): readonly string[] {
    return figureFaults(this.#events, since(this.#worker.figures(), this.#before));
  }
}
