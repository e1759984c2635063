// Who lives and who owns what, as the cluster bucket says: pure reading of its entries.

import { decodeText } from "../core/codec.ts";
import { partitionOf } from "../core/partition.ts";
import type { KvEntry } from "../kv/store.ts";
import { readRecord } from "../runtime/directory.ts";
import { leaseTtlMs } from "../runtime/lease.ts";
import { readMember } from "../runtime/membership.ts";
import { readCursor } from "../runtime/ownership.ts";
import { cursorKey, partitionKey, typeKey, workerKey } from "../runtime/subjects.ts";
import { readFacts } from "../runtime/type-registry.ts";

export interface WorkerFacts {
  readonly worker: string;
  /** What its operator calls it. */
  readonly name: string | undefined;
  readonly pools: readonly string[];
  readonly pid: number | undefined;
  /** Actor types that it has. */
  readonly actors: readonly string[];
  /** It gives up what it has. */
  readonly isDraining: boolean;
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
  /** The pool of each actor type that a worker ever had. */
  readonly typePools: ReadonlyMap<string, string>;
}

interface WorkerRecord {
  readonly pid?: number;
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
  const living = [...records.values()].filter(({ key }) => key.startsWith(workerKey("")));
  const names = new Set(living.map(({ key }) => key.slice(workerKey("").length)));
  const partitions = Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, partition): PartitionFacts => {
      const entry = records.get(partitionKey(pool, partition));
      const { owner, epoch } = entry === undefined ? { owner: "", epoch: 0 } : readRecord(entry.value);
      const place = records.get(cursorKey(pool, partition));
      const cursor = place === undefined ? 0 : readCursor(place.value).cursor;
      return { pool, partition, owner: names.has(owner) ? owner : undefined, epoch, cursor };
    }),
  );
  const workers = living.map((entry): WorkerFacts => {
    const worker = entry.key.slice(workerKey("").length);
    const { name, pools: served, types, isDraining } = readMember(worker, entry.value);
    const { pid, startedAt } = parseWorker(entry.value);
    return {
      ...{ worker, name, pools: served, pid, actors: Object.keys(types), isDraining, startedAt },
      partitions: partitions.filter(({ owner }) => owner === worker).length,
      leaseMs: Math.max(0, entry.writtenAtMs + leaseTtlMs - serverMs),
    };
  });
  const types = [...records.values()].filter(({ key }) => key.startsWith(typeKey("")));
  const typePools = new Map(types.map(({ key, value }) => [key.slice(typeKey("").length), readFacts(value).pool]));
  return { workers: workers.sort((a, b) => a.worker.localeCompare(b.worker)), partitions, typePools };
}

/** Where an actor lives: in the pool that its type is registered in, else in `poolElse`. */
export function placeOf(
  key: string,
  { typePools, partitions }: ClusterPicture,
  pools: Readonly<Record<string, number>>,
  poolElse: string,
): PartitionFacts | undefined {
  const dot = key.indexOf(".");
  const type = key.slice(0, dot);
  const pool = typePools.get(type) ?? poolElse;
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
