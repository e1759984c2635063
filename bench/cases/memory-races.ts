// The lost-update matrix: every operation that writes to the memory, by 100 writers at once, on every store, in one process
// and in four. What was acknowledged is kept, or the writer was told; anything else fails the run.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPlace, type StorePlace } from "../races/place.ts";
import { allRaces, type RaceCount, runRace } from "../races/run-race.ts";
import { startWriters, writersHere } from "../races/writers.ts";
import { startServer } from "../server.ts";
import type { ClusterCase, ClusterPlan, Finding } from "./cluster-case.ts";

const writerCount = 100;
const processCount = 4;

async function racesOn(place: StorePlace, processes: number, { onProgress }: ClusterPlan): Promise<Finding[]> {
  await using cleanup = new AsyncDisposableStack();
  const { stores } = cleanup.use(await openPlace(place));
  const writers = processes === 1 ? writersHere(stores) : cleanup.use(await startWriters(place, processes)).writers;
  const findings: Finding[] = [];
  for (const race of allRaces) {
    const count = await runRace(race, stores, writers, writerCount);
    findings.push(findingOf(race.name, place.kind, processes, count));
    const { acknowledged, lost } = count;
    onProgress(`memory.races: ${place.kind} x ${processes}: ${race.name}: ${acknowledged} acknowledged, ${lost} lost`);
  }
  return findings;
}

function findingOf(operation: string, store: string, processes: number, count: RaceCount): Finding {
  const { refused, ms, ...counts } = count;
  const codes = Object.entries(refused).map(([code, times]) => `${code} x ${times}`);
  return { name: "memory.races", operation, store, processes, ...counts, refused: codes.join(", "), ms };
}

async function run(plan: ClusterPlan): Promise<readonly Finding[]> {
  const findings = await racesOn({ kind: "memory" }, 1, plan);
  for (const processes of [1, processCount]) {
    const folder = await mkdtemp(join(tmpdir(), "troupe-bench-races-"));
    try {
      findings.push(...(await racesOn({ kind: "sqlite", folder }, processes, plan)));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    await using server = await startServer(plan.binary);
    findings.push(...(await racesOn({ kind: "nats", servers: server.url }, processes, plan)));
  }
  return findings;
}

export const memoryRaces: ClusterCase = {
  name: "memory.races",
  what: "every operation that writes to the memory, 100 writers at once, on every store: what was acknowledged is kept",
  run,
};
