// Looks for the seed that notices a canary.

import { simulate } from "./run.ts";
import type { Sabotage } from "./sabotage.ts";
import { canarySeedsMax, sabotages } from "./sabotage.ts";

export interface Catch {
  readonly seed: number;
  /** The fault that was reported, of one of the laws that the mistake breaks. */
  readonly fault: string;
}

/** The first seed from `from` on that notices it, of at most 500; undefined when none does. */
export async function findCatch(sabotage: Sabotage, from: number, most = canarySeedsMax): Promise<Catch | undefined> {
  const { breaks } = sabotages[sabotage];
  for (let seed = from; seed < from + most; seed += 1) {
    const { faults } = await simulate(seed, sabotage);
    const fault = faults.find((each) => breaks.some((law) => each.startsWith(`${law}:`)));
    if (fault !== undefined) return { seed, fault };
  }
  return undefined;
}
