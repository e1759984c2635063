// The whole runtime in memory, by seed: `npm run sim` runs new ones, these are always run. What a seed finds is fixed with
// a test of its own, since a seed means another run as soon as the runtime does one thing more or less.

import { expect, test } from "vitest";
import { simulate } from "../sim/run.ts";
import type { Sabotage } from "../sim/sabotage.ts";
import { sabotages } from "../sim/sabotage.ts";

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);
/** With these a broken promise must have been noticed at least once. */
const canarySeedsMax = 60;

test("all promises hold under faults, and everything comes to its end when they are over", async () => {
  for (const seed of seeds) {
    const { faults } = await simulate(seed);
    expect(faults, `replay it with its trace: npm run sim -- --seed ${seed}`).toEqual([]);
  }
});

test("the same seed gives the same run, to the last event", async () => {
  for (const seed of [3, 14, 15, 92, 65, 35]) {
    const [first, second, other] = [await simulate(seed), await simulate(seed), await simulate(seed + 1)];
    expect(first.trace.length).toBeGreaterThan(100);
    expect(second.digest).toBe(first.digest);
    expect(other.digest).not.toBe(first.digest);
  }
});

test.each(Object.entries(sabotages))("canary: %s is noticed, as a broken %s", async (sabotage, promises) => {
  const isNoticed = (fault: string) => promises.breaks.some((promise) => fault.startsWith(`${promise}:`));
  for (let seed = 1; seed <= canarySeedsMax; seed += 1) {
    const { faults } = await simulate(seed, sabotage as Sabotage);
    if (faults.some(isNoticed)) return;
  }
  throw new Error(`in ${canarySeedsMax} runs nobody has noticed`);
});
