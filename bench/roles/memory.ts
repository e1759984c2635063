// What a process that writes to a memory, or holds replicas of it, does on request.

import { sharedNowMs } from "../clock.ts";
import type { LoadResult } from "../load.ts";
import { drive, pace } from "../load.ts";
import type { MemorySide } from "../side.ts";

export interface WriteRun {
  readonly perSecond: number;
  /** Writes carry `first`, `first + 1`, … so that their arrival can be told. */
  readonly first: number;
  readonly count: number;
}

/** On the shared clock, one moment for each write. */
export interface Written {
  readonly sentAtMs: readonly number[];
  readonly acknowledgedAtMs: readonly number[];
}

export interface MemoryCommands {
  writePaced(run: WriteRun): Promise<Written>;
  driveWrites(order: { readonly inFlight: number; readonly durationMs: number }): Promise<LoadResult>;
  openReplicas(order: { readonly count: number; readonly isShared: boolean }): Promise<void>;
  closeReplicas(): Promise<void>;
  /** The moments at which the last of this process's replicas showed the writes, once all have. */
  arrivals(order: { readonly first: number; readonly count: number }): Promise<number[]>;
  /** Unit: ns. */
  nsPerRead(): Promise<number>;
}

/** Facts that are written in turn. */
const names = Array.from({ length: 100 }, (_, at) => `fact${at}`);
const nameOf = (write: number): string => names[write % names.length] ?? "";
const arrivalMsMax = 10_000;
const readsWarm = 2_000_000;
const reads = 10_000_000;

export function memoryCommands(side: MemorySide): MemoryCommands {
  let replicas = 0;
  let arrived: { readonly count: number; readonly atMs: number }[] = [];
  let driven = 1_000_000_000;

  const whenShown = (write: number): number | undefined => {
    const seen = arrived[write];
    return seen !== undefined && seen.count >= replicas ? seen.atMs : undefined;
  };

  return {
    async writePaced({ perSecond, first, count }) {
      const sentAtMs: number[] = [];
      const acknowledgedAtMs = await pace({
        ...{ perSecond, count },
        send: (at, done) => {
          sentAtMs[at] = sharedNowMs();
          side.set(nameOf(at), { write: first + at }, done);
        },
      });
      return { sentAtMs, acknowledgedAtMs };
    },
    driveWrites: ({ inFlight, durationMs }) =>
      drive({ inFlight, until: { durationMs }, send: (at, done) => side.set(nameOf(at), { write: driven++ }, done) }),
    openReplicas({ count, isShared }) {
      replicas = count;
      arrived = [];
      return side.openReplicas(count, isShared, (write) => {
        if (write >= 1_000_000_000) return;
        const seen = arrived[write] ?? { count: 0, atMs: 0 };
        arrived[write] = { count: seen.count + 1, atMs: sharedNowMs() };
      });
    },
    closeReplicas: () => side.closeReplicas(),
    async arrivals({ first, count }) {
      const deadlineMs = performance.now() + arrivalMsMax;
      for (;;) {
        const shown = Array.from({ length: count }, (_, at) => whenShown(first + at));
        const there = shown.filter((moment) => moment !== undefined);
        if (there.length === count) return there;
        if (performance.now() > deadlineMs) throw new Error(`${count - there.length} of ${count} writes never arrived`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async nsPerRead() {
      side.read(nameOf(0), readsWarm);
      const beganMs = performance.now();
      side.read(nameOf(0), reads);
      return ((performance.now() - beganMs) * 1e6) / reads;
    },
  };
}
