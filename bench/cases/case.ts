// What a case is: how to set up one side, warm it up, and take one sample.

import type { CommandsOf } from "../child.ts";
import type { Child } from "../processes.ts";
import type { Role, SideName } from "../side.ts";

/** How long and how large. A quick run shows the order of magnitude, a full one the figures. */
export interface Scale {
  readonly rounds: number;
  readonly warmMs: number;
  readonly roundMs: number;
  /** Actors that `activate` wakes in one round. */
  readonly coldActors: number;
  /** Actors that `memory.idle` holds in one round. */
  readonly idleActors: number;
  /** Runs that wait in `workflow.resume` and `workflow.waiting`: three thousand or more. */
  readonly waitingRuns: number;
  /** Workers that `failover.*` kills. */
  readonly kills: number;
  /** Workers that join in `scale.join`. */
  readonly joins: number;
}

export const fullScale: Scale = {
  ...{ rounds: 3, warmMs: 1_500, roundMs: 2_500, coldActors: 5_000, idleActors: 30_000 },
  waitingRuns: 10_000,
  ...{ kills: 20, joins: 5 },
};
export const quickScale: Scale = {
  ...{ rounds: 3, warmMs: 600, roundMs: 300, coldActors: 1_000, idleActors: 20_000 },
  waitingRuns: 3_000,
  ...{ kills: 3, joins: 2 },
};

/** One side's place in a run of a case. Processes that it starts are ended with the run. */
export interface Stage {
  readonly side: SideName;
  readonly scale: Scale;
  /**
   * Starts a process of this side. Its streams are there: Troupe's worker makes its own, the others get copies of them.
   */
  start<R extends Role>(role: R): Promise<Child<CommandsOf[R]>>;
}

export interface Sample {
  /** In the case's unit. */
  readonly figure: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** One side, set up for one case. */
export interface Rig {
  warm(): Promise<void>;
  /** Takes one sample. Rounds are numbered from 0. */
  round(round: number): Promise<Sample>;
  /** Rejects when the work that was measured was not done in full. */
  check?(): Promise<void>;
}

/** A figure that is wanted from Troupe, and the bound that it has to keep. */
export interface Wanted {
  readonly of: "ratio_raw" | "ratio_limit" | "ours";
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface BenchCase {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly isLowerBetter?: boolean;
  readonly wanted?: Wanted;
  /** Sides for which the case means something. Default: all. */
  readonly sides?: readonly SideName[];
  open(stage: Stage): Promise<Rig>;
}
