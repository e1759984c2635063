// Who lives and who owns what, as the cluster bucket says: pure reading of its entries.

import { decodeText } from "../core/codec.ts";
import { partitionOf } from "../core/partition.ts";
import type { KvEntry } from "../kv/store.ts";
import { leaseTtlMs, readRecord } from "../runtime/ownership.ts";

export interface WorkerFacts {
  readonly worker: string;
  readonly pool: string;
  readonly pid: number | undefined;
  /** Actor types that it has. */
  readonly actors: readonly string[];
  readonly startedAt: string | undefined;
  readonly partitions: number;
  /** What is left of its lease. Unit: ms. */
  readonly leaseMs: number;
}

export interface PartitionFacts {
  readonly pool: string;
  readonly partition: number;
  /** Undefined: nobody owns it, or its owner's lease is over. */
  readonly owner: string | undefined;
  readonly epoch: number;
  readonly cursor: number;
}

export interface ClusterPicture {
  readonly workers: readonly WorkerFacts[];
  readonly partitions: readonly PartitionFacts[];
}

interface WorkerRecord {
  readonly pid?: number;
  readonly actors?: readonly string[];
  readonly pool?: string;
  readonly startedAt?: string;
}

/** `pools`: the partitions of each. `serverMs`: the server's time, by which leases end. */
export function readCluster(
  entries: Iterable<KvEntry>,
  pools: Readonly<Record<string, number>>,
  serverMs: number,
): ClusterPicture {
  const records = new Map<string, KvEntry>();
  for (const entry of entries) records.set(entry.key, entry);
  const living = [...records.values()].filter(({ key }) => key.startsWith("worker."));
  const names = new Set(living.map(({ key }) => key.slice("worker.".length)));
  const partitions = Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, partition): PartitionFacts => {
      const entry = records.get(`partition.${pool}.${partition}`);
      const { owner, epoch, cursor } =
        entry === undefined ? { owner: "", epoch: 0, cursor: 0 } : readRecord(entry.value);
      return { pool, partition, owner: names.has(owner) ? owner : undefined, epoch, cursor };
    }),
  );
  const workers = living.map((entry): WorkerFacts => {
    const worker = entry.key.slice("worker.".length);
    const { pid, actors = [], pool = "main", startedAt } = parseWorker(entry.value);
    return {
      ...{ worker, pool, pid, actors, startedAt },
      partitions: partitions.filter(({ owner }) => owner === worker).length,
      leaseMs: Math.max(0, entry.writtenAtMs + leaseTtlMs - serverMs),
    };
  });
  return { workers: workers.sort((a, b) => a.worker.localeCompare(b.worker)), partitions };
}

/** Where an actor lives: in the pool whose workers have its type, else in `poolElse`. */
export function placeOf(
  key: string,
  { workers, partitions }: ClusterPicture,
  pools: Readonly<Record<string, number>>,
  poolElse: string,
): PartitionFacts | undefined {
  const dot = key.indexOf(".");
  const type = key.slice(0, dot);
  const pool = workers.find(({ actors }) => actors.includes(type))?.pool ?? poolElse;
  const count = pools[pool];
  if (count === undefined) return undefined;
  const number = partitionOf(type, key.slice(dot + 1), count);
  return partitions.find((each) => each.pool === pool && each.partition === number);
}

function parseWorker(value: Uint8Array): WorkerRecord {
  try {
    return JSON.parse(decodeText(value)) as WorkerRecord;
  } catch {
    // Of another version: it lives, and that is all that is known of it.
    return {};
  }
}
