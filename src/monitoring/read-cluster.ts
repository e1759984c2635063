// Reads the cluster bucket of an app, and what waits in its mail.

import type { KvEntry } from "../kv/store.ts";
import type { Troupe } from "../runtime/client.ts";
import type { Inspector } from "../runtime/inspect.ts";
import type { Lag } from "../runtime/inspect-lag.ts";
import { noLag } from "../runtime/inspect-lag.ts";
import { cursorKey, partitionKey, typeKey, workerKey } from "../runtime/subjects.ts";
import type { ClusterPicture, WorkerFacts } from "./cluster-picture.ts";
import { cursorOf, placeOf, readCluster } from "./cluster-picture.ts";

/** Questions to the server that are under way at once. */
const atOnce = 64;

/** `clockAheadMs`: how far the server's clock is ahead of ours. */
export async function loadCluster(
  { ports }: Troupe,
  inspector: Inspector,
  pools: Readonly<Record<string, number>>,
  clockAheadMs: number,
): Promise<ClusterPicture> {
  const { cluster, clock } = ports;
  const [workers, types] = await Promise.all([cluster.list(workerKey("*")), cluster.list(typeKey("*"))]);
  const partitions = Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, at) => [partitionKey(pool, at), cursorKey(pool, at)]).flat(),
  );
  const records = await cluster.getMany([...workers, ...types, ...partitions]);
  const lags = await loadLags(inspector, pools, records);
  const lagOf = (pool: string, partition: number) => lags.get(partitionKey(pool, partition)) ?? noLag;
  return readCluster(records.values(), { pools, serverMs: clock.now() + clockAheadMs, lagOf });
}

/** Those that live; what they own is not looked at. */
export async function loadWorkers({ ports: { cluster, clock } }: Troupe): Promise<readonly WorkerFacts[]> {
  const entries = await cluster.getMany(await cluster.list(workerKey("*")));
  return readCluster(entries.values(), { pools: {}, serverMs: clock.now(), lagOf: () => noLag }).workers;
}

/** How far the partition that an actor lives in is done, as saved, by the actor's key; 0 when that is not known. */
export async function loadCursors(
  { ports: { cluster, pool } }: Troupe,
  pools: Readonly<Record<string, number>>,
): Promise<(key: string) => number> {
  const cursors = Object.entries(pools).flatMap(([pool, partitions]) =>
    Array.from({ length: partitions }, (_, at) => cursorKey(pool, at)),
  );
  const records = await cluster.getMany([...(await cluster.list(typeKey("*"))), ...cursors]);
  const picture = readCluster(records.values(), { pools, serverMs: 0, lagOf: () => noLag });
  return (key) => placeOf(key, picture, pools, pool)?.cursor ?? 0;
}

/** By the keys of the partitions: what waits behind the cursor of each. Rejects as `Inspector.lagOf` does. */
export async function loadLags(
  inspector: Inspector,
  pools: Readonly<Record<string, number>>,
  records: ReadonlyMap<string, KvEntry>,
): Promise<ReadonlyMap<string, Lag>> {
  const lags = new Map<string, Lag>();
  const all = Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, partition) => ({ pool, partition })),
  );
  for (let at = 0; at < all.length; at += atOnce) {
    const reading = all.slice(at, at + atOnce).map(async ({ pool, partition }) => {
      const lag = await inspector.lagOf(pool, partition, cursorOf(records, pool, partition));
      lags.set(partitionKey(pool, partition), lag);
    });
    await Promise.all(reading);
  }
  return lags;
}
