// `npm run bench`: reads the options, runs the cases, shows what they came to.

import { cpus, release } from "node:os";
import { isTroupeError } from "../src/core/errors.ts";
import { allCases, clusterCases, dataCases } from "./cases/all.ts";
import type { Scale } from "./cases/case.ts";
import { fullScale, quickScale } from "./cases/case.ts";
import type { Finding } from "./cases/cluster-case.ts";
import type { BenchOptions } from "./options.ts";
import { helpText, readCommand } from "./options.ts";
import type { NamedResult } from "./print.ts";
import { toFindingLine, toFindingTables, toJsonLine, toTable } from "./print.ts";
import { runCase } from "./run-case.ts";
import { findBinary } from "./server.ts";
import { toError } from "./side.ts";

const say = (line: string): void => console.error(line);

async function run(options: BenchOptions): Promise<number> {
  const startMs = performance.now();
  const binary = await findBinary(say);
  const processors = cpus();
  const machine = `${processors.length} x ${processors[0]?.model.trim() ?? "unknown"}, ${process.platform} ${release()}`;
  const software = `Node ${process.version}, nats-server ${binary.version}`;
  const manner = options.isQuick ? "quick" : "full";
  say(`${machine}; ${software}; ${manner} run; ${new Date().toISOString()}`);

  const plan = {
    binary: binary.path,
    sides: options.sides,
    scale: scaleOf(options),
    onProgress: (line: string) => say(`[${Math.round((performance.now() - startMs) / 1_000)} s] ${line}`),
  };
  const results: NamedResult[] = [];
  let failures = 0;
  for (const bench of allCases.filter(({ name }) => options.names.includes(name))) {
    try {
      const named = { bench, result: await runCase(bench, plan) };
      results.push(named);
      if (options.isJson) console.log(toJsonLine(named));
    } catch (thrown) {
      failures += 1;
      say(`${bench.name} FAILED: ${toError(thrown).stack}`);
    }
  }
  const findings: Finding[] = [];
  for (const bench of clusterCases.filter(({ name }) => options.names.includes(name))) {
    try {
      const found = await bench.run(plan);
      findings.push(...found);
      if (options.isJson) for (const finding of found) console.log(toFindingLine(finding));
      const losses = found.filter(({ lost = 0 }) => lost !== 0);
      if (losses.length > 0) say(`${bench.name} FAILED: ${losses.length} times something was lost`);
      failures += losses.length;
    } catch (thrown) {
      failures += 1;
      say(`${bench.name} FAILED: ${toError(thrown).stack}`);
    }
  }
  if (!options.isJson) {
    const tables = [...(results.length > 0 ? [toTable(results)] : []), ...toFindingTables(findings)];
    if (tables.length > 0) console.log(`${machine}; ${software}; ${manner} run\n\n${tables.join("\n\n")}`);
  }
  return failures === 0 ? 0 : 1;
}

/** The cases that need no server. Returns the exit code when there are no others. */
async function runOnData({ names, data, isJson }: BenchOptions): Promise<number | undefined> {
  const named = dataCases.filter(({ name }) => names.includes(name));
  const isAll = named.length === names.length;
  for (const bench of named) {
    if (data === undefined) {
      say(`${bench.name} reads a folder: give it with --data DIR`);
      // With others it was named by their family, as in `memory`.
      if (isAll) return 2;
      continue;
    }
    const outcome = await bench.run(data);
    if (outcome.kind === "refused") {
      say(`${bench.name}: ${outcome.reason}`);
      return 2;
    }
    console.log(isJson ? outcome.line : outcome.table);
  }
  return isAll ? 0 : undefined;
}

function scaleOf({ isQuick, rounds, kills }: BenchOptions): Scale {
  const scale = isQuick ? quickScale : fullScale;
  return {
    ...scale,
    ...(rounds === undefined ? {} : { rounds, joins: rounds }),
    ...(kills === undefined ? {} : { kills }),
  };
}

async function main(): Promise<number> {
  const onlyNamed = [...clusterCases, ...dataCases].map(({ name }) => name);
  const command = readCommand(process.argv.slice(2), [...allCases.map(({ name }) => name), ...onlyNamed], onlyNamed);
  switch (command.kind) {
    case "help":
      console.log(helpText(allCases, clusterCases, dataCases));
      return 0;
    case "refused":
      say(`${command.reason}\nTry: npm run bench -- --help`);
      return 2;
    case "run":
      return (await runOnData(command.options)) ?? run(command.options);
  }
}

// The server ends with this process whatever ends it (its guard sees to that), and so do the children.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (thrown) {
  say(isTroupeError(thrown) ? `${thrown.message}\n${thrown.remedy}` : String(toError(thrown).stack));
  process.exitCode = 1;
}
