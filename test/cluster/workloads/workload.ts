// What clients do during a run, and what must be true of it afterwards.

import type { Dice } from "../../sim/dice.ts";
import type { Caller, Fate } from "../caller.ts";

export const workloadNames = ["tokens", "transfers", "registers"] as const;

export type WorkloadName = (typeof workloadNames)[number];

/** Counts of one workload. An operation is `lost` or `repeated` when it took effect less or more often than its fate allows. */
export interface WorkloadCounts {
  readonly operations: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly lost: number;
  readonly repeated: number;
}

/** The states of the actors by key, as they are stored. */
export type Stored = ReadonlyMap<string, unknown>;

export interface Workload {
  readonly name: WorkloadName;
  /** Callers do something, one after the other in each lane. */
  readonly lanesPerCaller: number;
  /** Mean time between the end of one thing and the start of the next, in each lane. Unit: ms. */
  readonly everyMs: number;
  /** One thing from its start to its end, whatever that is. Rejects only with what no fault explains. */
  act(caller: Caller, dice: Dice): Promise<void>;
  /** Sees each committed state, in the order of the commits. `isGap`: some before it were missed. */
  saw(key: string, state: unknown, isGap: boolean): void;
  /** What was acknowledged and has not taken effect yet, as far as was seen. Empty when all is at rest. */
  missing(): readonly string[];
  /** After the end: reads what the owners answer, beside what is stored. */
  readBack?(caller: Caller): Promise<void>;
  /** How much of it was acknowledged so far. */
  readonly acknowledged: number;
  /** Everything that is wrong with what is stored at the end. */
  check(stored: Stored): { readonly counts: WorkloadCounts; readonly broken: readonly string[] };
}

/** Counts operations by fate, and those that took effect as often as they may not. */
export class Count {
  readonly #fates: Record<Fate, number> = { acknowledged: 0, unknown: 0, refused: 0 };
  #lost = 0;
  #repeated = 0;

  add(fate: Fate): void {
    this.#fates[fate] += 1;
  }

  /** Returns what is wrong with `seen` effects where `least` to `most` are due; undefined when nothing is. */
  compare(what: string, seen: number, [least, most]: readonly [number, number]): string | undefined {
    if (seen >= least && seen <= most) return undefined;
    if (seen < least) this.#lost += 1;
    else this.#repeated += 1;
    return `${what} took effect ${seen} times, ${least === most ? least : `${least} to ${most}`} are due`;
  }

  get counts(): WorkloadCounts {
    const { acknowledged, unknown, refused } = this.#fates;
    const operations = acknowledged + unknown + refused;
    return { operations, acknowledged, unknown, refused, lost: this.#lost, repeated: this.#repeated };
  }
}

/** How often each name stands in a list. */
export function countsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
