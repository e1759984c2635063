// Failover: how long the actors of a worker do not answer when its process is killed, frozen, or told to drain.
//
//   F1. One actor in each partition of the victim is asked (in a drain: in each partition of the pool), at a steady pace.
//       An actor is back with the first answer of another process to an ask that was sent after the signal.
//   F2. Before each signal three workers share all partitions equally and every actor answers; the signal falls at a
//       random moment between two pings.
//   F3. After each signal the actors' counts are what was answered, and at most what was left in doubt besides.

import { leaseTtlMs } from "../../src/runtime/lease.ts";
import { sharedNowMs } from "../clock.ts";
import type { Member } from "../cluster/cluster.ts";
import { Cluster, idsByPartition } from "../cluster/cluster.ts";
import type { Outage, Probe } from "../cluster/outage.ts";
import { outageOf, printFailures, quantilesOf, sumFailures } from "../cluster/outage.ts";
import type { Child } from "../processes.ts";
import type { ProberCommands } from "../roles/prober.ts";
import { startServer } from "../server.ts";
import type { Bounds, ClusterCase, ClusterPlan, Finding } from "./cluster-case.ts";
import { verdictOn } from "./cluster-case.ts";

interface FailoverPlan {
  readonly name: string;
  readonly what: string;
  readonly signal: NodeJS.Signals;
  /** How often each actor is asked. Unit: ms. */
  readonly everyMs: number;
  /** Whether actors of the others are asked too. */
  readonly probesAll: boolean;
  readonly bounds: Bounds;
}

/** What one signal came to. Unit: ms since the signal. */
interface Fall extends Outage {
  readonly asks: number;
  /** Until the bench saw that the worker is no member, or gives up what it has. */
  readonly noticedMs: number;
  /** Until the bench saw another owner in the last of its partitions' records. */
  readonly takenMs: number;
}

const workers = 3;
/** How long probes run before a signal at least, and after it is over. Unit: ms. */
const calmMs = 300;
/** Signals fall at any moment of the time between two pings. Unit: ms. */
const pingEveryMs = 250;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The pieces that one case works with. */
interface Rig {
  readonly plan: FailoverPlan;
  readonly cluster: Cluster;
  readonly prober: Child<ProberCommands>;
  /** By partition. */
  readonly ids: readonly string[];
}

async function run(plan: FailoverPlan, { binary, scale, onProgress }: ClusterPlan): Promise<readonly Finding[]> {
  await using server = await startServer(binary);
  await using cluster = await Cluster.open(server.url, "failover", workers);
  const prober = await cluster.start("prober");
  const rig: Rig = { plan, cluster, prober, ids: idsByPartition(cluster.view.owners.length) };
  const falls: Fall[] = [];
  const tally = { answered: 0, inDoubt: 0 };
  await checkTotal(rig, tally);
  for (let count = 0; count < scale.kills; count += 1) {
    const victim = cluster.members[count % workers];
    if (victim === undefined) throw new Error("a worker is missing");
    const fall = await fell(rig, victim, tally);
    falls.push(fall);
    const { p50, max } = quantilesOf(fall.backAfterMs);
    const times = `back p50 ${p50.toFixed(0)}, max ${max.toFixed(0)} ms; noticed ${fall.noticedMs.toFixed(0)}, taken ${fall.takenMs.toFixed(0)} ms`;
    onProgress(
      `${plan.name} ${count + 1}: ${times}; longest ${fall.longestMs.toFixed(0)} ms; failed: ${printFailures(fall.failures) || "none"}`,
    );
    await heal(rig, victim);
    await checkTotal(rig, tally);
  }
  return [findingOf(plan, falls)];
}

/** Sends the signal and watches until every actor is back (F1). */
async function fell({ plan, cluster, prober, ids }: Rig, victim: Member, tally: Tally): Promise<Fall> {
  const { view } = cluster;
  const { owners } = view;
  const isLost = (_: unknown, partition: number): boolean => owners[partition] === victim.pid;
  const lostIds = ids.filter(isLost);
  await prober.call("begin", { ids: plan.probesAll ? ids : lostIds, everyMs: plan.everyMs });
  await pause(calmMs + Math.random() * pingEveryMs); // F2

  const sinceMs = sharedNowMs();
  victim.signal(plan.signal);
  const after = async (what: string, isSo: () => boolean): Promise<number> => {
    await view.until(what, isSo);
    return sharedNowMs() - sinceMs;
  };
  const isMember = (): boolean => view.living.some(({ pid, isDraining }) => pid === victim.pid && !isDraining);
  const isTaken = (): boolean => view.owners.filter(isLost).every((owner) => owner !== 0 && owner !== victim.pid);
  const [noticedMs, takenMs] = await Promise.all([
    after(`the worker ${victim.pid} is missed`, () => !isMember()),
    after(`the partitions of ${victim.pid} are taken`, isTaken),
    prober.call("whenBack", { sinceMs, notBy: victim.pid }),
  ]);
  await pause(calmMs);
  const probes = await prober.call("end");
  addUp(tally, probes);
  const outage = outageOf(probes, { ids: lostIds, victim: victim.pid, atMs: sinceMs });
  return { ...outage, asks: probes.length, noticedMs, takenMs };
}

/** Three share the partitions again: a new one in the place of what is dead, the frozen one itself when it wakes. */
async function heal({ plan, cluster }: Rig, victim: Member): Promise<void> {
  if (plan.signal === "SIGSTOP") victim.signal("SIGCONT");
  else {
    cluster.strike(victim);
    await victim.exited;
    await cluster.join();
  }
  await cluster.untilShared();
}

interface Tally {
  answered: number;
  inDoubt: number;
}

function addUp(tally: Tally, probes: readonly Probe[]): void {
  tally.answered += probes.filter(({ failure }) => failure === undefined).length;
  // What fails otherwise has provably had no effect.
  tally.inDoubt += probes.filter(({ failure = "" }) => ["OUTCOME_UNKNOWN", "ASK_TIMEOUT"].includes(failure)).length;
}

/** F3. Since every actor answers for it, this is also how it is known that all of them do (F2). */
async function checkTotal({ prober, ids }: Rig, { answered, inDoubt }: Tally): Promise<void> {
  const total = await prober.call("total", ids);
  if (total >= answered && total <= answered + inDoubt) return;
  throw new Error(`${answered} asks were answered and ${inDoubt} left in doubt, but the actors hold ${total}`);
}

function findingOf({ name, bounds }: FailoverPlan, falls: readonly Fall[]): Finding {
  const back = quantilesOf(falls.flatMap(({ backAfterMs }) => backAfterMs));
  const failures = sumFailures(falls.map((fall) => fall.failures));
  const finding = {
    name,
    kills: falls.length,
    actors: falls.reduce((sum, { backAfterMs }) => sum + backAfterMs.length, 0),
    p50_ms: back.p50,
    p90_ms: back.p90,
    max_ms: back.max,
    noticed_p50_ms: quantilesOf(falls.map(({ noticedMs }) => noticedMs)).p50,
    taken_p50_ms: quantilesOf(falls.map(({ takenMs }) => takenMs)).p50,
    asks: falls.reduce((sum, { asks }) => sum + asks, 0),
    failed_asks: Object.values(failures).reduce((sum, count) => sum + count, 0),
    failures: printFailures(failures),
    longest_ask_ms: Math.max(...falls.map(({ longestMs }) => longestMs)),
  };
  return { ...finding, wanted: verdictOn(finding, bounds) };
}

const failoverOf = (plan: FailoverPlan): ClusterCase => ({
  name: plan.name,
  what: plan.what,
  run: (clusterPlan) => run(plan, clusterPlan),
});

export const failoverKill = failoverOf({
  name: "failover.kill",
  what: "one of three workers is killed (SIGKILL): until its actors answer again",
  signal: "SIGKILL",
  everyMs: 20,
  probesAll: false,
  bounds: { p50_ms: 500, max_ms: 2_000 },
});

export const failoverFreeze = failoverOf({
  name: "failover.freeze",
  what: "one of three workers is frozen beyond its lease (SIGSTOP), and wakes",
  signal: "SIGSTOP",
  everyMs: 100,
  probesAll: false,
  bounds: { max_ms: leaseTtlMs + 2_000 },
});

export const failoverDrain = failoverOf({
  name: "failover.drain",
  what: "one of three workers is told to end (SIGTERM): no ask may fail",
  signal: "SIGTERM",
  everyMs: 50,
  probesAll: true,
  bounds: { failed_asks: 0, longest_ask_ms: 300 },
});
