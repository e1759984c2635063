// What the probes of one outage come to. An outage begins with a signal to one worker's process; probes are asks that
// are sent at a steady pace whatever becomes of those before, so that one that was under way hides no other.

import { percentile } from "../stats.ts";

/** One ask. Moments are on the shared clock. */
export interface Probe {
  readonly id: string;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** The process that answered; 0 when it failed. */
  readonly by: number;
  /** Code of the error. */
  readonly failure?: string;
}

export interface Outage {
  /** Of each actor: from the signal to the first answer by another process to an ask that was sent after the signal. */
  readonly backAfterMs: readonly number[];
  /** Of all asks that were answered, also of other actors, and those that were sent before the signal. */
  readonly longestMs: number;
  /** How many failed, by code. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface Signalled {
  /** The actors that lived with the victim. */
  readonly ids: readonly string[];
  /** The victim's process. */
  readonly victim: number;
  readonly atMs: number;
}

/** Throws when an actor never answered again: the probes ended too early. */
export function outageOf(probes: readonly Probe[], { ids, victim, atMs }: Signalled): Outage {
  const backAt = new Map<string, number>(ids.map((id) => [id, Number.POSITIVE_INFINITY]));
  const failures: Record<string, number> = {};
  let longestMs = 0;
  for (const { id, sentAtMs, endedAtMs, by, failure } of probes) {
    if (failure === undefined) longestMs = Math.max(longestMs, endedAtMs - sentAtMs);
    else failures[failure] = (failures[failure] ?? 0) + 1;
    const soFarMs = backAt.get(id);
    const counts = failure === undefined && by !== victim && sentAtMs >= atMs;
    if (counts && soFarMs !== undefined) backAt.set(id, Math.min(soFarMs, endedAtMs));
  }
  const silent = [...backAt].filter(([, at]) => !Number.isFinite(at)).map(([id]) => id);
  if (silent.length > 0) throw new Error(`never answered again: ${silent.join(", ")}`);
  return { backAfterMs: [...backAt.values()].map((at) => at - atMs), longestMs, failures };
}

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9), max: percentile(sorted, 1) };
}

/** `OUTCOME_UNKNOWN 3, ASK_TIMEOUT 1`; empty for none. */
export function printFailures(failures: Readonly<Record<string, number>>): string {
  return Object.entries(failures)
    .map(([code, count]) => `${code} ${count}`)
    .join(", ");
}

/** Adds up counts of failures by code. */
export function sumFailures(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const failures of all) {
    for (const [code, count] of Object.entries(failures)) sum[code] = (sum[code] ?? 0) + count;
  }
  return sum;
}
