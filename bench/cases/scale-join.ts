// A third worker joins two that are under load, and leaves again: how soon it has its share, and what asks notice of it.

import { sharedNowMs } from "../clock.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { Probe } from "../cluster/outage.ts";
import { printFailures, quantilesOf, sumFailures } from "../cluster/outage.ts";
import type { Child } from "../processes.ts";
import type { ProberCommands } from "../roles/prober.ts";
import { startServer } from "../server.ts";
import { idsOf } from "../side.ts";
import type { ClusterCase, ClusterPlan, Finding } from "./cluster-case.ts";
import { verdictOn } from "./cluster-case.ts";

/** 1,000 actors, each asked twice a second. */
const ids = idsOf({ prefix: "c", first: 0, count: 1_000 });
const everyMs = 500;
/** How long the load runs before a worker joins, and after it has its share. Unit: ms. */
const calmMs = 1_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Times since the worker's process was started. Unit: ms. */
interface Join {
  readonly leaseMs: number;
  readonly sharedMs: number;
  /** The asks of the time in which partitions moved, and those before. */
  readonly meanwhile: readonly Probe[];
  readonly before: readonly Probe[];
}

async function join(cluster: Cluster, prober: Child<ProberCommands>): Promise<Join> {
  const { view } = cluster;
  await prober.call("begin", { ids, everyMs });
  await pause(calmMs);
  const startedAtMs = sharedNowMs();
  const known = view.living.length;
  const [, leaseAtMs] = await Promise.all([
    cluster.join(),
    view.until("a worker has joined", () => view.living.length > known).then(sharedNowMs),
  ]);
  await cluster.untilShared();
  const sharedAtMs = sharedNowMs();
  await pause(calmMs);
  const probes = await prober.call("end");
  return {
    leaseMs: leaseAtMs - startedAtMs,
    sharedMs: sharedAtMs - startedAtMs,
    meanwhile: probes.filter(({ endedAtMs }) => endedAtMs >= leaseAtMs),
    before: probes.filter(({ endedAtMs }) => endedAtMs < startedAtMs),
  };
}

async function leave(cluster: Cluster): Promise<void> {
  const newest = cluster.members.at(-1);
  if (newest === undefined) return;
  cluster.strike(newest);
  await newest.close();
  await cluster.untilShared();
}

function findingOf(joins: readonly Join[]): Finding {
  const meanwhile = joins.flatMap((each) => each.meanwhile);
  const before = joins.flatMap((each) => each.before);
  const failed = [...meanwhile, ...before].flatMap(({ failure }) => (failure === undefined ? [] : [{ [failure]: 1 }]));
  const waits = (probes: readonly Probe[]) =>
    quantilesOf(probes.map(({ sentAtMs, endedAtMs }) => endedAtMs - sentAtMs));
  const moved = quantilesOf(joins.map(({ leaseMs, sharedMs }) => sharedMs - leaseMs));
  const finding = {
    name: "scale.join",
    joins: joins.length,
    start_to_lease_p50_ms: quantilesOf(joins.map(({ leaseMs }) => leaseMs)).p50,
    lease_to_share_p50_ms: moved.p50,
    lease_to_share_max_ms: moved.max,
    start_to_share_max_ms: quantilesOf(joins.map(({ sharedMs }) => sharedMs)).max,
    asks: meanwhile.length + before.length,
    failed_asks: failed.length,
    failures: printFailures(sumFailures(failed)),
    ask_before_p50_ms: waits(before).p50,
    ask_before_max_ms: waits(before).max,
    ask_p50_ms: waits(meanwhile).p50,
    ask_p90_ms: waits(meanwhile).p90,
    ask_max_ms: waits(meanwhile).max,
  };
  return { ...finding, wanted: verdictOn(finding, { failed_asks: 0 }) };
}

async function run({ binary, scale, onProgress }: ClusterPlan): Promise<readonly Finding[]> {
  await using server = await startServer(binary);
  await using cluster = await Cluster.open(server.url, "join", 2);
  const prober = await cluster.start("prober");
  await prober.call("total", ids); // Every actor is in memory.
  const joins: Join[] = [];
  for (let round = 0; round < scale.joins; round += 1) {
    const joined = await join(cluster, prober);
    joins.push(joined);
    const { leaseMs, sharedMs } = joined;
    onProgress(`scale.join ${round + 1}: lease after ${leaseMs.toFixed(0)}, share after ${sharedMs.toFixed(0)} ms`);
    await leave(cluster);
  }
  return [findingOf(joins)];
}

export const scaleJoin: ClusterCase = {
  name: "scale.join",
  what: "a third worker joins two: until it has its share, 1,000 actors asked 2,000 times a second",
  run,
};
