// The pools of an app, each with what serves it and what waits in it. Pure.

import { canServe } from "../runtime/placement.ts";
import type { ClusterPicture, PartitionFacts, WorkerFacts } from "./cluster-picture.ts";

/** As `--json` prints it. */
export interface PoolFacts {
  readonly pool: string;
  readonly partitions: number;
  /** Living workers that take its partitions. */
  readonly workers: number;
  /** Those that give up theirs. */
  readonly draining: number;
  /** Actor types that belong to it. */
  readonly types: readonly string[];
  /** Those of them that none of its workers has. */
  readonly unserved: readonly string[];
  /** Partitions that need what none of its workers has: types, or later schema numbers of them. */
  readonly unmet: readonly Pick<PartitionFacts, "partition" | "needs">[];
  readonly owned: Waiting;
  readonly unowned: Waiting;
}

/** Some partitions, and what waits in them. */
export interface Waiting {
  readonly partitions: number;
  /** Those of them in which a message waits. */
  readonly waitingPartitions: number;
  readonly lag: number;
  /** How long the oldest message has waited; null when none waits. Unit: ms. */
  readonly oldestMs: number | null;
}

export function readPools({ workers, partitions, typePools }: ClusterPicture): readonly PoolFacts[] {
  const pools = [...new Set(partitions.map(({ pool }) => pool))].sort();
  return pools.map((pool): PoolFacts => {
    const serving = workers.filter(({ pools: served }) => served.includes(pool));
    const able = serving.filter(({ isDraining }) => !isDraining);
    const own = partitions.filter((partition) => partition.pool === pool);
    const types = [...typePools].flatMap(([type, home]) => (home === pool ? [type] : [])).sort();
    return {
      ...{ pool, partitions: own.length, workers: able.length, draining: serving.length - able.length, types },
      unserved: types.filter((type) => !serving.some((worker) => Object.hasOwn(worker.types, type))),
      unmet: own
        .filter((partition) => isUnmet(partition, serving))
        .map(({ partition, needs }) => ({ partition, needs })),
      owned: sumOf(own.filter(({ owner }) => owner !== null)),
      unowned: sumOf(own.filter(({ owner }) => owner === null)),
    };
  });
}

/** All of some partitions together. */
export function sumOf(partitions: readonly PartitionFacts[]): Waiting {
  const waits = partitions.flatMap(({ oldestMs }) => oldestMs ?? []);
  return {
    partitions: partitions.length,
    waitingPartitions: waits.length,
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    oldestMs: waits.length === 0 ? null : Math.max(...waits),
  };
}

function isUnmet({ needs }: PartitionFacts, workers: readonly WorkerFacts[]): boolean {
  return workers.length > 0 && !workers.some((worker) => canServe(worker, needs));
}
