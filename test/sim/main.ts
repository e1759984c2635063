// npm run sim -- --seeds N [--from S] [--seed S]: runs new seeds, or one again with its whole trace.

import { parseArgs } from "node:util";
import { simulate } from "./run.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "100" }, from: { type: "string" }, seed: { type: "string" } },
});

async function replay(seed: number): Promise<boolean> {
  const { faults, trace, digest } = await simulate(seed);
  for (const line of trace) console.log(line);
  console.log(`seed ${seed}, digest ${digest}: ${faults.length === 0 ? "all promises held" : faults.join("\n")}`);
  return faults.length === 0;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const failed: number[] = [];
  let simulatedMs = 0;
  let deeds = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const report = await simulate(seed);
    simulatedMs += report.simulatedMs;
    deeds += report.deeds;
    if (report.faults.length === 0) continue;
    failed.push(seed);
    console.log(`seed ${seed}: ${report.faults.slice(0, 3).join("; ").slice(0, 500)}`);
    console.log(`  again, with its trace: npm run sim -- --seed ${seed}`);
  }
  const hours = (simulatedMs / 3_600_000).toFixed(1);
  console.log(`${count} seeds from ${from}: ${deeds} messages in ${hours} simulated hours, ${failed.length} failed`);
  return failed.length === 0;
}

const wholeOf = (text: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`a whole number is wanted, got ${text}`);
};

const isWell =
  values.seed !== undefined
    ? await replay(wholeOf(values.seed))
    : await runMany(wholeOf(values.from ?? String(Math.floor(performance.now() * 1e6) % 1e9)), wholeOf(values.seeds));
process.exitCode = isWell ? 0 : 1;
