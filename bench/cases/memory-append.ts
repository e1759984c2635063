// Appending turns of 300 bytes to logs, each a compare-and-set that is acknowledged.

import type { BenchCase } from "./case.ts";

const inFlight = 256;
/** Logs that are read back when the rounds are over. */
const verifiedMax = 20;

function appendCase(name: string, what: string, logs: number): BenchCase {
  return {
    ...{ name, what, unit: "turns/s" },
    async open(stage) {
      const log = await stage.start("log");
      return {
        async warm() {
          // A log's first append looks for its end: none of that is measured.
          await log.call("driveAppends", { logs, inFlight, until: { count: logs } });
          await log.call("driveAppends", { logs, inFlight, until: { durationMs: stage.scale.warmMs } });
        },
        async round() {
          const order = { logs, inFlight, until: { durationMs: stage.scale.roundMs } };
          const { count, elapsedMs, p50Ms, p99Ms } = await log.call("driveAppends", order);
          return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
        },
        check: () => log.call("verify", { logs: Math.min(logs, verifiedMax) }),
      };
    },
  };
}

export const memoryAppendSpread = appendCase(
  "memory.append.spread",
  "1,000 logs, 256 appends in flight, one turn of 300 bytes each",
  1_000,
);
export const memoryAppendHot = appendCase(
  "memory.append.hot",
  "one log, 256 appends in flight; by hand one after the other, Troupe in groups",
  1,
);
