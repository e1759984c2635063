// What `npm run sim` understands.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { Sabotage } from "./sabotage.ts";
import { sabotages } from "./sabotage.ts";

export const usage = `npm run sim -- [options]

Runs the real runtime in a simulated world: virtual time, crashes, pauses, lost, late and repeated messages, clocks that
drift. A seed decides everything, so that a run that failed can be seen again. Ends with code 1 when a promise is broken.

  --seeds N       how many seeds to run (default 100)
  --from S        the first of them (default: one that nobody has tried, by the clock)
  --seed S        run this one again
  --trace         with --seed: print all that happens
  --jobs N        processes to share the seeds among (default 1; this machine has ${availableParallelism()} cores)
  --canary NAME   with a mistake in the runtime: find the seed that notices it, of at most 500
  --canaries      the same for every mistake that is known
  --json          one JSON object a line
  --help          this text

Examples:
  npm run sim -- --seeds 1000 --jobs 2        a thousand new runs
  npm run sim -- --seeds 1000 --from 1        those that CI runs
  npm run sim -- --seed 4711 --trace          what happened in one
  npm run sim -- --canary no-wake             does anybody notice that the wake is missing?
`;

export type Wish =
  | { readonly kind: "help" }
  | { readonly kind: "replay"; readonly seed: number; readonly isTraced: boolean; readonly isJson: boolean }
  | {
      readonly kind: "many";
      readonly from: number;
      readonly count: number;
      readonly jobs: number;
      readonly isJson: boolean;
    }
  | { readonly kind: "canaries"; readonly names: readonly Sabotage[]; readonly isJson: boolean };

/** Throws TypeError with what is wrong. `freshSeed`: where to begin when nothing is said. */
export function readWish(args: readonly string[], freshSeed: number): Wish {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ seeds: { type: "string" }, from: { type: "string" }, seed: { type: "string" }, jobs: { type: "string" } },
      ...{ trace: { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean" } },
      ...{ canary: { type: "string" }, canaries: { type: "boolean" } },
    },
  });
  const isJson = values.json === true;
  if (values.help === true) return { kind: "help" };
  if (values.canaries === true) return { kind: "canaries", names: Object.keys(sabotages) as Sabotage[], isJson };
  if (values.canary !== undefined) return { kind: "canaries", names: [sabotageOf(values.canary)], isJson };
  if (values.seed !== undefined) {
    const seed = wholeOf("--seed", values.seed, 0);
    return { kind: "replay", seed, isTraced: values.trace === true, isJson };
  }
  if (values.trace === true) throw new TypeError("--trace prints one run: say which with --seed");
  return {
    kind: "many",
    from: values.from === undefined ? freshSeed : wholeOf("--from", values.from, 0),
    count: wholeOf("--seeds", values.seeds ?? "100", 1),
    jobs: wholeOf("--jobs", values.jobs ?? "1", 1),
    isJson,
  };
}

function wholeOf(name: string, text: string, least: number): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new TypeError(`${name} takes a whole number from ${least} on, got ${JSON.stringify(text)}`);
}

function sabotageOf(name: string): Sabotage {
  if (Object.hasOwn(sabotages, name)) return name as Sabotage;
  throw new TypeError(`there is no canary ${JSON.stringify(name)}; there are ${Object.keys(sabotages).join(", ")}`);
}
