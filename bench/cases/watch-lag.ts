// How long after a write's acknowledgement a watcher in another process hears of it.

import { percentile } from "../stats.ts";
import type { BenchCase, Sample } from "./case.ts";

const keys = 1_000;
const perSecond = 1_000;

export const watchLag: BenchCase = {
  name: "watch.lag",
  what: "1,000 writes a second: from the acknowledgement to a watcher in another process, 99th percentile",
  unit: "ms",
  isLowerBetter: true,
  async open(stage) {
    const writer = await stage.start("store");
    const watcher = await stage.start("store");
    await watcher.call("startWatch");
    let first = 0;

    async function write(durationMs: number): Promise<Sample> {
      const count = Math.round((durationMs * perSecond) / 1_000);
      const order = { keys, perSecond, first, count };
      first += count;
      const acknowledged = await writer.call("writePaced", order);
      const arrived = await watcher.call("arrivals", order);
      const lags = arrived.map((moment, at) => moment - (acknowledged[at] ?? Number.NaN)).sort((a, b) => a - b);
      // Half of the writes are with the watcher before the writer has its acknowledgement: a ratio of medians around
      // zero says nothing, so the figure is the 99th percentile.
      const p99Ms = percentile(lags, 0.99);
      return { figure: p99Ms, p50Ms: percentile(lags, 0.5), p99Ms };
    }

    return {
      async warm() {
        await write(stage.scale.warmMs);
      },
      // At a thousand a second, less time would leave the 99th percentile to a handful of writes.
      round: () => write(Math.max(800, stage.scale.roundMs)),
    };
  },
};
