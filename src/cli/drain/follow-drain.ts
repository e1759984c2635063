// Follows a worker that drains: how many partitions it has left, until its lease is gone.

import { Replica } from "../../kv/replica.ts";
import type { TroupeClient } from "../../runtime/client.ts";
import { workerKey } from "../../runtime/subjects.ts";

export interface FollowOptions {
  readonly troupe: TroupeClient;
  readonly worker: string;
  readonly pools: readonly string[];
  readonly timeoutMs: number;
  /** Told from time to time while it changes. */
  readonly onProgress: (partitionsLeft: number) => void;
}

export interface DrainEnd {
  /** False: it still lives when the time is over. */
  readonly isGone: boolean;
  /** Partitions that it has not given back. */
  readonly partitionsLeft: number;
}

/** Progress is told at most once in that time. Unit: ms. */
const tellEveryMs = 500;

/** Rejects as a store's `watch` does. */
export async function followDrain(options: FollowOptions): Promise<DrainEnd> {
  const { troupe, worker, pools, timeoutMs, onProgress } = options;
  const { cluster, clock } = troupe.ports;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const directories = await Promise.all(pools.map((pool) => troupe.routes.openDirectory(pool)));
  const countLeft = () =>
    directories.reduce((sum, directory) => {
      const owners = Array.from({ length: directory.partitionCount }, (_, at) => directory.recordOf(at).owner);
      return sum + owners.filter((owner) => owner === worker).length;
    }, 0);
  const key = workerKey(worker);
  let replica: Replica | undefined;
  const look = () => {
    if (replica !== undefined && replica.get(key) === undefined) end();
  };
  replica = await Replica.open({ store: cluster, pattern: key, clock, onChange: look });
  look();
  let told = Number.NaN;
  let cancelTelling = () => {};
  const tell = () => {
    const left = countLeft();
    if (left !== told) onProgress(left);
    told = left;
    cancelTelling = clock.after(tellEveryMs, tell);
  };
  const cancel = clock.after(timeoutMs, end);
  cancelTelling = clock.after(tellEveryMs, tell);
  try {
    await over;
    return { isGone: replica.get(key) === undefined, partitionsLeft: countLeft() };
  } finally {
    cancel();
    cancelTelling();
    await replica.close();
  }
}
