// The figures of workers on a real server, compared with what lies there, with what the caller has counted, and with a count over
// everything that was told.

import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { z } from "zod";
import type { RuntimeEvent } from "../../src/core/events.ts";
import type { FigureName } from "../../src/core/figure-catalog.ts";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot } from "../../src/core/figures.ts";
import { since } from "../../src/core/figures.ts";
import { quantileOf } from "../../src/core/histogram.ts";
import type { Worker, WorkerOptions } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";
import { readRecord } from "../../src/runtime/directory.ts";
import { partitionKeys } from "../../src/runtime/subjects.ts";
import { within } from "../contract/mail-support.ts";
import { eventOf } from "../contract/runtime-support.ts";
import { histogramOf, sumOf } from "../support/figure-sums.ts";
import { figureFaults } from "../support/naive-figures.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 2, backoffMs: 1 } },
  {
    add: handler(z.number().int(), (ctx, by) => {
      ctx.state.count += by;
      return ctx.state.count;
    }),
    slowly: handler(async (ctx) => {
      await new Promise((resolve) => AbortSignal.timeout(30).addEventListener("abort", resolve));
      ctx.state.count += 1;
    }),
    fail: handler(() => {
      throw new Error("as it always does");
    }),
    ring: handler((ctx) => {
      ctx.tellLater("add", { afterMs: 1, input: 1 });
    }),
    total: query((ctx) => ctx.state.count),
  },
);

const Relay = defineActor(
  "relay",
  { state: z.object({ passed: z.number() }), initial: { passed: 0 } },
  {
    pass: handler(z.array(z.string()), (ctx, ids) => {
      for (const id of ids) ctx.actor(Counter, id).tell.add(1);
      ctx.state.passed += ids.length;
    }),
  },
);

interface Recording {
  readonly worker: Worker;
  readonly events: readonly RuntimeEvent[];
  /** What was counted since the recording began. */
  figures(): FiguresSnapshot;
}

async function startRecorded(options: Partial<WorkerOptions>): Promise<Recording> {
  const worker = await createWorker({ actors: [Counter, Relay], partitions: 8, logger: silentLogger, ...options });
  const events: RuntimeEvent[] = [];
  const before = worker.figures();
  worker.events.listen((event) => events.push(event));
  return { worker, events, figures: () => since(worker.figures(), before) };
}

/** The sum of a histogram over all actors. */
const ofCommits = (counted: FiguresSnapshot, name: FigureName) =>
  ["counter", "relay"].reduce((sum, type) => sum + histogramOf(counted, name, { type }).sum, 0);

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

test("F3: a worker's figures are what lies on the server, what its callers have counted, and what it told", async () => {
  await using server = await startTestServer();
  const at = { servers: server.url, app: "figures", history: 64 };
  const { worker, events, figures } = await startRecorded(at);
  await using _worker = worker;
  await using troupe = await connect({ ...at, figures: true });
  await Promise.all(upTo(200).map((n) => troupe.actor(Counter, `c${n % 20}`).ask.add(1)));
  await Promise.all(upTo(30).map((n) => troupe.actor(Counter, `c${n % 20}`).tell.add(1)));
  await troupe.actor(Relay, "r").ask.pass(["c1", "c2", "c3"]);
  const measuredMs = await timesOfSlowAsks(worker);
  const dead = eventOf(worker, "dead-lettered");
  const rung = eventOf(worker, "timer-fired");
  await troupe.actor(Counter, "c1").tell.fail();
  await troupe.actor(Counter, "clock").tell.ring();
  await Promise.all([dead, rung]);
  await troupe.actor(Counter, "c1").ask.total();
  await allApplied(troupe, 200 + 30 + 3 + 12 + 1);
  // The turns that changed something; what a dead letter came of and what set the timer are two of them.
  const changing = 200 + 30 + 3 + 12 + 1 + 1 + 1 + 1;
  await allTold(figures, changing);
  const counted = figures();
  expect(figureFaults(events, counted)).toEqual([]);

  // What its callers have counted.
  expect(sumOf(counted, "troupe.turns", { type: "counter", method: "add", turn: "ask", code: "ok" })).toBe(200);
  expect(sumOf(counted, "troupe.turns", { type: "counter", method: "add", turn: "tell", code: "ok" })).toBe(30 + 3 + 1);
  expect(sumOf(counted, "troupe.turns", { method: "fail", code: "HANDLER_FAILED" })).toBe(2);
  expect(sumOf(counted, "troupe.messages.retried", { method: "fail" })).toBe(1);
  expect(sumOf(counted, "troupe.messages.asked", { method: "slowly", code: "ok" })).toBe(12);
  const slow = histogramOf(counted, "troupe.ask.duration", { method: "slowly" });
  const medianMs = measuredMs[5] ?? Number.NaN;
  const told = quantileOf(figureCatalog["troupe.ask.duration"].bounds, slow.counts, 0.5) ?? Number.NaN;
  // Read off within 10 %. The handler takes 30 ms, and what is measured around the ask is more, on a busy machine much more.
  expect(told * 1_000).toBeGreaterThan(29 * 0.9);
  expect(told * 1_000).toBeLessThan(medianMs * 1.1);
  expect(histogramOf(counted, "troupe.turn.duration", { method: "slowly" }).sum).toBeGreaterThan(12 * 0.029);

  await troupe
    .untyped("counter", "c1")
    .ask("nothing")
    .catch(() => undefined);
  const client = troupe.figures();
  expect(sumOf(client, "troupe.messages.asked", { type: "counter", method: "add", code: "ok" })).toBe(200);
  expect(sumOf(client, "troupe.messages.asked", { method: "unknown", code: "METHOD_UNKNOWN" })).toBe(1);
  expect(sumOf(client, "troupe.messages.told", { by: "client", method: "add", code: "ok" })).toBe(30);

  // What lies on the server.
  const { mail, dead: buried } = await storedOn(server.url, at.app);
  expect(sumOf(counted, "troupe.messages.told", { by: "actor", type: "counter", method: "add" })).toBe(3);
  expect(mail("counter", "add")).toBe(30 + 3);
  expect(buried).toBe(sumOf(counted, "troupe.messages.dead"));
  const keys = await troupe.ports.state.list(">");
  const versions = (await Promise.all(keys.map((key) => troupe.ports.state.history(key)))).flat();
  expect(sumOf(counted, "troupe.commit.duration")).toBe(versions.length);
  const bytes = versions.reduce((sum, { value }) => sum + value.length, 0);
  expect(ofCommits(counted, "troupe.commit.bytes")).toBe(bytes);
  expect(ofCommits(counted, "troupe.commit.turns")).toBe(changing);

  // How it stands.
  expect(sumOf(counted, "troupe.activations")).toBe(keys.length);
  expect(sumOf(counted, "troupe.activated")).toBe(keys.length);
  expect(sumOf(counted, "troupe.outbox.pending")).toBe(0);
  const records = await troupe.ports.cluster.getMany(await troupe.ports.cluster.list(partitionKeys("main")));
  const owned = [...records.values()].filter(({ value }) => readRecord(value).owner === worker.id);
  expect(sumOf(counted, "troupe.partitions.owned", { pool: "main" })).toBe(owned.length);
  expect(sumOf(counted, "troupe.heap.used")).toBeGreaterThan(1_000_000);
  const busy = sumOf(counted, "troupe.event_loop.busy");
  expect(busy > 0 && busy <= 1).toBe(true);
});

test("conflicts, the lag of watches and recalls are told where they are seen", async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  const { worker, events, figures } = await startRecorded({ servers: proxy.url, app: "figures" });
  await using _worker = worker;
  const kv = await worker.ports.openCentral();
  const [first] = [
    await kv.update("ticket.t1", Buffer.from("1"), 0),
    await kv.update("ticket.t1", Buffer.from("2"), 0),
  ];
  expect(first.kind).toBe("written");
  const lost = await kv.transact([{ kind: "put", key: "ticket.t1", value: Buffer.from("3"), expected: 0 }]);
  expect(lost.kind).toBe("conflict");
  const memory = await worker.memory();
  await memory.facts({ user: "anna" }).set("city", "Oslo");
  const replica = await memory.replica({ user: "anna" });
  const shown = new Promise<void>((resolve) => {
    replica.onChange(() => resolve());
  });
  const factFromMs = Date.now();
  await memory.facts({ user: "anna" }).set("city", "Bergen");
  await within("the replica shows it", shown);
  const replicaMsMax = Date.now() - factFromMs;
  proxy.hold("to-client"); // It reads what there is before it answers.
  const recallFromMs = performance.now();
  const recalling = memory.recall("where does Anna live, in Bergen?");
  const begunMs = performance.now();
  await new Promise((resolve) => AbortSignal.timeout(50).addEventListener("abort", resolve));
  const heldMs = performance.now() - begunMs;
  proxy.heal();
  const { hits } = await recalling;
  const recallMs = performance.now() - recallFromMs;
  const watcher = await worker.ports.state.watch("counter.*", { from: "now" });
  const lagsMs: number[] = [];
  const seeing = (async () => {
    for await (const change of watcher) {
      if (change.kind === "entry") lagsMs.push(Math.max(0, Date.now() - change.entry.writtenAtMs));
      if (lagsMs.length === 5) break;
    }
  })();
  for (const n of upTo(5)) await worker.actor(Counter, `c${n}`).ask.add(1);
  await within("five changes", seeing);
  const counted = figures();
  expect(figureFaults(events, counted)).toEqual([]);
  expect(sumOf(counted, "troupe.conflicts", { bucket: "central", of: "ticket" })).toBe(2);
  expect(sumOf(counted, "troupe.conflicts", { bucket: "state" })).toBe(0);
  const lag = histogramOf(counted, "troupe.watch.lag", { bucket: "state" });
  expect(sumOf(counted, "troupe.watch.lag", { bucket: "state" })).toBe(5);
  expect(lag.max * 1_000).toBeLessThanOrEqual(Math.max(...lagsMs) + 1);
  expect(sumOf(counted, "troupe.replica.lag", { bucket: "facts" })).toBeGreaterThanOrEqual(1);
  expect(histogramOf(counted, "troupe.replica.lag", { bucket: "facts" }).max * 1_000).toBeLessThanOrEqual(
    replicaMsMax + 1,
  );
  expect(sumOf(counted, "troupe.recall.duration", { by: "client" })).toBe(1);
  const recall = histogramOf(counted, "troupe.recall.duration", { by: "client" });
  expect(recall.sum * 1_000).toBeLessThanOrEqual(recallMs);
  expect(recall.sum * 1_000).toBeGreaterThanOrEqual(heldMs);
  expect(histogramOf(counted, "troupe.recall.hits", { by: "client" }).sum).toBe(hits.length);
});

/** Of twelve asks that take 30 ms, one after the other, as their caller measures them. Unit: ms. */
async function timesOfSlowAsks(worker: Worker): Promise<readonly number[]> {
  const timesMs: number[] = [];
  for (const n of upTo(12)) {
    const startedMs = performance.now();
    await worker.actor(Counter, `slow${n}`).ask.slowly();
    timesMs.push(performance.now() - startedMs);
  }
  return timesMs.sort((a, b) => a - b);
}

/** What lies in the app's streams: told messages by actor type and method, and dead letters. */
async function storedOn(url: string, app: string) {
  await using connection = await connectNats({ servers: url }).then((nc) =>
    Object.assign(nc, { [Symbol.asyncDispose]: () => nc.close() }),
  );
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(`${app}_mail`, { subjects_filter: `${app}.mail.>` });
  const subjects = Object.entries(state.subjects ?? {});
  const dead = await manager.streams.info(`${app}_dead`);
  return {
    mail: (type: string, method: string): number =>
      subjects.reduce((sum, [subject, count]) => {
        const tokens = subject.split(".");
        return tokens[4] === type && tokens[6] === method ? sum + count : sum;
      }, 0),
    dead: dead.state.messages,
  };
}

/** A commit, and what was sent, can be seen on the server before its owner, who counts it, knows of it. */
async function allTold(figures: () => FiguresSnapshot, turns: number): Promise<void> {
  await expect.poll(() => ofCommits(figures(), "troupe.commit.turns")).toBeGreaterThanOrEqual(turns);
  await expect.poll(() => sumOf(figures(), "troupe.outbox.pending")).toBe(0);
}

/** Resolves when the counters hold so much together. */
async function allApplied(troupe: Awaited<ReturnType<typeof connect>>, total: number): Promise<void> {
  const stop = new AbortController();
  const counts = new Map<string, number>();
  const looking = (async () => {
    for await (const change of troupe.watch("counter.*", { signal: stop.signal })) {
      if (change.kind !== "committed") continue;
      counts.set(change.actor.id, (change.state as { readonly count: number }).count);
      if ([...counts.values()].reduce((sum, count) => sum + count, 0) === total) return;
    }
  })();
  await within(`${total} in all`, looking).finally(() => stop.abort());
}
