// What a worker's process does on request, besides its work.

import type { LoadResult } from "../load.ts";
import { drive } from "../load.ts";
import type { IdRange, WorkerSide } from "../side.ts";
import { idsOf } from "../side.ts";

export interface LocalOrder {
  readonly ids: IdRange;
  readonly inFlight: number;
  readonly durationMs: number;
}

export interface WorkerCommands {
  /** Asks from within the worker's own process. */
  driveLocal(order: LocalOrder): Promise<LoadResult>;
  /** See `WorkerSide.whenCommitted`. */
  whenCommitted(order: { readonly ids: IdRange; readonly total: number }): Promise<number>;
  /** Bytes that live in this process, on the heap and outside it, after full collections. */
  memory(): Promise<number>;
}

/** Longer than any round takes to commit: then a message was lost. Unit: ms. */
const commitMsMax = 60_000;

export function workerCommands(side: WorkerSide): WorkerCommands {
  return {
    driveLocal(order) {
      const ids = idsOf(order.ids);
      const { inFlight, durationMs } = order;
      const send = (at: number, done: Parameters<WorkerSide["ask"]>[2]): void =>
        side.ask(ids[at % ids.length] ?? "", 1, done);
      return drive({ inFlight, until: { durationMs }, send });
    },
    whenCommitted: ({ ids, total }) => inTime(side.whenCommitted(idsOf(ids), total)),
    memory: memoryNow,
  };
}

/** Bytes that live in this process, after full collections. */
export async function memoryNow(): Promise<number> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("this process was started without --expose-gc");
  // More than one collection: what finalizers and weak references hold is freed by a later one.
  for (let times = 0; times < 4; times += 1) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function inTime(committing: Promise<number>): Promise<number> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not committed after ${commitMsMax / 1_000} s`)), commitMsMax);
  try {
    return await Promise.race([committing, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
