// Replicas of the memory: what a local read costs, how long a write takes to be readable in ten of them in two processes,
// and what they cost the writer.

import type { CommandsOf } from "../child.ts";
import type { Child } from "../processes.ts";
import { startChild } from "../processes.ts";
import { startServer } from "../server.ts";
import { median, percentile } from "../stats.ts";
import type { ClusterCase, ClusterPlan, Finding } from "./cluster-case.ts";

type Member = Child<CommandsOf["memory"]>;

const perSecond = 1_000;
const replicasOfEach = 5;
const inFlight = 64;

/** With what the writer is compared: nobody, replicas that share a watch in each process, replicas with one each. */
const settings = ["none", "shared", "apart"] as const;
type Setting = (typeof settings)[number];

interface Round {
  readonly setting: Setting;
  /** At 1,000 writes a second. */
  readonly perSecond: number;
  readonly acknowledgeP50Ms: number;
  readonly acknowledgeP99Ms: number;
  /** From the call that writes to when the slowest replica shows it; from the acknowledgement. Sorted. */
  readonly fromCallMs: readonly number[];
  readonly fromAcknowledgementMs: readonly number[];
  /** As many writes as it can. */
  readonly writesPerSecond: number;
}

interface Stage {
  readonly writer: Member;
  readonly readers: readonly Member[];
  readonly durationMs: number;
  next: number;
}

async function takeRound(stage: Stage, setting: Setting): Promise<Round> {
  const { writer, readers, durationMs } = stage;
  const hasReplicas = setting !== "none";
  if (hasReplicas) {
    const order = { count: replicasOfEach, isShared: setting === "shared" };
    await Promise.all(readers.map((reader) => reader.call("openReplicas", order)));
  }
  const count = Math.round((durationMs * perSecond) / 1_000);
  const first = stage.next;
  stage.next += count;
  const { sentAtMs, acknowledgedAtMs } = await writer.call("writePaced", { perSecond, first, count });
  const shown = hasReplicas
    ? await Promise.all(readers.map((reader) => reader.call("arrivals", { first, count })))
    : [];
  const lastShown = (at: number): number => Math.max(...shown.map((moments) => moments[at] ?? Number.NaN));
  const since = (from: readonly number[]): number[] =>
    hasReplicas ? from.map((moment, at) => lastShown(at) - moment).sort((a, b) => a - b) : [];
  const waits = acknowledgedAtMs.map((moment, at) => moment - (sentAtMs[at] ?? Number.NaN)).sort((a, b) => a - b);
  const tookMs = Math.max(...acknowledgedAtMs) - (sentAtMs[0] ?? 0);
  const driven = await writer.call("driveWrites", { inFlight, durationMs });
  if (hasReplicas) await Promise.all(readers.map((reader) => reader.call("closeReplicas")));
  return {
    setting,
    perSecond: (count * 1_000) / tookMs,
    ...{ acknowledgeP50Ms: percentile(waits, 0.5), acknowledgeP99Ms: percentile(waits, 0.99) },
    ...{ fromCallMs: since(sentAtMs), fromAcknowledgementMs: since(acknowledgedAtMs) },
    writesPerSecond: (driven.count * 1_000) / driven.elapsedMs,
  };
}

function findingOf(setting: Setting, rounds: readonly Round[]): Finding {
  const of = (wanted: Setting) => rounds.filter((round) => round.setting === wanted);
  const middle = (pick: (round: Round) => number, all = of(setting)): number => median(all.map(pick));
  // Within each round, as everything that else goes on meets both.
  const slowDown = (pick: (round: Round) => number): number =>
    median(of(setting).map((round, at) => (pick(round) / pick(of("none")[at] ?? round) - 1) * 100));
  const hasReplicas = setting !== "none";
  return {
    name: `memory.replica ${setting}`,
    replicas: hasReplicas ? replicasOfEach * 2 : 0,
    rate_per_s: middle((round) => round.perSecond),
    ack_p50_ms: middle((round) => round.acknowledgeP50Ms),
    ack_p99_ms: middle((round) => round.acknowledgeP99Ms),
    rate_lost_percent: hasReplicas ? -slowDown((round) => round.perSecond) : null,
    ack_p50_slower_percent: hasReplicas ? slowDown((round) => round.acknowledgeP50Ms) : null,
    lag_from_call_p50_ms: hasReplicas ? middle((round) => percentile(round.fromCallMs, 0.5)) : null,
    lag_from_call_p99_ms: hasReplicas ? middle((round) => percentile(round.fromCallMs, 0.99)) : null,
    lag_from_ack_p50_ms: hasReplicas ? middle((round) => percentile(round.fromAcknowledgementMs, 0.5)) : null,
    lag_from_ack_p99_ms: hasReplicas ? middle((round) => percentile(round.fromAcknowledgementMs, 0.99)) : null,
    writes_max_per_s: middle((round) => round.writesPerSecond),
    writes_max_lost_percent: hasReplicas ? -slowDown((round) => round.writesPerSecond) : null,
  };
}

async function run({ binary, scale, onProgress }: ClusterPlan): Promise<readonly Finding[]> {
  await using server = await startServer(binary);
  await using cleanup = new AsyncDisposableStack();
  const start = async (): Promise<Member> => {
    const child = await startChild({ side: "ours", role: "memory", servers: server.url, app: "replica" });
    cleanup.defer(() => child.close());
    return child;
  };
  const writer = await start();
  const readers = [await start(), await start()];
  const stage: Stage = { writer, readers, durationMs: Math.max(1_000, scale.roundMs), next: 0 };
  for (const setting of settings) await takeRound(stage, setting); // Everything is warm.
  const rounds: Round[] = [];
  for (let at = 0; at < scale.rounds; at += 1) {
    for (const setting of [...settings.slice(at % 3), ...settings.slice(0, at % 3)]) {
      const round = await takeRound(stage, setting);
      rounds.push(round);
      onProgress(`memory.replica ${at + 1}: ${setting}: acknowledged after ${round.acknowledgeP50Ms.toFixed(2)} ms`);
    }
  }
  const [reader] = readers;
  await reader?.call("openReplicas", { count: 1, isShared: true });
  const nsPerRead = (await reader?.call("nsPerRead")) ?? Number.NaN;
  return [
    { name: "memory.replica read", ns_per_read: nsPerRead, reads_per_s: 1e9 / nsPerRead },
    ...settings.map((setting) => findingOf(setting, rounds)),
  ];
}

export const memoryReplica: ClusterCase = {
  name: "memory.replica",
  what: "reads of a replica; 1,000 writes a second until ten replicas in two processes show them; what that costs the writer",
  run,
};
