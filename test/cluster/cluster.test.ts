// Short runs on real processes, and the proof that they notice what is broken. Longer ones: npm run chaos -- --help.

import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../support/temp-folder.ts";
import type { Report } from "./report.ts";
import { printReport } from "./report.ts";
import type { RunOptions } from "./run.ts";
import { runCluster } from "./run.ts";
import type { Sabotage } from "./sabotage.ts";
import type { FaultKind, PlannedFault } from "./schedule.ts";
import { kindsFor } from "./schedule.ts";
import { workloadNames } from "./workloads/workload.ts";

async function run(options: Partial<RunOptions> & Pick<RunOptions, "seed" | "seconds">): Promise<Report> {
  await using folder = await tempFolder();
  const { servers = 1 } = options;
  return await runCluster({
    ...{ servers, workers: 3, workloads: workloadNames, faults: kindsFor(servers), faultEveryMs: 1_200 },
    ...options,
    folder: join(folder.path, "run"),
  });
}

/** With less of each workload a run has shown nothing. */
const acknowledgedMin = 21;

test("P1 to P7: with one server, whatever is killed, frozen and cut off, nothing is lost and nothing happens twice", async () => {
  const report = await run({ seed: 1, seconds: 15, acknowledgedMin });
  expect(report.broken, printReport(report)).toEqual([]);
  expect(report.takeovers).toBeGreaterThan(0);
  for (const { name, acknowledged } of report.workloads)
    expect(acknowledged, name).toBeGreaterThanOrEqual(acknowledgedMin);
});

test("P1 to P7: so it is with three servers and three copies", async () => {
  const faults: FaultKind[] = [
    "kill-worker",
    "freeze-worker",
    "mute-worker",
    "kill-leader",
    "cut-client",
    "freeze-server",
  ];
  const report = await run({ seed: 2, seconds: 15, servers: 3, faults, faultEveryMs: 2_000, acknowledgedMin });
  expect(report.broken, printReport(report)).toEqual([]);
  for (const { name, acknowledged } of report.workloads)
    expect(acknowledged, name).toBeGreaterThanOrEqual(acknowledgedMin);
});

interface Canary {
  readonly seconds: number;
  readonly schedule: readonly PlannedFault[];
  /** What notices it. */
  readonly law: RegExp;
}

/**
 * A worker is muted until others serve its actors, and less long than the server listens to a silent connection (4 s):
 * then what it wrote last arrives.
 */
const muted = (atMs: number, pick: number): PlannedFault => ({
  atMs,
  kind: "mute-worker",
  pick,
  form: 0,
  forMs: 3_000,
});
const killed = (atMs: number): PlannedFault => ({ atMs, kind: "kill-worker", pick: 0, form: 0, forMs: 0 });

const canaries: Readonly<Record<Sabotage, Canary>> = {
  "blind-store": { seconds: 9, schedule: [muted(1_000, 0), muted(5_000, 0.5)], law: /^S1|^T1.* 0 times|^G1|^M1/ },
  "early-reply": { seconds: 5, schedule: [killed(1_000), killed(3_000)], law: /^[TM]1.*acknowledged.* 0 times|^G1/ },
  "skipping-reader": { seconds: 3, schedule: [], law: /^T1.*acknowledged.* 0 times/ },
  "repeating-outbox": { seconds: 3, schedule: [], law: /^T2.* 2 times|^M1.* 2 times/ },
};

/** What is broken shows where it meets the load at the wrong moment, which not every run does. */
const canarySeeds = [5, 6, 7];

test.each(Object.entries(canaries))("runs notice what is broken on purpose: %s", async (name, { law, ...canary }) => {
  const found: string[] = [];
  for (const seed of canarySeeds) {
    found.push(...(await run({ seed, ...canary, sabotage: name as Sabotage, restMsMax: 1_000 })).broken);
    if (found.some((text) => law.test(text))) return;
  }
  expect.fail(`${canarySeeds.length} runs found only: ${JSON.stringify(found)}`);
});
