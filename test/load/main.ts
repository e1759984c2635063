// `node test/load/main.ts [--seconds 30] [--processes 4] [--writers 64] [--keys 10] [--kill-every 3000] [--json]`

import { parseArgs } from "node:util";
import { runLoad } from "./run.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    processes: { type: "string", default: "4" },
    writers: { type: "string", default: "64" },
    keys: { type: "string", default: "10" },
    "kill-every": { type: "string", default: "3000" },
    json: { type: "boolean", default: false },
  },
});
const whole = (name: "seconds" | "processes" | "writers" | "keys" | "kill-every"): number => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  console.error(`--${name} must be a whole number of 1 or more, got ${values[name]}`);
  process.exit(2);
};
const startMs = performance.now();
const { counts, broken } = await runLoad({
  ...{ seconds: whole("seconds"), processes: whole("processes"), writers: whole("writers"), keys: whole("keys") },
  killEveryMs: whole("kill-every"),
  onProgress: (line) => console.error(`[${((performance.now() - startMs) / 1_000).toFixed(1)} s] ${line}`),
});
if (values.json) console.log(JSON.stringify({ counts, broken }));
else {
  for (const [name, count] of Object.entries(counts)) console.log(`${name.padEnd(13)} ${count.toLocaleString("en")}`);
  console.log(broken.length === 0 ? "every promise held" : broken.map((line) => `BROKEN ${line}`).join("\n"));
}
process.exitCode = broken.length === 0 ? 0 : 1;
