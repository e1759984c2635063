// What the figures of workers and clients say when things go wrong, compared with what the test has done to a world in memory.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { asksMax } from "../../src/actors/mailbox.ts";
import { delay } from "../../src/core/clock.ts";
import { EventStream } from "../../src/core/events.ts";
import { Figures } from "../../src/core/figure-fold.ts";
import type { FiguresSnapshot } from "../../src/core/figures.ts";
import { silentLogger } from "../../src/core/log.ts";
import { HeardStore } from "../../src/kv/heard-store.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { metricProducer } from "../../src/monitoring/metrics-producer.ts";
import { connect } from "../../src/runtime/client.ts";
import { listenerOf } from "../../src/runtime/heard-ports.ts";
import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import type { WorkerOptions } from "../../src/runtime/options.ts";
import { readProcessGauges } from "../../src/runtime/process-gauges.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import type { Worker } from "../../src/runtime/worker.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { histogramOf, sumOf } from "../support/figure-sums.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

const partitions = 4;

function stage(matches: (operation: MemoryOperation) => boolean = () => false, faults: readonly MemoryFault[] = []) {
  const { world, clock } = worldWithFaults(matches, faults);
  const tally = defineActor(
    "tally",
    { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 2, backoffMs: 1 } },
    {
      add: handler(z.number(), (ctx, by) => {
        ctx.state.count += by;
      }),
      fail: handler(() => {
        throw new Error("as it always does");
      }),
      slowly: handler(async (ctx) => {
        await delay(clock, 1_000);
        ctx.state.count += 1;
      }),
      hang: handler(() => delay(clock, 1_000)),
      total: query((ctx) => ctx.state.count),
    },
  );
  const worker = (name: string, options: Partial<WorkerOptions> = {}) =>
    clock.runFor(
      createWorker({
        actors: [tally],
        partitions,
        logger: silentLogger,
        ports: memoryPorts({ world, name }),
        ...options,
      }),
    );
  const client = (name = "client", figures = false) =>
    clock.runFor(connect({ ports: memoryPorts({ world, name }), partitions, figures }));
  return { world, clock, tally, worker, client };
}

const isCommit = ({ kind, subject }: MemoryOperation) => kind === "kv-write" && subject.startsWith("troupe_state.");
const codeOf = (asking: Promise<unknown>) =>
  asking.then(
    () => "ok",
    (thrown: { readonly code: string }) => thrown.code,
  );

/** Each partition that a worker has taken it has still, or has given back, or has lost. */
function expectBalance(worker: Worker): void {
  const figures = worker.figures();
  const [taken, given, lost, owned] = (["taken", "given", "lost", "owned"] as const).map((what) =>
    sumOf(figures, `troupe.partitions.${what}`),
  );
  expect({ taken, left: (given ?? 0) + (lost ?? 0) + (owned ?? 0) }).toEqual({ taken, left: taken });
}

test("what is handled counts once, however often it ran; runs, refusals and commits count as what they are", async () => {
  const { clock, tally, worker, client } = stage(
    isCommit,
    Array.from({ length: 5 }, () => ({ refuse: "disk full" })),
  );
  const only = await worker("w");
  const troupe = await client();
  await clock.runFor(troupe.actor(tally, "t").tell.add(1));
  await clock.advance(10_000);
  const told = only.figures();
  const ok = { type: "tally", method: "add", turn: "tell", code: "ok" };
  expect(sumOf(told, "troupe.messages.handled", ok)).toBe(1);
  expect(sumOf(told, "troupe.turns", ok)).toBe(6);
  expect(sumOf(told, "troupe.commits.failed", { type: "tally", reason: "refused" })).toBe(5);
  expect(sumOf(told, "troupe.commit.duration")).toBe(1);

  await clock.runFor(troupe.actor(tally, "t").ask.total());
  await clock.runFor(codeOf(troupe.actor(tally, "t").ask.fail()));
  await clock.runFor(troupe.actor(tally, "t").tell.fail());
  await clock.runFor(codeOf(troupe.untyped("tally", "t").ask("nothing")));
  await clock.advance(1_000);
  const all = only.figures();
  expect(sumOf(all, "troupe.messages.handled", { turn: "query", method: "total", code: "ok" })).toBe(1);
  expect(sumOf(all, "troupe.messages.handled", { turn: "ask", method: "fail", code: "HANDLER_FAILED" })).toBe(1);
  // Two runs, then a dead letter.
  expect(sumOf(all, "troupe.messages.handled", { turn: "tell", method: "fail", code: "HANDLER_FAILED" })).toBe(1);
  expect(sumOf(all, "troupe.turns", { turn: "tell", method: "fail" })).toBe(2);
  expect(sumOf(all, "troupe.messages.handled", { method: "unknown", code: "METHOD_UNKNOWN" })).toBe(1);
  expect(sumOf(all, "troupe.messages.handled")).toBe(5);
});

test("an ask whose commit is refused is handled as what its asker was told", async () => {
  const { clock, tally, worker, client } = stage(isCommit, [{ refuse: "disk full" }]);
  const only = await worker("w");
  const troupe = await client();
  expect(await clock.runFor(codeOf(troupe.actor(tally, "t").ask.add(1)))).toBe("COMMIT_REFUSED");
  await clock.advance(1_000);
  expect(sumOf(only.figures(), "troupe.messages.handled", { turn: "ask", code: "COMMIT_REFUSED" })).toBe(1);
  expect(sumOf(only.figures(), "troupe.messages.handled")).toBe(1);
});

test("the duration of a commit begins with the end of its first turn, also while the commit before it is under way", async () => {
  const { clock, tally, worker, client } = stage(isCommit, [{ delayMs: 100 }]);
  const only = await worker("w");
  const troupe = await client();
  const first = troupe.actor(tally, "t").tell.add(1);
  await clock.runFor(first);
  await clock.advance(40);
  await clock.runFor(troupe.actor(tally, "t").tell.add(1));
  await clock.advance(1_000);
  const { counts, sum, max } = histogramOf(only.figures(), "troupe.commit.duration");
  expect(counts.reduce((total, count) => total + count, 0)).toBe(2);
  expect(max).toBeGreaterThanOrEqual(0.1);
  expect(sum - max).toBeGreaterThan(0.05); // It waited for the first for some 60 ms.
});

test("a lease that is over loses all partitions, and the commits under way are given up on", async () => {
  const { world, clock, tally, worker, client } = stage(isCommit, [{ lose: "answer" }]);
  const only = await worker("w");
  const troupe = await client();
  await clock.runFor(troupe.actor(tally, "t").tell.add(1));
  await clock.runFor(troupe.actor(tally, "other").tell.slowly());
  world.cut("w"); // Of the first commit nothing is heard, the second is never sent.
  await clock.advance(5_000);
  const cut = only.figures();
  expect(sumOf(cut, "troupe.partitions.lost", { pool: "main" })).toBe(partitions);
  expect(sumOf(cut, "troupe.partitions.owned")).toBe(0);
  expect(sumOf(cut, "troupe.commits.failed", { type: "tally", reason: "given-up" })).toBe(2);
  expectBalance(only);
  world.restore("w");
  await clock.advance(5_000);
  expect(sumOf(only.figures(), "troupe.partitions.owned")).toBe(partitions);
  expectBalance(only);
  // Its last sign of life was before the cut, at most 0.9 s.
  const { counts, sum } = histogramOf(only.figures(), "troupe.partition.ownerless");
  expect(counts.reduce((total, count) => total + count, 0)).toBe(partitions);
  expect(sum / partitions).toBeGreaterThanOrEqual(5);
  expect(sum / partitions).toBeLessThan(7);
});

test("what another took while a worker was cut off is lost, each partition once, whoever notices", async () => {
  const { world, clock, worker } = stage();
  const first = await worker("first");
  const second = await worker("second");
  await clock.advance(5_000);
  const held = sumOf(first.figures(), "troupe.partitions.owned");
  expect(held).toBeGreaterThan(0);
  world.cut("first");
  await clock.advance(1_500); // Less than a lease: the neighbour finds nobody, and takes what it had.
  expect(sumOf(second.figures(), "troupe.partitions.owned")).toBe(partitions);
  world.restore("first");
  await clock.advance(10_000);
  expect(sumOf(first.figures(), "troupe.partitions.lost")).toBe(held);
  expect(sumOf(second.figures(), "troupe.partitions.lost")).toBe(0);
  for (const each of [first, second]) expectBalance(each);
});

test("time without owner counts from the last sign of life of an owner that died, or from when it gave them back", async () => {
  const { clock, worker } = stage();
  const ownerlessMs = (figures: FiguresSnapshot) => {
    const { counts, sum, max } = histogramOf(figures, "troupe.partition.ownerless", { pool: "main" });
    expect(counts.reduce((total, count) => total + count, 0)).toBe(partitions);
    return { meanMs: (sum / partitions) * 1_000, maxMs: max * 1_000 };
  };
  const killed = await worker("killed");
  expect(sumOf(killed.figures(), "troupe.partition.ownerless")).toBe(0); // Nobody had them before.
  const diedAtMs = clock.now();
  await clock.runFor(killed.close());
  await clock.advance(20_000); // Nobody is there, and its lease has ended.
  const next = await worker("next");
  const afterDeath = ownerlessMs(next.figures());
  expect(afterDeath.meanMs).toBeGreaterThanOrEqual(20_000);
  expect(afterDeath.maxMs).toBeLessThanOrEqual(clock.now() - diedAtMs + 1_000);

  const drainedAtMs = clock.now();
  await clock.runFor(next.drain());
  await clock.advance(7_000);
  const last = await worker("last");
  const afterDrain = ownerlessMs(last.figures());
  expect(afterDrain.meanMs).toBeGreaterThanOrEqual(7_000);
  expect(afterDrain.maxMs).toBeLessThanOrEqual(clock.now() - drainedAtMs);

  const standsBy = await worker("stands-by");
  await clock.advance(5_000);
  const left = sumOf(last.figures(), "troupe.partitions.owned");
  const before = histogramOf(standsBy.figures(), "troupe.partition.ownerless");
  const killedAtMs = clock.now();
  await clock.runFor(last.close());
  await clock.runUntil(() => sumOf(standsBy.figures(), "troupe.partitions.owned") === partitions);
  const gapMs = clock.now() - killedAtMs;
  const after = histogramOf(standsBy.figures(), "troupe.partition.ownerless");
  const meanMs = ((after.sum - before.sum) / left) * 1_000;
  expect(meanMs).toBeGreaterThanOrEqual(gapMs - 100);
  expect(meanMs).toBeLessThanOrEqual(gapMs + 1_000); // It gave a sign each 0.9 s.
});

test("asks that are turned away count where they were, and at a client that keeps figures; so do tells that are too large", async () => {
  const { clock, tally, worker, client } = stage();
  const only = await worker("w");
  const troupe = await client("counts", true);
  const asks = Array.from({ length: asksMax + 11 }, () =>
    codeOf(troupe.actor(tally, "t").ask.hang(undefined, { timeoutMs: 500 })),
  );
  const codes = Map.groupBy(await clock.runFor(Promise.all(asks)), (code) => code);
  expect(codes.get("MAILBOX_FULL")?.length).toBe(10); // One runs.
  expect(sumOf(only.figures(), "troupe.mailbox.full", { type: "tally" })).toBe(10);
  const tooLarge = codeOf(troupe.untyped("tally", "t").tell("add", "x".repeat(2_000_000)));
  expect(await clock.runFor(tooLarge)).toBe("PAYLOAD_TOO_LARGE");
  const own = troupe.figures();
  expect(sumOf(own, "troupe.messages.asked", { type: "tally", code: "MAILBOX_FULL" })).toBe(10);
  expect(sumOf(own, "troupe.messages.asked", { type: "tally", code: "ASK_TIMEOUT" })).toBe(asksMax + 1);
  expect(sumOf(own, "troupe.messages.told", { by: "client", code: "PAYLOAD_TOO_LARGE" })).toBe(1);
  expect(sumOf(own, "troupe.heap.used")).toBeGreaterThan(0);
  const { resourceMetrics } = await metricProducer(troupe).collect();
  const exported = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.map(({ descriptor }) => descriptor.name),
  );
  expect(exported).toContain("troupe.messages.asked");
  const other = await client("counts-not");
  expect(other.figures().series).toEqual([]);
});

test("a watch that starts over is counted where it watches, and so is how late it hears of a change", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const events = new EventStream();
  const figures = new Figures("w", 0);
  events.listen(figures.fold);
  const near = await openMemoryStore({ bucket: "facts", markerTtlMs: 1_000, clock });
  await using store = new HeardStore(near, clock, listenerOf("facts", events));
  await store.put("user.anna", Buffer.from("1"));
  await using watcher = await store.watch(">");
  const changes = watcher[Symbol.asyncIterator]();
  for (let next = await changes.next(); next.value?.kind !== "current"; ) next = await changes.next();
  await store.put("user.anna", Buffer.from("2"));
  await clock.advance(250);
  await changes.next();
  await store.put("user.bert", Buffer.from("3"), { ttlMs: 1_000 });
  // It ends and is forgotten, and nobody has read of it meanwhile.
  await clock.advance(5_000);
  await store.put("user.anna", Buffer.from("4"));
  expect((await changes.next()).value).toMatchObject({ kind: "restarted" });
  const now = figures.snapshot(0);
  expect(sumOf(now, "troupe.watch.restarts", { bucket: "facts" })).toBe(1);
  expect(sumOf(now, "troupe.watch.restarts")).toBe(1);
  const lag = histogramOf(now, "troupe.watch.lag", { bucket: "facts" });
  expect(lag.sum).toBeCloseTo(0.25, 6);
});

test("a write that has lost a race counts by what it was to write; races of workers for partitions and leases do not", () => {
  const events = new EventStream();
  const figures = new Figures("w", 0);
  events.listen(figures.fold);
  listenerOf("cluster", events).conflict("partition.main.1");
  listenerOf("central", events).conflict("ticket.t1");
  listenerOf("facts", events).conflict("user.anna.fact.city");
  listenerOf("state", events).conflict("nodots");
  const { series } = figures.snapshot(0);
  const counted = series.flatMap((one) => (one.name === "troupe.conflicts" ? [one.labels] : []));
  expect(counted).toEqual([
    { bucket: "central", of: "ticket" },
    { bucket: "facts", of: "user" },
    { bucket: "state", of: "other" },
  ]);
});

test("G2: what was late stays in sight for a minute, whoever else asks meanwhile", async () => {
  const lateS = (nowMs: number) =>
    readProcessGauges(nowMs).find(({ name }) => name === "troupe.event_loop.delay")?.value ?? Number.NaN;
  const nowMs = 1e9; // Later than any reading before.
  lateS(nowMs);
  lateS(nowMs + 61_000);
  const looks = () => new Promise((resolve) => AbortSignal.timeout(60).addEventListener("abort", resolve));
  await looks(); // The first look after a reading begins to measure.
  const untilMs = performance.now() + 150;
  while (performance.now() < untilMs);
  await looks();
  for (const afterMs of [61_500, 62_000, 63_000, 64_000, 90_000, 120_000])
    expect(lateS(nowMs + afterMs)).toBeGreaterThan(0.1);
  expect(lateS(nowMs + 200_000)).toBeLessThan(0.1);
});
