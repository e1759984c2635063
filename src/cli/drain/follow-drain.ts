// Follows a worker that drains: how many partitions it has left, until its lease is gone.

import { Replica } from "../../kv/replica.ts";
import type { TroupeClient } from "../../runtime/client.ts";
import type { Directory } from "../../runtime/directory.ts";
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
  const leftIn = (directory: Directory) =>
    Array.from({ length: directory.partitionCount }, (_, at) => at).filter(
      (partition) => directory.recordOf(partition).owner === worker,
    );
  const countLeft = () => directories.reduce((sum, directory) => sum + leftIn(directory).length, 0);
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
    // Its lease goes last, but may be seen to have gone first.
    await Promise.all(directories.map((directory) => directory.refreshAll(leftIn(directory)).catch(() => undefined)));
    return { isGone: replica.get(key) === undefined, partitionsLeft: countLeft() };
  } finally {
    cancel();
    cancelTelling();
    await replica.close();
  }
}
