// /metrics of a real worker under load: what Prometheus reads is what the worker says of itself, and what was done.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot } from "../../src/core/figures.ts";
import { connect } from "../../src/index.ts";
import { prometheusName } from "../../src/monitoring/metric-names.ts";
import { figuresOf } from "../../src/runtime/control.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import type { Running } from "../support/cli.ts";
import { runCli, startCli, writeActors } from "../support/cli.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";
import type { Exposition } from "../support/prometheus-text.ts";
import { readExposition, sampleOf } from "../support/prometheus-text.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

let server: TestServer;
let folder: TempFolder;
let file: string;
let worker: Running;
/** Between these the worker was started. */
let askedAtMs: number;
let servingAtMs: number;
let serving: { readonly worker: string; readonly metrics: string };

const at = () => ({ cwd: folder.path, env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startTestServer();
  folder = await tempFolder();
  file = await writeActors(folder.path);
  askedAtMs = Date.now();
  worker = startCli(["worker", file, "--json", "--app", "desk", "--name", "blue", "--metrics", "0"], {
    ...at(),
    runMsMax: 600_000,
  });
  serving = JSON.parse(await worker.line("out", () => true)) as typeof serving;
  servingAtMs = Date.now();
});

afterAll(async () => {
  worker.kill("SIGKILL");
  await worker.ended;
  await folder[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function scrape(): Promise<Exposition> {
  const answer = await fetch(serving.metrics);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  return readExposition(await answer.text());
}

const counterOf = (exposition: Exposition, labels: Readonly<Record<string, string>>) =>
  sampleOf(exposition, "troupe_turns_total", { type: "counter", ...labels });

/** What stands at the moment at which it is read, so that two readings differ. */
const momentary = /^troupe_(?:heap|memory_resident|event_loop)/;

/** As the control subject gives it. */
async function snapshotOf(mail: Mail): Promise<FiguresSnapshot> {
  const snapshot = await figuresOf(mail, serving.worker, 5_000);
  if (typeof snapshot === "string") throw new Error(snapshot);
  return snapshot;
}

/** By name and labels as they are scraped; of histograms how many and how much. */
function numbersOf({ series }: FiguresSnapshot): ReadonlyMap<string, number> {
  return new Map(
    series.flatMap((each): [string, number][] => {
      const name = prometheusName(each.name, figureCatalog[each.name]);
      const labels = JSON.stringify(Object.entries(each.labels).sort());
      if ("value" in each) return [[`${name} ${labels}`, each.value]];
      const count = each.counts.reduce((sum, one) => sum + one, 0);
      return [
        [`${name}_count ${labels}`, count],
        [`${name}_sum ${labels}`, each.sum],
      ];
    }),
  );
}

test("what is scraped is the worker's own snapshot, series by series, and the truth: what was done to it", async () => {
  await using client = await connect({ servers: server.url, app: "desk" });
  const counters = Array.from({ length: 40 }, (_, n) => client.untyped("counter", `c${n}`));
  const first = await scrape();
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(counters.map((counter) => counter.ask("add", 1)));
    await Promise.all(counters.map((counter) => counter.tell("add", 1)));
    const during = await scrape();
    expect(counterOf(during, { turn: "ask", code: "ok" })).toBe(40 * (round + 1));
  }
  await Promise.all(counters.slice(0, 3).map((counter) => counter.ask("fail", "no").catch(() => {})));
  await counters[0]?.tell("fail", "never"); // One run only (`attempts: 1`), then a dead letter.
  const totals = await Promise.all(counters.map((counter) => counter.ask("total")));
  await expect.poll(async () => sampleOf(await scrape(), "troupe_messages_dead_total")).toBe(1);
  // What was told before may come after it, in other partitions; and an ask may overtake it.
  const told = { method: "add", turn: "tell", code: "ok" };
  await expect.poll(async () => counterOf(await scrape(), told)).toBe(200);
  await expect.poll(async () => sampleOf(await scrape(), "troupe_outbox_pending")).toBe(0);
  await using ports = await natsPorts({ nats: { servers: server.url } })({
    ...{ app: "desk", pool: "main", partitionCount: undefined },
  });
  const before = numbersOf(await snapshotOf(ports.mail));
  const scraped = await scrape();

  // The truth, counted here.
  expect(counterOf(scraped, { method: "add", turn: "ask", code: "ok" })).toBe(200);
  expect(counterOf(scraped, told)).toBe(200);
  expect(counterOf(scraped, { method: "fail", turn: "ask", code: "HANDLER_FAILED" })).toBe(3);
  expect(counterOf(scraped, { method: "fail", turn: "tell", code: "HANDLER_FAILED" })).toBe(1);
  expect(counterOf(scraped, { method: "total", turn: "query", code: "ok" })).toBe(totals.length);
  expect(sampleOf(scraped, "troupe_turn_duration_seconds_count", { method: "add", turn: "ask" })).toBe(200);
  expect(sampleOf(scraped, "troupe_activations")).toBe(40);
  expect(sampleOf(scraped, "troupe_partitions_owned", { pool: "main" })).toBe(64);
  expect(sampleOf(scraped, "troupe_heap_used_bytes")).toBeGreaterThan(1e6);
  const startedAtMs = (sampleOf(scraped, "troupe_started_seconds") ?? 0) * 1_000;
  expect(startedAtMs).toBeGreaterThan(askedAtMs);
  expect(startedAtMs).toBeLessThan(servingAtMs);
  expect(sampleOf(scraped, "target_info", { worker: serving.worker, app: "desk", name: "blue" })).toBe(1);
  for (const { name, labels } of scraped.samples) {
    if (name !== "target_info") expect(labels, name).toMatchObject({ app: "desk", name: "blue" });
  }

  // The worker's own snapshots, before and after: it renews its lease meanwhile, and counts that too.
  const after = numbersOf(await snapshotOf(ports.mail));
  const seen = new Set<string>();
  for (const { name, labels, value } of scraped.samples) {
    const { app: _app, name: _name, ...own } = labels;
    const key = `${name} ${JSON.stringify(Object.entries(own).sort())}`;
    seen.add(key);
    if (name === "target_info" || name.endsWith("_bucket") || momentary.test(name)) continue;
    expect(value, key).toBeGreaterThanOrEqual(before.get(key) ?? 0);
    expect(value, key).toBeLessThanOrEqual(after.get(key) ?? Number.NaN); // Nothing else is there.
  }
  for (const key of before.keys()) expect(seen, key).toContain(key);
  for (const { name, labels, value } of first.samples) {
    if (name.endsWith("_total")) expect(sampleOf(scraped, name, labels)).toBeGreaterThanOrEqual(value);
  }
});

test("only /metrics is answered, and only on the loopback; a port that is taken ends the worker with what to do", async () => {
  expect(new URL(serving.metrics).hostname).toBe("127.0.0.1");
  expect((await fetch(new URL("/", serving.metrics))).status).toBe(404);
  expect((await fetch(serving.metrics, { method: "POST" })).status).toBe(405);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  const { code, err } = await runCli(["worker", file, "--app", "taken", "--metrics", String(port), "--json"], at());
  other.close();
  expect(code).toBe(1);
  expect(JSON.parse(err)).toEqual({
    error: {
      ...{ code: "PORT_TAKEN", message: `port ${port} of 127.0.0.1 is taken` },
      remedy: "Name another port, or 0 for any that is free.",
    },
  });
  const wrong = await runCli(["worker", file, "--metrics", "no.such.host.invalid:1", "--json"], at());
  expect([wrong.code, JSON.parse(wrong.err)]).toMatchObject([2, { error: { code: "OPTION_INVALID" } }]);
});

test("troupe dev passes the address on to its worker; TROUPE_METRICS does it too, and no socket outlives the worker", async () => {
  const dev = startCli(["dev", file, "--json", "--app", "dev", "--metrics", "0"], at());
  const line = await dev.line("out", (each) => each.includes('"serving"'));
  const { metrics } = JSON.parse(line) as { readonly metrics: string };
  expect(readExposition(await (await fetch(metrics)).text()).types.get("troupe_activations")).toBe("gauge");
  dev.kill("SIGINT");
  expect((await dev.ended).code).toBe(0);
  await expect(fetch(metrics)).rejects.toThrow();
  const env = { NATS_URL: server.url, TROUPE_METRICS: "localhost:0" };
  const plain = startCli(["worker", file, "--app", "env"], { cwd: folder.path, env });
  await plain.line("out", (each) => each.startsWith("figures for Prometheus: http://localhost:"));
  plain.kill("SIGTERM");
  expect((await plain.ended).code).toBe(0);
});
