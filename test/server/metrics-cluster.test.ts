// /metrics of the dashboard: what waits, who lives and what is stored, each against what this test counts by itself.

import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { z } from "zod";
import { partitionOf } from "../../src/core/partition.ts";
import { defineActor, defineWorkflow, handler } from "../../src/index.ts";
import { eventually } from "../contract/mail-support.ts";
import { partitions } from "../contract/runtime-support.ts";
import { DashboardStage } from "../support/dashboard-stage.ts";
import type { Exposition } from "../support/prometheus-text.ts";
import { readExposition, sampleOf } from "../support/prometheus-text.ts";

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 1 } },
  {
    add: handler(z.number(), (ctx, n) => {
      ctx.state.count += n;
    }),
    fail: handler(() => {
      throw new RangeError("never");
    }),
  },
);

const shipping = defineWorkflow(
  "shipping",
  { state: z.object({ weight: z.number() }), input: z.number(), initial: (weight: number) => ({ weight }) },
  ({ task }) => [task("weigh", () => "weighed")],
);

async function scrape(stage: DashboardStage): Promise<Exposition> {
  const answer = await fetch(`${stage.url}/metrics`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  return readExposition(await answer.text());
}

/** Asks again and again until it is so. */
const scrapeUntil = (stage: DashboardStage, isSo: (exposition: Exposition) => boolean) =>
  eventually("the figures say so", async () => {
    const exposition = await scrape(stage);
    return isSo(exposition) ? exposition : undefined;
  });

const sumOf = ({ samples }: Exposition, name: string) =>
  samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0);

test("lag and age by partition, workers, owners, dead letters, streams and memory are what they are", async () => {
  await using stage = await DashboardStage.open();
  const worker = await stage.worker([Counter]);
  await using connection = await openNats(stage.server.url);
  const { config } = await connection.streams.info("desk_dead");
  await connection.streams.update("desk_dead", { ...config, max_bytes: 1_234_567 });
  const memory = await stage.client.memory();
  await memory.log({ user: "anna" }).append({ text: "Hello", role: "user" });
  await memory.facts({ user: "anna" }).set("name", "Anna");
  for (let n = 0; n < 3; n += 1) await stage.client.actor(Counter, "f").tell.fail();
  await stage.look();
  const served = await scrapeUntil(stage, (all) => sumOf(all, "troupe_dead_kept") === 3);
  expect(sampleOf(served, "troupe_workers", { pool: "main" })).toBe(1);
  expect(sampleOf(served, "troupe_stream_limit_bytes", { stream: "dead" })).toBe(1_234_567);
  expect(sampleOf(served, "troupe_partitions_unowned", { pool: "main" })).toBe(0);
  expect(sampleOf(served, "target_info", { app: "desk", service_name: "desk-dashboard" })).toBe(1);
  await scrapeUntil(stage, (all) => sumOf(all, "troupe_mailbox_lag") === 0);

  await worker.drain();
  const told = Array.from({ length: 60 }, (_, n) => `c${n % 20}`);
  const toldFromMs = Date.now();
  for (const id of told) await stage.client.actor(Counter, id).tell.add(1);
  const toldUntilMs = Date.now();
  const waiting = await scrapeUntil(stage, (all) => sumOf(all, "troupe_mailbox_lag") === told.length);
  const byPartition = Map.groupBy(told, (id) => partitionOf("counter", id, partitions));
  for (let partition = 0; partition < partitions; partition += 1) {
    const labels = { pool: "main", partition: String(partition) };
    const lag = byPartition.get(partition)?.length ?? 0;
    expect(sampleOf(waiting, "troupe_mailbox_lag", labels)).toBe(lag);
    const oldestS = sampleOf(waiting, "troupe_mailbox_oldest_seconds", labels);
    if (lag === 0) expect(oldestS).toBe(0);
    else expect(oldestS).toBeLessThanOrEqual((Date.now() - toldFromMs) / 1_000);
  }
  const left = await scrapeUntil(stage, (all) => sampleOf(all, "troupe_workers", { pool: "main" }) === 0);
  expect(sampleOf(left, "troupe_partitions_unowned", { pool: "main" })).toBe(partitions);
  const oldPartition = { pool: "main", partition: String(partitionOf("counter", "c0", partitions)) };
  const oldestOf = (all: Exposition) => sampleOf(all, "troupe_mailbox_oldest_seconds", oldPartition) ?? 0;
  await scrapeUntil(stage, (all) => oldestOf(all) > 3);
  const scrapedFromMs = Date.now();
  const oldS = oldestOf(await scrape(stage));
  expect(oldS).toBeLessThanOrEqual((Date.now() - toldFromMs) / 1_000);
  expect(oldS).toBeGreaterThan((scrapedFromMs - toldUntilMs) / 1_000 - 4); // It is read each second.

  // The streams as the server describes them, now that nobody writes.
  const names = { mail: "desk_mail", state: "KV_desk_state", dead: "desk_dead", memory: "KV_desk_memory" };
  for (const [stream, name] of Object.entries(names)) {
    const { state } = await connection.streams.info(name);
    await scrapeUntil(stage, (all) => sampleOf(all, "troupe_stream_bytes", { stream }) === state.bytes);
    expect(sampleOf(await scrape(stage), "troupe_stream_messages", { stream })).toBe(state.messages);
  }
  // Each bucket is read by itself.
  const last = await scrapeUntil(stage, (all) =>
    ["entries", "facts"].every((what) => sampleOf(all, `troupe_memory_${what}`, { kind: "user" }) === 1),
  );
  expect(sampleOf(last, "troupe_memory_bytes", { kind: "user" })).toBeGreaterThan(20);
});

async function openNats(url: string) {
  const connection = await connectNats({ servers: url });
  const { streams } = await jetstreamManager(connection);
  return { streams, [Symbol.asyncDispose]: () => connection.close() };
}

test("runs of workflows stand by phase, with 0 for those that none is in; with the server away there are no figures", async () => {
  await using stage = await DashboardStage.open();
  await stage.worker(shipping.actors);
  await stage.look();
  // Before the first run: whoever compares sees it come.
  await scrapeUntil(
    stage,
    (all) => sampleOf(all, "troupe_workflow_runs", { workflow: "shipping", phase: "failed" }) === 0,
  );
  for (const id of ["r1", "r2"]) await stage.client.actor(shipping.run, id).ask.start(1);
  const runs = (phase: string) => ({ workflow: "shipping", phase });
  const done = await scrapeUntil(stage, (all) => sampleOf(all, "troupe_workflow_runs", runs("completed")) === 2);
  for (const phase of ["new", "running", "held", "compensating", "failed", "cancelled"]) {
    expect(sampleOf(done, "troupe_workflow_runs", runs(phase))).toBe(0);
  }
  await stage.server.kill9();
  await eventually("the answer is 503", async () => {
    const answer = await fetch(`${stage.url}/metrics`);
    if (answer.status === 200) return undefined;
    expect(await answer.json()).toMatchObject({ code: "SERVER_UNREACHABLE" });
    return answer.status === 503 || undefined;
  });
  await stage.server.restart();
  await eventually("it has figures again", async () => (await fetch(`${stage.url}/metrics`)).ok || undefined);
});
