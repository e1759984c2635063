// Reads the cluster bucket of an app.

import type { Troupe } from "../runtime/client.ts";
import { cursorKey, partitionKey, typeKey, workerKey } from "../runtime/subjects.ts";
import type { ClusterPicture } from "./cluster-picture.ts";
import { readCluster } from "./cluster-picture.ts";

/** `clockAheadMs`: how far the server's clock is ahead of ours. */
export async function loadCluster(
  { ports }: Troupe,
  pools: Readonly<Record<string, number>>,
  clockAheadMs: number,
): Promise<ClusterPicture> {
  const { cluster, clock } = ports;
  const [workers, types] = await Promise.all([cluster.list(workerKey("*")), cluster.list(typeKey("*"))]);
  const partitions = Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, at) => [partitionKey(pool, at), cursorKey(pool, at)]).flat(),
  );
  const entries = await cluster.getMany([...workers, ...types, ...partitions]);
  return readCluster(entries.values(), pools, clock.now() + clockAheadMs);
}
