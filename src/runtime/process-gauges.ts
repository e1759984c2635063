// How the process itself does, read when somebody asks: memory, and how busy and how late its event loop is.
//
//   G1. Shares are over the time since a reading that is a second old or older: two that ask each second do not take each other's.
//   G2. What was late stays in sight for a minute, whoever asks how often: who reads each 15 s sees it as well as who reads each second.

import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { NumberSeries } from "../core/figures.ts";

/** How often the event loop's delay is measured. Unit: ms. */
const resolutionMs = 20;
/** Shortest time that a share is said of. Unit: ms. */
const spanMsMin = 1_000;
/** For how long what was late is told. Unit: ms. */
const lateMsMax = 60_000;

type Utilization = ReturnType<typeof performance.eventLoopUtilization>;

interface Reading {
  readonly atMs: number;
  readonly utilization: Utilization;
}

class ProcessGauges {
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs });
  /** The last one, and the one before, which is older by `spanMsMin` at least. */
  #last: Reading;
  #before: Reading;
  /** The latest in the time before each of the last readings (G2). */
  #lates: readonly { readonly atMs: number; readonly ms: number }[] = [];

  constructor(nowMs: number) {
    this.#delays.enable();
    this.#last = { atMs: nowMs, utilization: { idle: 0, active: 0, utilization: 0 } };
    this.#before = this.#last;
  }

  /** `nowMs`: monotonic. */
  read(nowMs: number): readonly NumberSeries[] {
    const utilization = performance.eventLoopUtilization();
    if (nowMs - this.#last.atMs >= spanMsMin) {
      this.#before = this.#last;
      this.#last = { atMs: nowMs, utilization };
      this.#lates = [...this.#lates.filter(({ atMs }) => nowMs - atMs < lateMsMax), { atMs: nowMs, ms: this.#lateMs }];
      this.#delays.reset();
    }
    const latestMs = this.#lates.reduce((most, { ms }) => Math.max(most, ms), this.#lateMs);
    const busy = performance.eventLoopUtilization(utilization, this.#before.utilization).utilization;
    const { heapUsed, rss } = process.memoryUsage();
    return [
      { name: "troupe.heap.used", labels: {}, value: heapUsed },
      { name: "troupe.memory.resident", labels: {}, value: rss },
      { name: "troupe.event_loop.busy", labels: {}, value: busy },
      { name: "troupe.event_loop.delay", labels: {}, value: latestMs / 1_000 },
    ];
  }

  /** Since the last reading. What is measured is the time from one look to the next. */
  get #lateMs(): number {
    return Math.max(0, this.#delays.max / 1e6 - resolutionMs);
  }
}

// One for all workers of the process, as there is one event loop; from the first on that is asked.
let gauges: ProcessGauges | undefined;

/** `nowMs`: monotonic, of the machine. */
export function readProcessGauges(nowMs: number): readonly NumberSeries[] {
  gauges ??= new ProcessGauges(nowMs);
  return gauges.read(nowMs);
}
