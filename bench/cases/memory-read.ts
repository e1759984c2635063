// Reading a log of 1,000 turns: its last 50, and all of it.

import type { BenchCase, Stage } from "./case.ts";

const turns = 1_000;
const last = 50;

/** A log of turns in a record each. */
async function startWithLog(stage: Stage) {
  const log = await stage.start("log");
  // One after the other, so that no two share a record.
  await log.call("driveAppends", { logs: 1, inFlight: 1, until: { count: turns } });
  return log;
}

export const memoryReadLast: BenchCase = {
  name: "memory.read.last",
  what: "the last 50 of a log of 1,000 turns, 16 reads in flight; by hand with the end of the log known",
  unit: "reads/s",
  sides: ["ours", "raw"],
  async open(stage) {
    const log = await startWithLog(stage);
    const read = (durationMs: number) => log.call("driveReads", { log: "log0", count: last, inFlight: 16, durationMs });
    return {
      async warm() {
        await read(stage.scale.warmMs);
      },
      async round() {
        const { count, elapsedMs, p50Ms, p99Ms } = await read(stage.scale.roundMs);
        return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
      },
    };
  },
};

export const memoryReadAll: BenchCase = {
  name: "memory.read.all",
  what: "all of a log of 1,000 turns, oldest first, one reading after the other",
  unit: "turns/s",
  sides: ["ours", "raw"],
  async open(stage) {
    const log = await startWithLog(stage);
    return {
      async warm() {
        await log.call("readAll", { log: "log0", times: 5 });
      },
      async round() {
        const { count, elapsedMs } = await log.call("readAll", { log: "log0", times: 10 });
        return { figure: (count / elapsedMs) * 1_000 };
      },
      check: () => log.call("verify", { logs: 1 }),
    };
  },
};
