// npm run chaos -- --minutes 10 --seed 7: a run on real processes, and a table of what it came to.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChaosOptions } from "./options.ts";
import { helpText, readCommand } from "./options.ts";
import { printReport } from "./report.ts";
import { runCluster } from "./run.ts";

const say = (line: string): void => console.error(line);

async function run(options: ChaosOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "troupe-chaos-"));
  say(`seed ${options.seed}; logs in ${folder}`);
  const report = await runCluster({ ...options, folder, onProgress: say });
  const isWell = report.broken.length === 0;
  console.log(options.isJson ? JSON.stringify(report) : printReport(report));
  if (isWell && !options.isKept) await rm(folder, { recursive: true, force: true });
  else say(`the journal, the workers' logs and the servers' stores are kept in ${folder}`);
  return isWell ? 0 : 1;
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2), Math.floor(performance.now() * 1e6) % 1_000_000);
  switch (command.kind) {
    case "help":
      console.log(helpText());
      return 0;
    case "refused":
      say(`${command.reason}\nTry: npm run chaos -- --help`);
      return 2;
    case "run":
      return run(command.options);
  }
}

process.exitCode = await main();
