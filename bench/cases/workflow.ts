// Workflows: what a run costs, in time and on the server, and what one costs that waits.

import type { BenchCase } from "./case.ts";

const inFlight = 64;
/** Time for the progress of the last runs to be written. Unit: ms. */
const settleMs = 1_500;
const settled = () => new Promise((resolve) => setTimeout(resolve, settleMs));

export const workflowRun: BenchCase = {
  name: "workflow.run",
  what: "runs of 5 tasks from start to end, 64 in flight; by hand 5 compare-and-set writes",
  unit: "runs/s",
  sides: ["ours", "raw", "limit"],
  wanted: { of: "ratio_raw", atLeast: 0.6 },
  async open(stage) {
    const worker = await stage.start("workflow");
    const run = (prefix: string, durationMs: number) => worker.call("driveRuns", { prefix, inFlight, durationMs });
    return {
      warm: async () => void (await run("warm-", stage.scale.warmMs)),
      async round(round) {
        const { count, elapsedMs, p50Ms, p99Ms } = await run(`r${round}-`, stage.scale.roundMs);
        return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
      },
    };
  },
};

export const workflowCpu: BenchCase = {
  name: "workflow.cpu",
  what: "processor time of the worker for one run of 5 tasks, 64 in flight; by hand 5 compare-and-set writes",
  unit: "us",
  isLowerBetter: true,
  sides: ["ours", "raw", "limit"],
  async open(stage) {
    const worker = await stage.start("workflow");
    const run = (prefix: string, durationMs: number) => worker.call("driveRuns", { prefix, inFlight, durationMs });
    return {
      warm: async () => void (await run("warm-", stage.scale.warmMs)),
      round: async (round) => ({ figure: (await run(`r${round}-`, stage.scale.roundMs)).cpuUsPerRun }),
    };
  },
};

export const workflowBytes: BenchCase = {
  name: "workflow.bytes",
  what: "what the buckets hold of a run of 5 tasks when it is over",
  unit: "bytes",
  isLowerBetter: true,
  sides: ["ours", "raw"],
  async open(stage) {
    const worker = await stage.start("workflow");
    return {
      warm: async () => {},
      async round(round) {
        const before = await worker.call("bytes");
        const { count } = await worker.call("driveRuns", { prefix: `b${round}-`, inFlight, durationMs: 300 });
        await settled();
        return { figure: ((await worker.call("bytes")) - before) / count };
      },
    };
  },
};

/** Runs that are signalled in one round. */
const woken = 1_000;

export const workflowResume: BenchCase = {
  name: "workflow.resume",
  what: "time until 1,000 of the runs that wait are signalled and over, 256 at a time",
  unit: "ms",
  isLowerBetter: true,
  sides: ["ours"],
  async open(stage) {
    const worker = await stage.start("workflow");
    let first = 0;
    return {
      warm: async () => {
        for (; first * woken < stage.scale.waitingRuns; first += 1) {
          await worker.call("wait", { prefix: `w${first}-`, count: woken, inFlight: 256 });
        }
      },
      async round(round) {
        const { elapsedMs, p50Ms, p99Ms } = await worker.call("wake", {
          ...{ prefix: `w${round}-`, count: woken, inFlight: 256 },
        });
        return { figure: elapsedMs, p50Ms, p99Ms };
      },
    };
  },
};

export const workflowWaiting: BenchCase = {
  name: "workflow.waiting",
  what: "heap and external memory of the worker per run that waits, after collections",
  unit: "bytes",
  isLowerBetter: true,
  sides: ["ours"],
  async open(stage) {
    const worker = await stage.start("workflow");
    const wait = async (prefix: string, count: number) => {
      await worker.call("wait", { prefix, count, inFlight: 256 });
      await settled();
    };
    return {
      warm: () => wait("warm-", woken),
      async round(round) {
        const before = await worker.call("memory");
        await wait(`m${round}-`, stage.scale.waitingRuns);
        return { figure: ((await worker.call("memory")) - before) / stage.scale.waitingRuns };
      },
    };
  },
};
