// Who lives and who owns what, as the cluster bucket says: pure reading of its entries.

import { decodeText } from "../core/codec.ts";
import { partitionOf } from "../core/partition.ts";
import type { KvEntry } from "../kv/store.ts";
import { readRecord } from "../runtime/directory.ts";
import type { Lag } from "../runtime/inspect-lag.ts";
import { leaseTtlMs } from "../runtime/lease.ts";
import { readMember } from "../runtime/membership.ts";
import { readCursor } from "../runtime/ownership.ts";
import type { Needs } from "../runtime/placement.ts";
import { noNeeds } from "../runtime/placement.ts";
import { cursorKey, partitionKey, typeKey, workerKey, workerOf } from "../runtime/subjects.ts";
import { readFacts } from "../runtime/type-registry.ts";

/** As `--json` prints it; null where nothing is known. */
export interface WorkerFacts {
  readonly worker: string;
  /** What its operator calls it. */
  readonly name: string | null;
  /** The pools whose partitions it takes. */
  readonly pools: readonly string[];
  readonly pid: number | null;
  /** Actor types that it has. */
  readonly actors: readonly string[];
  /** The same, each with the schema number of its code. */
  readonly types: Readonly<Record<string, number>>;
  /** It gives up what it has. */
  readonly isDraining: boolean;
  readonly startedAt: string | null;
  /** How many it owns. */
  readonly partitions: number;
  /** Messages that wait in them. */
  readonly lag: number;
  /** What is left of its lease. Unit: ms. */
  readonly leaseMs: number;
}

/** As `--json` prints it; null where nobody is. */
export interface PartitionFacts {
  readonly pool: string;
  readonly partition: number;
  /** Null: nobody owns it, or its owner's lease is over. */
  readonly owner: string | null;
  readonly epoch: number;
  readonly cursor: number;
  /** Messages behind the cursor, which is saved about once a second. */
  readonly lag: number;
  /** How long the oldest of them has waited; null when none waits. Unit: ms. */
  readonly oldestMs: number | null;
  /** The schema numbers that its owner must have, by type. */
  readonly needs: Needs;
}

export interface ClusterPicture {
  readonly workers: readonly WorkerFacts[];
  readonly partitions: readonly PartitionFacts[];
  /** The pool of each actor type that a worker ever had. */
  readonly typePools: ReadonlyMap<string, string>;
}

/** What is read besides the entries. */
export interface Surroundings {
  /** The partitions of each pool. */
  readonly pools: Readonly<Record<string, number>>;
  /** The server's time, by which leases end and messages wait. */
  readonly serverMs: number;
  readonly lagOf: (pool: string, partition: number) => Lag;
}

interface WorkerRecord {
  readonly pid?: number;
  readonly startedAt?: string;
}

export function readCluster(entries: Iterable<KvEntry>, surroundings: Surroundings): ClusterPicture {
  const records = new Map<string, KvEntry>();
  for (const entry of entries) records.set(entry.key, entry);
  const living = [...records.values()].filter(({ key }) => key.startsWith(workerKey("")));
  const names = new Set(living.map(({ key }) => workerOf(key)));
  const partitions = readPartitions(records, names, surroundings);
  const workers = living.map((entry) => readWorker(entry, partitions, surroundings.serverMs));
  const types = [...records.values()].filter(({ key }) => key.startsWith(typeKey("")));
  const typePools = new Map(
    types.map(({ key, value }) => [key.slice(typeKey("").length), readFacts(value)?.pool ?? "main"]),
  );
  return { workers: workers.sort(byName), partitions, typePools };
}

/** How far a pool's partition is done; 0 when nobody ever had it. */
export function cursorOf(records: ReadonlyMap<string, KvEntry>, pool: string, partition: number): number {
  const entry = records.get(cursorKey(pool, partition));
  return entry === undefined ? 0 : readCursor(entry.value).cursor;
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

/** What people call the worker: its name if no other has it, else its id. Ids that no living worker has stay as they are. */
export function callWorker(id: string, workers: readonly Pick<WorkerFacts, "worker" | "name">[]): string {
  const name = workers.find(({ worker }) => worker === id)?.name ?? null;
  const isOnly = workers.filter((worker) => worker.name === name).length === 1;
  return name !== null && isOnly ? name : id;
}

function readPartitions(
  records: ReadonlyMap<string, KvEntry>,
  living: ReadonlySet<string>,
  { pools, serverMs, lagOf }: Surroundings,
): readonly PartitionFacts[] {
  return Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, partition): PartitionFacts => {
      const entry = records.get(partitionKey(pool, partition));
      const { owner, epoch, needs } = entry === undefined ? unknownRecord : readRecord(entry.value);
      const { messages, sinceMs } = lagOf(pool, partition);
      return {
        ...{ pool, partition, owner: living.has(owner) ? owner : null, epoch },
        ...{ cursor: cursorOf(records, pool, partition), lag: messages },
        oldestMs: sinceMs === undefined ? null : Math.max(0, Math.round(serverMs - sinceMs)),
        needs,
      };
    }),
  );
}

const unknownRecord = { owner: "", epoch: 0, needs: noNeeds };

function readWorker(entry: KvEntry, partitions: readonly PartitionFacts[], serverMs: number): WorkerFacts {
  const worker = workerOf(entry.key);
  const { name, pools, types, isDraining } = readMember(worker, entry.value);
  const { pid, startedAt } = parseWorker(entry.value);
  const own = partitions.filter(({ owner }) => owner === worker);
  return {
    ...{ worker, name: name ?? null, pools, pid: pid ?? null, actors: Object.keys(types), types, isDraining },
    startedAt: startedAt ?? null,
    partitions: own.length,
    lag: own.reduce((sum, { lag }) => sum + lag, 0),
    leaseMs: Math.max(0, entry.writtenAtMs + leaseTtlMs - serverMs),
  };
}

/** Those with a name first. */
function byName(a: WorkerFacts, b: WorkerFacts): number {
  if ((a.name === null) !== (b.name === null)) return a.name === null ? 1 : -1;
  return (a.name ?? "").localeCompare(b.name ?? "") || a.worker.localeCompare(b.worker);
}

function parseWorker(value: Uint8Array): WorkerRecord {
  try {
    return JSON.parse(decodeText(value)) as WorkerRecord;
  } catch {
    // Of another version: it lives, and that is all that is known of it.
    return {};
  }
}
