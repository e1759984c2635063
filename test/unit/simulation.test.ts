// The whole runtime in memory, by seed: `npm run sim` runs new ones, these are always run. test/sim/README.md tells what
// the simulation does and what its canaries are.

import { expect, test } from "vitest";
import { findCatch } from "../sim/canaries.ts";
import type { SeedResult } from "../sim/many.ts";
import { runSeedsShared } from "../sim/many.ts";
import { readWish } from "../sim/options.ts";
import { simulate } from "../sim/run.ts";
import type { Sabotage } from "../sim/sabotage.ts";
import { sabotages } from "../sim/sabotage.ts";
import { keptSeeds } from "../sim/seeds.ts";

/** CI runs 1,000 beside these: `npm run sim -- --seeds 1000 --from 1`. */
const seeds = 200;
const seedsMsMax = 600_000;
/** A canary that is not caught by its seed any more, since the runtime has changed, is looked for. */
const searchMsMax = 240_000;

test.each(keptSeeds)("seed $seed, which once failed, holds all promises", async ({ seed, story }) => {
  const { faults } = await simulate(seed);
  expect(faults, `${story}\nreplay it with its trace: npm run sim -- --seed ${seed} --trace`).toEqual([]);
});

test(
  `in ${seeds} runs all promises hold under faults, and everything comes to its end when they are over`,
  async () => {
    const failed: SeedResult[] = [];
    let runs = 0;
    await runSeedsShared({ from: 1, count: seeds }, 2, (result) => {
      runs += 1;
      if (result.faults.length > 0) failed.push(result);
    });
    const told = failed.map(({ seed, faults }) => `npm run sim -- --seed ${seed} --trace: ${faults[0]}`);
    expect(told).toEqual([]);
    expect(runs).toBe(seeds);
  },
  seedsMsMax,
);

test("the same seed gives the same run, to the last event", { timeout: searchMsMax }, async () => {
  for (const seed of [3, 14, 15, 92, 65, 35]) {
    const [first, second, other] = [await simulate(seed), await simulate(seed), await simulate(seed + 1)];
    expect(first.trace.length).toBeGreaterThan(100);
    expect(second.digest).toBe(first.digest);
    expect(other.digest).not.toBe(first.digest);
  }
});

test.each(Object.entries(sabotages))(
  "canary: %s is noticed, as a broken law that it breaks",
  async (name, { seed }) => {
    const sabotage = name as Sabotage;
    const caught = (await findCatch(sabotage, seed, 1)) ?? (await findCatch(sabotage, 1));
    expect(caught, "in 500 runs nobody has noticed").toBeDefined();
  },
  searchMsMax,
);

test("a canary that is let go leaves the runtime as it was", { timeout: searchMsMax }, async () => {
  const before = await simulate(1);
  for (const sabotage of Object.keys(sabotages) as Sabotage[]) await simulate(1, sabotage);
  const after = await simulate(1);
  expect(after.digest).toBe(before.digest);
});

test("the command refuses what makes no sense, and says what came", () => {
  expect(readWish([], 7)).toMatchObject({ kind: "many", from: 7, count: 100, jobs: 1 });
  expect(readWish(["--seed", "5", "--trace"], 7)).toMatchObject({ kind: "replay", seed: 5, isTraced: true });
  expect(() => readWish(["--seeds", "none"], 7)).toThrow('--seeds takes a whole number from 1 on, got "none"');
  expect(() => readWish(["--trace"], 7)).toThrow(/say which with --seed/);
  expect(() => readWish(["--canary", "parrot"], 7)).toThrow(/no canary "parrot"; there are blind-commit, /);
});
