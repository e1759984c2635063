// Timers of a whole runtime on a simulated clock: hours pass in no time, and owners that were replaced speak late.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { TellMessage } from "../../src/actors/message.ts";
import { firstSnapshot } from "../../src/actors/snapshot.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { Cell } from "../../src/runtime/cell.ts";
import { CellStore } from "../../src/runtime/cell-store.ts";
import { connect } from "../../src/runtime/client.ts";
import type { FaultPlan, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";

const hourMs = 3_600_000;
const tenMinutesMs = 600_000;
/** The first of January 2026, midnight in London, one o'clock in Berlin. */
const startMs = 1_767_225_600_000;

function stage(faults: FaultPlan = () => undefined) {
  const clock = createSimulatedClock({ seed: 1 });
  const operations: MemoryOperation[] = [];
  const plan: FaultPlan = (operation) => {
    operations.push(operation);
    return faults(operation);
  };
  // Ids are forgotten soon, so that nothing but the numbers tells a late setting from a new one.
  const world = new MemoryWorld({ clock, faults: plan, duplicateWindowMs: 100 });
  const diary = defineActor(
    "diary",
    { state: z.object({ notes: z.array(z.number()) }), initial: { notes: [] } },
    { note: handler(z.number(), (ctx, n) => void ctx.state.notes.push(n)), notes: query((ctx) => ctx.state.notes) },
  );
  const clerk = defineActor(
    "clerk",
    { state: z.object({ at: z.array(z.number()) }), initial: { at: [] } },
    {
      cron: handler(z.string(), (ctx, cron) => ctx.cron("note", { name: "t", cron, timeZone: "Europe/Berlin" })),
      every: handler(z.number(), (ctx, everyMs) => ctx.every("note", { name: "t", everyMs })),
      later: handler(z.number(), (ctx, afterMs) => ctx.tellLater("note", { name: "t", afterMs })),
      cancel: handler((ctx) => ctx.cancelTimer("t")),
      everyTelling: handler((ctx) => ctx.every("tell", { everyMs: 60_000 })),
      tell: handler((ctx) => {
        ctx.state.at.push(ctx.state.at.length);
        ctx.actor(diary, "d").tell.note(ctx.state.at.length);
      }),
      note: handler((ctx) => void ctx.state.at.push(Math.round((clock.now() - startMs) / 1_000))),
      at: query((ctx) => ctx.state.at),
    },
  );
  const worker = (name: string) =>
    createWorker({ actors: [clerk, diary], partitions: 1, logger: silentLogger, ports: memoryPorts({ world, name }) });
  const open = async () => {
    const client = await clock.runFor(connect({ ports: memoryPorts({ world, name: "client" }), partitions: 1 }));
    return Object.assign(client.actor(clerk, "c"), { diary: client.actor(diary, "d") });
  };
  const done = (kind: MemoryOperation["kind"]) => operations.filter((operation) => operation.kind === kind).length;
  return { clock, world, worker, open, done };
}

test("by cron, each night at two and half past in the zone's own time, for as long as it likes", async () => {
  const { clock, worker, open } = stage();
  await clock.runFor(worker("w"));
  const actor = await open();
  await clock.runFor(actor.ask.cron("0,30 2 * * *"));
  await clock.advance(2 * hourMs);
  expect(await clock.runFor(actor.ask.at())).toEqual([3_600, 5_400]);
});

test("of all that was due while no worker was alive one firing arrives, then it goes on as ever", async () => {
  const { clock, worker, open } = stage();
  const first = await clock.runFor(worker("first"));
  const actor = await open();
  await clock.runFor(actor.ask.every(60_000));
  await clock.advance(150_000);
  await clock.runFor(first.close());
  await clock.advance(5 * hourMs);
  const second = await clock.runFor(worker("second"));
  await clock.advance(1_000);
  const at = await clock.runFor(actor.ask.at());
  expect(at.slice(0, 2)).toEqual([60, 120]);
  expect(at.length).toBe(3);
  expect(at.at(-1)).toBeGreaterThan(5 * 3_600);
  await clock.advance(120_000);
  expect(await clock.runFor(actor.ask.at())).toHaveLength(5);
  await clock.runFor(second.close());
});

test("a server that is down when a timer is due fires it when it is back, once", async () => {
  const { clock, world, worker, open } = stage();
  await clock.runFor(worker("w"));
  const actor = await open();
  await clock.runFor(actor.ask.every(10_000));
  await clock.advance(5_000);
  world.stop();
  await clock.advance(hourMs);
  world.start();
  await clock.advance(8_000);
  expect(await clock.runFor(actor.ask.at())).toHaveLength(1);
});

test("R4, P3: what a firing's turn sends is sent, though its worker died before and a later firing took its place in the mail", async () => {
  const { clock, world, worker, open } = stage(({ kind, client, subject }) =>
    kind === "append" && client === "first" && subject.endsWith("diary.d.note") ? { lose: "request" } : undefined,
  );
  await clock.runFor(worker("first"));
  const actor = await open();
  await clock.runFor(actor.ask.everyTelling());
  await clock.advance(61_000);
  expect((await clock.runFor(actor.get()))?.state.at).toEqual([0]);
  world.crash("first");
  await clock.advance(120_000);
  await clock.runFor(worker("second"));
  await clock.advance(90_000);
  const sent = (await clock.runFor(actor.get()))?.state.at.length ?? 0;
  expect(sent).toBeGreaterThan(2);
  expect(await clock.runFor(actor.diary.ask.notes())).toEqual(Array.from({ length: sent }, (_, at) => at + 1));
});

/** What the first worker says about timers is late: its lease ends meanwhile, and another takes over. */
const lateSettings: FaultPlan = ({ kind, client }) =>
  kind === "schedule" && client === "first" ? { delayMs: 20_000 } : undefined;

test("F1: a setting of an owner that was replaced, come after its timer was cancelled, has no effect and is cleared away", async () => {
  const { clock, worker, open, done } = stage(lateSettings);
  await clock.runFor(worker("first"));
  const actor = await open();
  await clock.runFor(actor.tell.every(5_000));
  await clock.runFor(worker("second"));
  await clock.advance(8_000);
  await clock.runFor(actor.ask.cancel());
  const before = await clock.runFor(actor.ask.at());
  await clock.advance(tenMinutesMs);
  expect(await clock.runFor(actor.ask.at())).toEqual(before);
  expect(done("cancel")).toBe(2);
});

test("F2: nor does it take the place of the timer that was set since, or hold it up", async () => {
  const { clock, worker, open } = stage(lateSettings);
  await clock.runFor(worker("first"));
  const actor = await open();
  await clock.runFor(actor.tell.every(5_000));
  await clock.runFor(worker("second"));
  await clock.advance(8_000);
  await clock.runFor(actor.ask.later(tenMinutesMs));
  const before = await clock.runFor(actor.ask.at());
  const dueS = Math.round((clock.now() + tenMinutesMs - startMs) / 1_000);
  await clock.advance(2 * tenMinutesMs);
  const at = await clock.runFor(actor.ask.at());
  expect(at.slice(0, -1)).toEqual(before);
  expect(Math.abs((at.at(-1) ?? 0) - dueS)).toBeLessThanOrEqual(2);
});

test("F1: only a timer that surely was given up is cleared away, not one that a later owner may have set", () => {
  const cancelled: number[] = [];
  const cancel = async (_key: string, timer: { readonly number: number }) => void cancelled.push(timer.number);
  const store = new CellStore({ key: "clerk.c", host: { mail: { cancel } } } as unknown as Cell, () => {});
  const timer = { n: 7, method: "note", inputText: undefined, when: { kind: "every", everyMs: 1_000 } } as const;
  store.committed = { ...firstSnapshot({}, 0), sent: 10, timers: { t: timer } };
  const firing = (name: string, number: number, nextMs?: number): TellMessage => ({
    ...{ kind: "tell", method: "note", payload: undefined, messageId: "m", from: undefined, number: undefined },
    ...{
      sequence: 1,
      timer: { name, number, nextMs },
      trace: undefined,
      turnTrace: undefined,
      endedMs: undefined,
      attempts: 0,
    },
    doom: undefined,
  });
  store.cancelStray(firing("t", 7, 1));
  store.cancelStray(firing("t", 11, 1));
  store.cancelStray(firing("u", 12, 1));
  store.cancelStray(firing("t", 9)); // It fires once: there is nothing left to cancel.
  expect(cancelled).toEqual([]);
  store.cancelStray(firing("t", 9, 1));
  store.cancelStray(firing("u", 3, 1));
  expect(cancelled).toEqual([9, 3]);
});
