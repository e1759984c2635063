// What a second looked like, from what was read of it. Pure; `now-figures.ts` counts, `now-unhealthy.ts` judges.

import type { Labels } from "../core/figures.ts";
import type { ClusterPicture, PartitionFacts, WorkerFacts } from "./cluster-picture.ts";
import type { MethodRow, NowView, PoolRow, Second, WorkerRow } from "./dashboard/api/now.ts";
import type { WorkerSpan } from "./now-figures.ts";
import { distributionOf, gaugeIn, labelsOf, rateOf } from "./now-figures.ts";
import { sumOf } from "./pool-picture.ts";

export interface NowSeen {
  /** Unit: ms since the epoch, by this machine's clock. */
  readonly atMs: number;
  readonly cluster: ClusterPicture;
  /** Of the workers that have answered. */
  readonly spans: readonly WorkerSpan[];
  /** Those that live and do not answer. */
  readonly silent: ReadonlySet<string>;
  /** Of `WorkerRow.nth`. */
  readonly nthOf: (worker: string) => number;
}

/** Busiest methods that are shown. */
const methodsMax = 10;

/** Without what is unhealthy, which `now-unhealthy.ts` says. */
export function nowViewOf(seen: NowSeen): NowView {
  const { atMs, cluster, spans } = seen;
  return {
    ...{ atMs, unhealthy: [], second: secondOf(seen), methods: methodRowsOf(spans) },
    workers: cluster.workers.map((worker) => workerRowOf(worker, seen)),
    pools: poolRowsOf(cluster.partitions),
  };
}

/** What has been done for good; of runs there may be several for one message. */
const handled = "troupe.messages.handled";
const failed = ({ code }: Labels) => code !== "ok";

function secondOf({ atMs, cluster: { workers, partitions }, spans }: NowSeen): Second {
  const { lag, oldestMs } = sumOf(partitions);
  const turns = distributionOf(spans, "troupe.turn.duration");
  const commits = distributionOf(spans, "troupe.commit.duration");
  const batches = distributionOf(spans, "troupe.commit.turns");
  const rate = (...args: Tail<Parameters<typeof rateOf>>) => rounded(rateOf(spans, ...args), 2);
  return {
    atMs,
    turnsPerS: rate(handled),
    asksPerS: rate(handled, { turn: "ask" }),
    tellsPerS: rate(handled, { turn: "tell" }),
    queriesPerS: rate(handled, { turn: "query" }),
    commitsPerS: rate("troupe.commit.duration"),
    failedPerS: rate(handled, failed),
    retriedPerS: rate("troupe.messages.retried"),
    deadPerS: rate("troupe.messages.dead"),
    conflictsPerS: rate("troupe.conflicts"),
    turnP50Ms: toMs(turns.quantile(0.5)),
    turnP95Ms: toMs(turns.quantile(0.95)),
    turnP99Ms: toMs(turns.quantile(0.99)),
    commitP50Ms: toMs(commits.quantile(0.5)),
    commitP99Ms: toMs(commits.quantile(0.99)),
    turnsPerCommit: batches.count === 0 ? null : rounded(batches.sum / batches.count, 2),
    ...{ lag, oldestMs, activations: sumOfGauge(spans, "troupe.activations") },
    outboxPending: sumOfGauge(spans, "troupe.outbox.pending"),
    ...{ workers: workers.length, unownedPartitions: partitions.filter(({ owner }) => owner === null).length },
  };
}

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest] ? Rest : never;

function workerRowOf(facts: WorkerFacts, { atMs, spans, silent, nthOf }: NowSeen): WorkerRow {
  const { worker, name, pools, actors, pid, isDraining, startedAt, partitions, lag, leaseMs } = facts;
  const span = spans.find((each) => each.worker === worker);
  const own = span === undefined ? [] : [span];
  const gauge = (figure: Parameters<typeof gaugeIn>[1]) => (span === undefined ? undefined : gaugeIn(span, figure));
  return {
    nth: nthOf(worker),
    ...{ worker, name, pools, types: actors, pid, partitions, lag, leaseMs },
    state: silent.has(worker) ? "silent" : isDraining ? "drains" : "serves",
    upMs: startedAt === null ? null : Math.max(0, atMs - Date.parse(startedAt)),
    turnsPerS: rounded(rateOf(own, handled), 2),
    turnP99Ms: toMs(distributionOf(own, "troupe.turn.duration").quantile(0.99)),
    failedPerS: rounded(rateOf(own, handled, failed), 2),
    activations: rounded(gauge("troupe.activations"), 0),
    heapBytes: rounded(gauge("troupe.heap.used"), 0),
    busy: rounded(gauge("troupe.event_loop.busy"), 3),
  };
}

function methodRowsOf(spans: readonly WorkerSpan[]): readonly MethodRow[] {
  const known = new Map<string, Pick<MethodRow, "type" | "method" | "turn">>();
  for (const { type = "", method = "", turn = "" } of labelsOf(spans, handled)) {
    if (turn !== "tell" && turn !== "ask" && turn !== "query") continue;
    known.set(`${type}.${method}.${turn}`, { type, method, turn });
  }
  const rows = [...known.values()].map((labels): MethodRow => {
    const durations = distributionOf(spans, "troupe.turn.duration", labels);
    const hasFailed = (of: Labels) =>
      of.type === labels.type && of.method === labels.method && of.turn === labels.turn && failed(of);
    return {
      ...labels,
      perS: rounded(rateOf(spans, handled, labels), 2) ?? 0,
      failedPerS: rounded(rateOf(spans, handled, hasFailed), 2) ?? 0,
      p50Ms: toMs(durations.quantile(0.5)),
      p99Ms: toMs(durations.quantile(0.99)),
    };
  });
  const busy = rows.filter(({ perS }) => perS > 0);
  return busy.sort((a, b) => b.perS - a.perS || nameOf(a).localeCompare(nameOf(b))).slice(0, methodsMax);
}

const nameOf = ({ type, method, turn }: MethodRow) => `${type}.${method}.${turn}`;

function poolRowsOf(partitions: readonly PartitionFacts[]): readonly PoolRow[] {
  const pools = [...new Set(partitions.map(({ pool }) => pool))].sort();
  return pools.map((pool) => ({
    pool,
    partitions: partitions
      .filter((each) => each.pool === pool)
      .map(({ partition, owner, epoch, lag, oldestMs }) => ({ partition, owner, epoch, lag, oldestMs })),
  }));
}

function sumOfGauge(spans: readonly WorkerSpan[], name: Parameters<typeof gaugeIn>[1]): number | null {
  const values = spans.flatMap((span) => gaugeIn(span, name) ?? []);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

/** Figures are in seconds. */
function toMs(seconds: number | undefined): number | null {
  return rounded(seconds === undefined ? undefined : seconds * 1_000, 3);
}

/** So that a view that goes out each second holds no digits that say nothing. */
function rounded(value: number | undefined, digits: number): number | null {
  if (value === undefined || !Number.isFinite(value)) return null;
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
