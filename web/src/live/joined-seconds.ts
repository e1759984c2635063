// The seconds that the charts show, put together from what was read and what came live.

import type { Second } from "../../../src/monitoring/dashboard/api/now.ts";

const secondsMax = 600;
/** Between two that follow each other nothing is missing: one may come a little late. Unit: ms. */
const stepMsMax = 2_500;

/** Both lists in order of time, each second once: what was read of the past, and what has come live since. */
export function joined(past: readonly Second[], fresh: readonly Second[]): readonly Second[] {
  const lastMs = past.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  return [...past, ...fresh.filter(({ atMs }) => atMs > lastMs)].slice(-secondsMax);
}

export interface Moment {
  readonly atMs: number;
  /** Null: nothing is known of that time. */
  readonly second: Second | null;
}

/** With a moment of which nothing is known wherever some are missing: no line is drawn through a time that nobody has seen. */
export function withGaps(seconds: readonly Second[]): readonly Moment[] {
  return seconds.flatMap((second, at): Moment[] => {
    const beforeMs = seconds[at - 1]?.atMs ?? second.atMs;
    const here = { atMs: second.atMs, second };
    return second.atMs - beforeMs > stepMsMax ? [{ atMs: beforeMs + 1, second: null }, here] : [here];
  });
}
