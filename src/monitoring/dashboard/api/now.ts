// The first view: is everything well, how much is done, who does it. GET /api/now is one NowView; GET /api/now/past the seconds before.

import type { Unhealthy } from "./page.ts";

export interface NowView {
  readonly atMs: number;
  readonly unhealthy: readonly Unhealthy[];
  readonly second: Second;
  readonly workers: readonly WorkerRow[];
  readonly pools: readonly PoolRow[];
  /** The busiest, by turns a second: at most 10. */
  readonly methods: readonly MethodRow[];
}

/** What all workers together did in the last second (rates), and how it stands (counts). One point of the charts. */
export interface Second {
  readonly atMs: number;
  /**
   * Messages whose turn is committed, or answered: each once, however often it ran. Those that failed were answered with an error or given
   * up on. Null: no worker has answered.
   */
  readonly turnsPerS: number | null;
  readonly asksPerS: number | null;
  readonly tellsPerS: number | null;
  readonly queriesPerS: number | null;
  readonly commitsPerS: number | null;
  readonly failedPerS: number | null;
  readonly retriedPerS: number | null;
  readonly deadPerS: number | null;
  readonly conflictsPerS: number | null;
  /** Of the turns that ended in that second; null when none did. */
  readonly turnP50Ms: number | null;
  readonly turnP95Ms: number | null;
  readonly turnP99Ms: number | null;
  readonly commitP50Ms: number | null;
  readonly commitP99Ms: number | null;
  /** Turns to a commit, on average. */
  readonly turnsPerCommit: number | null;
  /** Messages that wait behind the cursors, and the age of the oldest. */
  readonly lag: number;
  readonly oldestMs: number | null;
  readonly activations: number | null;
  readonly outboxPending: number | null;
  readonly workers: number;
  readonly unownedPartitions: number;
}

/** GET /api/now/past: at most 600 seconds, oldest first. */
export interface PastView {
  readonly seconds: readonly Second[];
}

export interface WorkerRow {
  readonly worker: string;
  /** From 0: its own while it lives, in all that this dashboard says. */
  readonly nth: number;
  readonly name: string | null;
  readonly pools: readonly string[];
  readonly types: readonly string[];
  readonly pid: number | null;
  readonly state: "serves" | "drains" | "silent";
  readonly partitions: number;
  readonly lag: number;
  readonly leaseMs: number;
  readonly upMs: number | null;
  /** From the worker's own figures; null while it does not answer. */
  readonly turnsPerS: number | null;
  readonly turnP99Ms: number | null;
  readonly failedPerS: number | null;
  readonly activations: number | null;
  readonly heapBytes: number | null;
  /** Share of the last second in which its event loop was busy, 0 to 1. */
  readonly busy: number | null;
}

export interface PoolRow {
  readonly pool: string;
  /** By number: who owns it, what waits in it. */
  readonly partitions: readonly PartitionCell[];
}

export interface PartitionCell {
  readonly partition: number;
  readonly owner: string | null;
  readonly epoch: number;
  readonly lag: number;
  readonly oldestMs: number | null;
}

export interface MethodRow {
  readonly type: string;
  readonly method: string;
  readonly turn: "tell" | "ask" | "query";
  readonly perS: number;
  readonly failedPerS: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}
