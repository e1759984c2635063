// The figures that a worker or a client keeps: what its events come to, and what is read when somebody asks.

import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import type { EventStream } from "../core/events.ts";
import type { Served } from "../core/figure-fold.ts";
import { Figures } from "../core/figure-fold.ts";
import type { FiguresSnapshot, NumberSeries } from "../core/figures.ts";
import { readProcessGauges } from "./process-gauges.ts";

export interface KeptFiguresOptions {
  /** The id of the worker or client. */
  readonly id: string;
  readonly clock: Clock;
  readonly events: EventStream;
  /** Whether anything is folded; else a snapshot is empty. */
  readonly isOn: boolean;
  /** Default: nothing. */
  readonly served?: Served;
  /** How it stands, besides what is true of every process. */
  readonly gauges?: () => readonly NumberSeries[];
}

export class KeptFigures {
  readonly #options: KeptFiguresOptions;
  readonly #figures: Figures | undefined;
  readonly #startedAtMs: number;

  constructor(options: KeptFiguresOptions) {
    const { id, clock, events, isOn, served } = options;
    this.#options = options;
    this.#startedAtMs = clock.now();
    if (!isOn) return;
    this.#figures = new Figures(id, this.#startedAtMs, served);
    events.listen(this.#figures.fold);
  }

  snapshot(): FiguresSnapshot {
    const { id, clock, gauges } = this.#options;
    const atMs = clock.now();
    if (this.#figures === undefined) return { worker: id, atMs, startedAtMs: this.#startedAtMs, series: [] };
    return this.#figures.snapshot(atMs, [
      { name: "troupe.started", labels: {}, value: this.#startedAtMs / 1_000 },
      ...(gauges?.() ?? []),
      ...readProcessGauges(systemClock.monotonicMs()),
    ]);
  }
}
