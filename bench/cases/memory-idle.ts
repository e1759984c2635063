// What one actor costs in the worker's memory while it has nothing to do.

import type { BenchCase } from "./case.ts";

const inFlight = 256;
/** Time for what belongs to the last asks (buffers, timers, cursors) to go. Unit: ms. */
const settleMs = 1_200;

export const memoryIdle: BenchCase = {
  name: "memory.idle",
  what: "heap and external memory per idle activation, after collections",
  unit: "bytes",
  // `raw` would hold the same map of counters as `limit`.
  sides: ["ours", "limit"],
  isLowerBetter: true,
  wanted: { of: "ours", atMost: 2_048 },
  async open(stage) {
    const worker = await stage.start("worker");
    const caller = await stage.start("caller");
    const { idleActors } = stage.scale;

    async function activate(prefix: string, count: number): Promise<void> {
      const ids = { prefix, first: 0, count };
      await caller.call("drive", { operation: "ask", ids, inFlight, until: { count } });
      await new Promise((resolve) => setTimeout(resolve, settleMs));
    }

    return {
      warm: () => activate("warm", 2_000),
      async round(round) {
        const before = await worker.call("memory");
        await activate(`idle${round}-`, idleActors);
        const after = await worker.call("memory");
        return { figure: (after - before) / idleActors };
      },
    };
  },
};
