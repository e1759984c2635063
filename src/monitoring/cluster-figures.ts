// The figures of an app as a whole, which no worker knows by itself: from what one process reads of the server. Pure.
//
//   C1. What is not known is left out; what is none is 0, so that a rule that compares has something to compare.

import type { FigureName } from "../core/figure-catalog.ts";
import type { Labels, NumberSeries } from "../core/figures.ts";
import type { Phase } from "../workflow/run.ts";
import type { ClusterPicture } from "./cluster-picture.ts";
import { readPools } from "./pool-picture.ts";

export interface ClusterSeen {
  /** Unit: ms since the epoch. */
  readonly atMs: number;
  readonly cluster: ClusterPicture;
  readonly memory: MemorySeen;
  /** By workflow. */
  readonly runs: Iterable<readonly [workflow: string, runs: { readonly phases: Readonly<Record<string, number>> }]>;
}

/** What the memory monitor has counted; undefined where it does not know. */
export interface MemorySeen {
  /** False while it still counts what stands: then `kinds` are no figures yet. */
  readonly isComplete: boolean;
  readonly kinds: readonly {
    readonly kind: string;
    readonly entries: number;
    readonly facts: number;
    readonly bytes: number;
    readonly bytesPerHour: number | undefined;
  }[];
  readonly streams: readonly {
    readonly role: string;
    readonly bytes: number;
    readonly messages: number;
    readonly bytesMax: number | undefined;
    readonly bytesPerHour: number | undefined;
    readonly fullAtMs: number | undefined;
  }[];
}

/** All of them, so that the first run of a phase is a change from 0 (C1). */
const phasesOfRuns: readonly Phase[] = Object.keys({
  ...{ new: 0, running: 0, held: 0, compensating: 0, completed: 0, failed: 0, cancelled: 0 },
} satisfies Record<Phase, 0>) as Phase[];

/** The workflows that a worker ever had: their first run is a change as well (C1). */
export function workflowsOf({ typePools }: Pick<ClusterPicture, "typePools">): readonly string[] {
  return [...typePools.keys()].flatMap((type) => /^workflow-(.+)(?<!-task)$/.exec(type)?.[1] ?? []);
}

export function clusterSeries({ atMs, cluster, memory, runs }: ClusterSeen): readonly NumberSeries[] {
  const dead = memory.streams.find(({ role }) => role === "dead");
  return [
    ...poolSeries(cluster),
    ...one("troupe.dead.kept", {}, dead?.messages),
    ...memory.streams.flatMap(({ role, bytes, messages, bytesMax, bytesPerHour, fullAtMs }) => [
      ...one("troupe.stream.bytes", { stream: role }, bytes),
      ...one("troupe.stream.messages", { stream: role }, messages),
      ...one("troupe.stream.limit", { stream: role }, bytesMax),
      ...one("troupe.stream.growth", { stream: role }, bytesPerHour),
      ...one("troupe.stream.full_in", { stream: role }, fullAtMs && Math.max(0, (fullAtMs - atMs) / 1_000)),
    ]),
    ...(memory.isComplete ? memory.kinds : []).flatMap(({ kind, entries, facts, bytes, bytesPerHour }) => [
      ...one("troupe.memory.entries", { kind }, entries),
      ...one("troupe.memory.facts", { kind }, facts),
      ...one("troupe.memory.bytes", { kind }, bytes),
      ...one("troupe.memory.growth", { kind }, bytesPerHour),
    ]),
    ...[...runs].flatMap(([workflow, { phases }]) =>
      phasesOfRuns.flatMap((phase) => one("troupe.workflow.runs", { workflow, phase }, phases[phase] ?? 0)),
    ),
  ];
}

function poolSeries(cluster: ClusterPicture): readonly NumberSeries[] {
  const ofPools = readPools(cluster).flatMap(({ pool, workers, unowned }) => [
    ...one("troupe.workers", { pool }, workers),
    ...one("troupe.partitions.unowned", { pool }, unowned.partitions),
  ]);
  const ofPartitions = cluster.partitions.flatMap(({ pool, partition, lag, oldestMs }) => {
    const labels = { pool, partition: String(partition) };
    return [
      ...one("troupe.mailbox.lag", labels, lag),
      ...one("troupe.mailbox.oldest", labels, (oldestMs ?? 0) / 1_000),
    ];
  });
  return [...ofPools, ...ofPartitions];
}

/** None when the value is not known (C1). */
function one(name: FigureName, labels: Labels, value: number | undefined): readonly NumberSeries[] {
  return value === undefined ? [] : [{ name, labels, value }];
}
