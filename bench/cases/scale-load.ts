// The same load on one, two and four workers, each a process: how much more they carry, and who is busy meanwhile.
//
//   F1. The sizes alternate, each round begins with another one, and only one works at a time: what the machine does
//       meanwhile meets all of them.

import { sharedNowMs } from "../clock.ts";
import { Cluster } from "../cluster/cluster.ts";
import { coresOf, cpuTimes } from "../cluster/cpu.ts";
import type { Child } from "../processes.ts";
import type { CallerCommands, Operation } from "../roles/caller.ts";
import type { BenchServer } from "../server.ts";
import { startServer } from "../server.ts";
import type { IdRange } from "../side.ts";
import { median, spread } from "../stats.ts";
import type { ClusterCase, Finding } from "./cluster-case.ts";

const sizes = [1, 2, 4];
const inFlight = 256;
const ids: IdRange = { prefix: "c", first: 0, count: 1_000 };

interface Rig {
  readonly server: BenchServer;
  readonly cluster: Cluster;
  readonly caller: Child<CallerCommands>;
  /** Messages that the actors have been sent so far. */
  sent: number;
}

interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processors kept busy, by whom. */
  readonly cores: { readonly server: number; readonly caller: number; readonly workers: number };
}

/** Loads one cluster for a while; a tell counts when it is committed, an ask when it is answered. */
async function sampleOf(rig: Rig, operation: Operation, durationMs: number): Promise<Sample> {
  const { server, cluster, caller } = rig;
  const workers = cluster.members.map(({ pid }) => pid);
  const all = [server.pid, caller.pid, ...workers];
  const before = await cpuTimes(all);
  const startMs = sharedNowMs();
  const driven = await caller.call("drive", { operation, ids, inFlight, until: { durationMs } });
  rig.sent += driven.count;
  // Asked again and again, 1,000 queries at a time: their time counts against the tells, some tens of ms in all.
  while ((await caller.call("total", ids)) < rig.sent) {
    if (sharedNowMs() - startMs > durationMs + 30_000) throw new Error(`not all of ${rig.sent} messages took effect`);
  }
  const endMs = sharedNowMs();
  const after = await cpuTimes(all);
  const elapsedMs = operation === "tell" ? endMs - driven.startedAtMs : driven.elapsedMs;
  const busy = (pids: readonly number[]): number => coresOf(pids, before, after, endMs - startMs);
  return {
    perSecond: (driven.count / elapsedMs) * 1_000,
    p50Ms: driven.p50Ms,
    p99Ms: driven.p99Ms,
    cores: { server: busy([server.pid]), caller: busy([caller.pid]), workers: busy(workers) },
  };
}

async function openRig(server: BenchServer, size: number): Promise<Rig> {
  const cluster = await Cluster.open(server.url, `scale${size}`, size);
  try {
    return { server, cluster, caller: await cluster.start("caller"), sent: 0 };
  } catch (thrown) {
    await cluster[Symbol.asyncDispose]();
    throw thrown;
  }
}

function findingOf(size: number, load: Operation, samples: readonly Sample[]): Finding {
  const medianOf = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  return {
    name: "scale.load",
    load,
    workers: size,
    per_second: medianOf(({ perSecond }) => perSecond),
    p50_ms: medianOf(({ p50Ms }) => p50Ms),
    p99_ms: medianOf(({ p99Ms }) => p99Ms),
    server_cores: medianOf(({ cores }) => cores.server),
    caller_cores: medianOf(({ cores }) => cores.caller),
    workers_cores: medianOf(({ cores }) => cores.workers),
    noise: spread(samples.map(({ perSecond }) => perSecond)),
  };
}

export const scaleLoad: ClusterCase = {
  name: "scale.load",
  what: "1,000 actors on 1, 2 and 4 workers: asks and tells, 256 in flight, and who is busy",
  async run({ binary, scale, onProgress }) {
    await using server = await startServer(binary);
    await using rigs = new AsyncDisposableStack();
    const bySize = new Map<number, Rig>();
    for (const size of sizes) {
      const rig = await openRig(server, size);
      rigs.use(rig.cluster);
      bySize.set(size, rig);
    }
    const operations = ["ask", "tell"] as const;
    const samples = new Map<string, Sample[]>();
    for (let round = -1; round < scale.rounds; round += 1) {
      const first = (round + sizes.length) % sizes.length;
      for (const size of [...sizes.slice(first), ...sizes.slice(0, first)]) {
        const rig = bySize.get(size);
        for (const operation of rig === undefined ? [] : operations) {
          // The first time is for warming up, with the load that is measured.
          const sample = await sampleOf(rig as Rig, operation, round < 0 ? scale.warmMs : scale.roundMs);
          if (round < 0) continue;
          const key = `${operation} ${size}`;
          samples.set(key, [...(samples.get(key) ?? []), sample]);
          onProgress(`scale.load ${round + 1}: ${size} workers: ${Math.round(sample.perSecond)} ${operation}s/s`);
        }
      }
    }
    return operations.flatMap((load) =>
      sizes.map((size) => findingOf(size, load, samples.get(`${load} ${size}`) ?? [])),
    );
  },
};
