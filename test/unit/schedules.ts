// Orders of calls by seed: TROUPE_ERASURE_SCHEDULES says how many are run, TROUPE_ERASURE_SEED from which on.

import { messageOf } from "../../src/core/errors.ts";

const firstSeed = Number(process.env.TROUPE_ERASURE_SEED ?? 1);

/** How many are run, unless somebody says otherwise. */
export function schedulesOf(most: number): number {
  return Number(process.env.TROUPE_ERASURE_SCHEDULES ?? most);
}

/** One after the other; whatever fails says of which seed it was. */
export async function runSchedules(count: number, run: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    try {
      await run(seed);
    } catch (thrown) {
      throw new Error(`seed ${seed}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}
