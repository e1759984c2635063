// Reads the cluster bucket of an app.

import type { Troupe } from "../runtime/client.ts";
import { partitionKey } from "../runtime/subjects.ts";
import type { ClusterPicture } from "./cluster-picture.ts";
import { readCluster } from "./cluster-picture.ts";

/** `clockAheadMs`: how far the server's clock is ahead of ours. */
export async function loadCluster(
  { ports }: Troupe,
  pools: Readonly<Record<string, number>>,
  clockAheadMs: number,
): Promise<ClusterPicture> {
  const { cluster, clock } = ports;
  const workers = await cluster.list("worker.*");
  const partitions = Object.entries(pools).flatMap(([pool, count]) =>
    Array.from({ length: count }, (_, partition) => partitionKey(pool, partition)),
  );
  const entries = await cluster.getMany([...workers, ...partitions]);
  return readCluster(entries.values(), pools, clock.now() + clockAheadMs);
}
