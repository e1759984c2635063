// Runs seeds one after the other, or shares them among processes.

import { fork } from "node:child_process";
import { join } from "node:path";
import { simulate } from "./run.ts";

/** What is told of one run. */
export interface SeedResult {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly deeds: number;
  readonly simulatedMs: number;
}

export interface SeedRange {
  readonly from: number;
  readonly count: number;
}

/** In this process. */
export async function runSeeds({ from, count }: SeedRange, onResult: (result: SeedResult) => void): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { faults, deeds, simulatedMs } = await simulate(seed);
    onResult({ seed, faults, deeds, simulatedMs });
  }
}

/** In so many processes, each with its share. Rejects when one of them breaks off. */
export async function runSeedsShared(
  { from, count }: SeedRange,
  jobs: number,
  onResult: (result: SeedResult) => void,
): Promise<void> {
  const share = Math.ceil(count / jobs);
  const shares = Array.from({ length: jobs }, (_, at) => {
    const first = from + at * share;
    return { from: first, count: Math.min(share, from + count - first) };
  });
  await Promise.all(shares.filter((each) => each.count > 0).map((each) => runInProcess(each, onResult)));
}

function runInProcess({ from, count }: SeedRange, onResult: (result: SeedResult) => void): Promise<void> {
  const child = fork(join(import.meta.dirname, "share.ts"), [String(from), String(count)], { execArgv: [] });
  child.on("message", (result) => onResult(result as SeedResult));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    // Not "exit", which may come before the last of what it has told.
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`the process with the seeds from ${from} ended with ${code ?? signal}`));
    });
  });
}
