// What a process that writes to or watches a bucket does on request.

import { sharedNowMs } from "../clock.ts";
import type { LoadResult } from "../load.ts";
import { drive, pace } from "../load.ts";
import type { StoreSide } from "../side.ts";

export interface UpdateOrder {
  readonly keys: number;
  readonly inFlight: number;
  readonly durationMs: number;
}

export interface PaceOrder {
  readonly keys: number;
  readonly perSecond: number;
  /** Writes carry `first`, `first + 1`, … so that their arrival can be told. */
  readonly first: number;
  readonly count: number;
}

export interface StoreCommands {
  driveUpdates(order: UpdateOrder): Promise<LoadResult>;
  /** Resolves to the moment of each write's acknowledgement. */
  writePaced(order: PaceOrder): Promise<number[]>;
  startWatch(): Promise<void>;
  /** Resolves to the moments at which the writes `first` to `first + count - 1` arrived, once all have. */
  arrivals(order: { readonly first: number; readonly count: number }): Promise<number[]>;
}

const arrivalMsMax = 10_000;
const decoder = new TextDecoder();

export function storeCommands(side: StoreSide): StoreCommands {
  const arrivedAtMs: number[] = [];

  return {
    driveUpdates({ keys, inFlight, durationMs }) {
      const send = (at: number, done: Parameters<StoreSide["update"]>[2]): void =>
        side.update(`bench.k${at % keys}`, JSON.stringify({ state: { count: at }, commit: "0123456789" }), done);
      return drive({ inFlight, until: { durationMs }, send });
    },
    writePaced: ({ keys, perSecond, first, count }) =>
      pace({
        perSecond,
        count,
        send: (at, done) => side.update(`bench.k${at % keys}`, JSON.stringify({ write: first + at }), done),
      }),
    startWatch: () =>
      side.watch((value) => {
        const now = sharedNowMs();
        const { write } = JSON.parse(decoder.decode(value)) as { readonly write: number };
        arrivedAtMs[write] ??= now;
      }),
    async arrivals({ first, count }) {
      const deadlineMs = performance.now() + arrivalMsMax;
      for (;;) {
        const moments = Array.from({ length: count }, (_, at) => arrivedAtMs[first + at]);
        const there = moments.filter((moment) => moment !== undefined);
        if (there.length === count) return there;
        if (performance.now() > deadlineMs) throw new Error(`${count - there.length} of ${count} writes never arrived`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
