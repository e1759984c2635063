// What a process that appends to and reads logs does on request.

import type { LoadResult } from "../load.ts";
import { drive } from "../load.ts";
import type { Done, LogSide } from "../side.ts";

export interface AppendOrder {
  /** Logs that are appended to in turn: `log0`, `log1`, … */
  readonly logs: number;
  readonly inFlight: number;
  readonly until: { readonly durationMs: number } | { readonly count: number };
}

export interface ReadOrder {
  readonly log: string;
  readonly count: number;
  readonly inFlight: number;
  readonly durationMs: number;
}

export interface LogCommands {
  driveAppends(order: AppendOrder): Promise<LoadResult>;
  driveReads(order: ReadOrder): Promise<LoadResult>;
  /** Resolves to how long one reading of the whole log takes, per turn read. */
  readAll(order: { readonly log: string; readonly times: number }): Promise<{ count: number; elapsedMs: number }>;
  /** Rejects unless these logs hold what was acknowledged. */
  verify(order: { readonly logs: number }): Promise<void>;
}

/** 300 bytes, as what a customer says. */
export const turnText = "What a customer says is about as long as this. ".repeat(7).slice(0, 300);

export function logCommands(side: LogSide): LogCommands {
  const acknowledged = new Map<string, number>();

  function append(log: string, done: Done): void {
    side.append(log, turnText, (failure, value) => {
      if (failure === undefined) acknowledged.set(log, (acknowledged.get(log) ?? 0) + 1);
      done(failure, value);
    });
  }

  return {
    driveAppends: ({ logs, inFlight, until }) =>
      drive({ inFlight, until, send: (at, done) => append(`log${at % logs}`, done) }),
    driveReads: ({ log, count, inFlight, durationMs }) =>
      drive({
        ...{ inFlight, until: { durationMs } },
        send: (_at, done) =>
          side.readLast(log, count, (failure, came) => {
            done(failure ?? (came === count ? undefined : new Error(`${came} of ${count} turns came`)), came);
          }),
      }),
    async readAll({ log, times }) {
      const startMs = performance.now();
      let count = 0;
      for (let time = 0; time < times; time += 1) count += await side.readAll(log);
      return { count, elapsedMs: performance.now() - startMs };
    },
    async verify({ logs }) {
      for (let at = 0; at < logs; at += 1) {
        const [found, wanted] = [await side.readAll(`log${at}`), acknowledged.get(`log${at}`) ?? 0];
        if (found !== wanted) throw new Error(`log${at} holds ${found} turns, ${wanted} were acknowledged`);
      }
    },
  };
}
