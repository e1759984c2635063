// What a process that runs workflows does on request.

import type { LoadResult } from "../load.ts";
import { drive } from "../load.ts";
import type { WorkflowSide } from "../side.ts";
import { memoryNow } from "./worker.ts";

export interface RunOrder {
  readonly prefix: string;
  readonly count: number;
  readonly inFlight: number;
}

export interface WorkflowCommands {
  /** Runs of five tasks, each from its start to its end. `cpuUsPerRun`: of this process, all its threads. */
  driveRuns(order: {
    readonly prefix: string;
    readonly inFlight: number;
    readonly durationMs: number;
  }): Promise<LoadResult & { readonly cpuUsPerRun: number }>;
  /** Starts runs that wait for a signal. */
  wait(order: RunOrder): Promise<LoadResult>;
  /** Signals those runs; each answers when it is over. */
  wake(order: RunOrder): Promise<LoadResult>;
  /** Bytes of the buckets on the server. */
  bytes(): Promise<number>;
  memory(): Promise<number>;
}

export function workflowCommands(side: WorkflowSide): WorkflowCommands {
  return {
    driveRuns: async ({ prefix, inFlight, durationMs }) => {
      const before = process.cpuUsage();
      const driven = await drive({
        ...{ inFlight, until: { durationMs } },
        send: (at, done) => side.run(`${prefix}${at}`, done),
      });
      const { user, system } = process.cpuUsage(before);
      return { ...driven, cpuUsPerRun: (user + system) / driven.count };
    },
    wait: ({ prefix, count, inFlight }) =>
      drive({ inFlight, until: { count }, send: (at, done) => side.wait(`${prefix}${at}`, done) }),
    wake: ({ prefix, count, inFlight }) =>
      drive({ inFlight, until: { count }, send: (at, done) => side.wake(`${prefix}${at}`, done) }),
    bytes: () => side.bytes(),
    memory: memoryNow,
  };
}
