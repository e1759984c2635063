// npm run sim: runs new seeds, or one again with its whole trace. `--help` says how.

import { findCatch } from "./canaries.ts";
import type { SeedResult } from "./many.ts";
import { runSeeds, runSeedsShared } from "./many.ts";
import type { Wish } from "./options.ts";
import { readWish, usage } from "./options.ts";
import { simulate } from "./run.ts";
import { sabotages } from "./sabotage.ts";

/** Seeds between two words of how far it is, when somebody looks on. */
const progressEvery = 100;
/** What is shown of each failed run; its trace has the rest. */
const faultsShown = 3;
const faultLengthMax = 300;

const print = (isJson: boolean, data: object, text: string) => console.log(isJson ? JSON.stringify(data) : text);
const firstLine = (text: string) => text.split("\n", 1)[0]?.slice(0, faultLengthMax) ?? "";
const again = (seed: number) => `npm run sim -- --seed ${seed} --trace`;

async function replay({ seed, isTraced, isJson }: Wish & { kind: "replay" }): Promise<boolean> {
  const { faults, trace, digest, simulatedMs, deeds } = await simulate(seed);
  if (isTraced) for (const line of trace) print(isJson, { line }, line);
  const verdict = faults.length === 0 ? "all promises held" : ["", ...faults].join("\n  ");
  print(isJson, { seed, faults, digest, deeds, simulatedMs }, `seed ${seed}, digest ${digest}: ${verdict}`);
  return faults.length === 0;
}

async function runMany({ from, count, jobs, isJson }: Wish & { kind: "many" }): Promise<boolean> {
  const sums = { done: 0, failed: 0, deeds: 0, simulatedMs: 0 };
  const onResult = ({ seed, faults, deeds, simulatedMs }: SeedResult) => {
    sums.done += 1;
    sums.deeds += deeds;
    sums.simulatedMs += simulatedMs;
    if (faults.length > 0) {
      sums.failed += 1;
      const shown = faults.slice(0, faultsShown).map(firstLine);
      print(isJson, { seed, faults, replay: again(seed) }, [`seed ${seed}:`, ...shown, again(seed)].join("\n  "));
    }
    if (process.stderr.isTTY && sums.done % progressEvery === 0) {
      process.stderr.write(`\r${sums.done} of ${count}, ${sums.failed} failed `);
      if (sums.done === count) process.stderr.write("\n");
    }
  };
  const range = { from, count };
  await (jobs === 1 ? runSeeds(range, onResult) : runSeedsShared(range, jobs, onResult));
  const { deeds, failed, simulatedMs } = sums;
  const hours = (simulatedMs / 3_600_000).toFixed(1);
  const text = `${count} seeds from ${from}: ${deeds} messages in ${hours} simulated hours, ${failed} failed`;
  print(isJson, { from, seeds: count, deeds, simulatedMs, failed }, text);
  return failed === 0;
}

async function lookForCatches({ names, isJson }: Wish & { kind: "canaries" }): Promise<boolean> {
  let missed = 0;
  for (const name of names) {
    const { mistake } = sabotages[name];
    const caught = await findCatch(name, 1);
    if (caught === undefined) missed += 1;
    const text = caught === undefined ? "NOBODY NOTICES" : `seed ${caught.seed}: ${firstLine(caught.fault)}`;
    print(isJson, { name, mistake, ...caught }, `${name} (${mistake})\n  ${text}`);
  }
  return missed === 0;
}

async function perform(wish: Wish): Promise<boolean> {
  switch (wish.kind) {
    case "help":
      console.log(usage);
      return true;
    case "replay":
      return replay(wish);
    case "many":
      return runMany(wish);
    case "canaries":
      return lookForCatches(wish);
  }
}

try {
  const wish = readWish(process.argv.slice(2), Math.floor(performance.now() * 1e6) % 1e9);
  process.exitCode = (await perform(wish)) ? 0 : 1;
} catch (thrown) {
  // What parseArgs and readWish refuse, and a share that broke off.
  console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\nnpm run sim -- --help tells how.`);
  process.exitCode = 2;
}
