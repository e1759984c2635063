// What the dashboard costs, and what its readers get, over many actors that change all the time:
//
//   node bench/dashboard/main.ts [--actors 100000] [--rate 10000] [--seconds 15] [--pages 10]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ActorsPage } from "../../src/monitoring/dashboard/api/actors.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import type { Ports } from "../../src/runtime/ports.ts";
import { findBinary, startServer } from "../server.ts";
import type { PageCount } from "./readers.ts";

const app = "desk";
const binFile = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
const readersFile = fileURLToPath(new URL("readers.ts", import.meta.url));
const { values } = parseArgs({
  options: {
    actors: { type: "string", default: "100000" },
    rate: { type: "string", default: "10000" },
    seconds: { type: "string", default: "15" },
    pages: { type: "string", default: "10" },
  },
});
const [actors, rate, seconds, pages] = [values.actors, values.rate, values.seconds, values.pages].map(Number) as [
  ...[number, number, number, number],
];

const committedAt = (at: number, change: number) =>
  Buffer.from(
    `{"state":{"name":"Customer number ${at}","open":[{"n":${change},"text":"my router shows no light at all"}],"count":${change},` +
      `"note":"a few words about what this is"},"inbox":{"seq":${change},"from":{"triage.t1":1795377467688001}},"outbox":[{"n":1,"to":` +
      `"audit.main","method":"note","input":"changed"}],"guard":1,"sent":1795377467688001,"schema":1,"epoch":1,"commit":"c-${change}",` +
      `"trace":"0123456789abcdef0123456789abcdef"}`,
  );
const keyAt = (at: number) => `customer.c-${at}`;

/** Writes with many under way, at most `perSecond`. */
async function write(ports: Ports, count: number, perSecond: number, change: number): Promise<void> {
  const startMs = performance.now();
  let sent = 0;
  const lanes = Array.from({ length: 256 }, async () => {
    while (sent < count) {
      const at = sent;
      sent += 1;
      const earlyMs = (at / perSecond) * 1_000 - (performance.now() - startMs);
      if (earlyMs > 1) await delay(earlyMs);
      await ports.state.put(keyAt((at * 7_919) % actors), committedAt((at * 7_919) % actors, change + at));
    }
  });
  await Promise.all(lanes);
}

/** Of a process, as Linux counts it. Units: seconds of processor time, MB. */
async function costOf(pid: number): Promise<{ readonly cpuS: number; readonly memoryMb: number }> {
  const stat = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const memoryMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  return { cpuS: (Number(stat[11]) + Number(stat[12])) / 100, memoryMb: Math.round(memoryMb) };
}

async function timed<Answer>(work: () => Promise<Answer>): Promise<{ readonly answer: Answer; readonly ms: number }> {
  const startMs = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - startMs };
}

const quantile = (of: readonly number[], share: number) =>
  Math.round([...of].sort((a, b) => a - b)[Math.floor(of.length * share)] ?? Number.NaN);

async function askPages(url: string): Promise<void> {
  const queries = ["sort=changed", "sort=key", "sort=bytes", "sort=key&search=c-999", "only=stopped"];
  for (const query of queries) {
    const runs: number[] = [];
    for (let run = 0; run < 20; run += 1) {
      runs.push((await timed(async () => (await fetch(`${url}/api/actors?limit=50&${query}`)).json())).ms);
    }
    console.log(`  GET /api/actors?${query}: p50 ${quantile(runs, 0.5)} ms, p95 ${quantile(runs, 0.95)} ms`);
  }
}

const { path } = await findBinary(() => {});
await using server = await startServer(path);
await using ports = await natsPorts({ nats: { servers: server.url } })({ app, pool: "main", partitionCount: 64 });
const filling = await timed(() => write(ports, actors, Number.POSITIVE_INFINITY, 0));
console.log(`${actors} actors of ${committedAt(1, 1).length} bytes written in ${(filling.ms / 1_000).toFixed(1)} s`);

const startedMs = performance.now();
const child = spawn(
  process.execPath,
  [binFile, "dashboard", "--json", "--port", "0", "--server", server.url, "--app", app],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
const [line] = (await once(createInterface(child.stdout), "line")) as [string];
const { url } = JSON.parse(line) as { url: string };
const pid = child.pid ?? 0;
console.log(`serves after ${((performance.now() - startedMs) / 1_000).toFixed(2)} s`);
for (let isComplete = false; !isComplete; await delay(50)) {
  const page = (await (await fetch(`${url}/api/actors?limit=1`)).json()) as ActorsPage;
  isComplete = page.isComplete && page.total === actors;
}
const complete = await costOf(pid);
console.log(
  `all ${actors} actors known after ${((performance.now() - startedMs) / 1_000).toFixed(2)} s; ${complete.memoryMb} MB, ${complete.cpuS} s of processor time`,
);
await askPages(url);

const idle = await costOf(pid);
await delay(5_000);
const stillIdle = await costOf(pid);
console.log(
  `nobody looks, nothing changes: ${(((stillIdle.cpuS - idle.cpuS) / 5) * 100).toFixed(1)} % of a core, ${stillIdle.memoryMb} MB`,
);

const readers = spawn(process.execPath, [readersFile, url, String(pages)], { stdio: ["pipe", "pipe", "inherit"] });
await delay(2_000);
const before = await costOf(pid);
const writing = await timed(() => write(ports, rate * seconds, rate, actors));
const after = await costOf(pid);
const spentS = writing.ms / 1_000;
console.log(
  `${Math.round((rate * seconds) / spentS)} changes a second for ${spentS.toFixed(1)} s, ${pages} pages and one that does not read:`,
);
console.log(
  `  dashboard: ${(((after.cpuS - before.cpuS) / spentS) * 100).toFixed(0)} % of a core, ${after.memoryMb} MB (before: ${before.memoryMb})`,
);
await askPages(url);
await delay(1_000);
readers.stdin.end();
const [counts] = (await once(createInterface(readers.stdout), "line")) as [string];
for (const { events, bytes, changed, rows, lagsMs } of (JSON.parse(counts) as PageCount[]).slice(0, 2)) {
  const perS = (value: number) => Math.round(value / spentS);
  console.log(
    `  a page: ${perS(events)} events/s, ${perS(bytes / 1_024)} KiB/s, ${perS(rows)} rows/s shown; told of ${changed} of ${rate * seconds} changes; ` +
      `the newest row is ${quantile(lagsMs, 0.5)} ms old (p99 ${quantile(lagsMs, 0.99)})`,
  );
}
child.kill("SIGINT");
await once(child, "exit");
