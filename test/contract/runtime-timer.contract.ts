// Timers as handlers set them: they fire once for each time that they are due, whoever dies when, and not at all when the
// turn that set them did not commit.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { inTime } from "./in-time.ts";
import { within } from "./mail-support.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, eventsOf, Gate, partitions, rejection, Stage } from "./runtime-support.ts";

const when = z.object({ name: z.string().optional(), afterMs: z.number(), text: z.string() });

/** Rings, and remembers what for. */
const alarm = defineActor(
  "alarm",
  { state: z.object({ rung: z.array(z.string()) }), initial: { rung: [] }, retry: { attempts: 2, backoffMs: 1 } },
  {
    set: handler(z.array(when), (ctx, timers) => {
      for (const { name, afterMs, text } of timers) {
        ctx.tellLater("ring", { afterMs, input: text, ...(name === undefined ? {} : { name }) });
      }
    }),
    setAndFail: handler(when, (ctx, { afterMs, text }) => {
      ctx.tellLater("ring", { afterMs, input: text });
      throw new Error("after all, no");
    }),
    ring: handler(z.string(), (ctx, text) => {
      ctx.state.rung.push(text);
      if (text === "snooze" && ctx.state.rung.length < 3) ctx.tellLater("ring", { afterMs: 0, input: text });
    }),
    fail: handler(() => {
      throw new Error("it is broken");
    }),
    failLater: handler((ctx) => ctx.tellLater("fail", { afterMs: 0 })),
    every: handler((ctx) => ctx.every("ring", { name: "tick", everyMs: 1_000, input: "tick" })),
    cron: handler((ctx) =>
      ctx.cron("ring", { name: "tock", cron: "* * * * * *", timeZone: "Europe/Berlin", input: "tock" }),
    ),
    cancel: handler(z.string(), (ctx, name) => ctx.cancelTimer(name)),
    rung: query((ctx) => ctx.state.rung),
  },
);

/** Mail that takes no timers until the test says so, or takes them and says nothing. */
function mailWithoutTimers(isStored: boolean): { front: (mail: Mail) => Partial<Mail>; held: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const front = (mail: Mail): Partial<Mail> => ({
    schedule: async (...call) => {
      if (isStored) await mail.schedule(...call);
      resolve();
      return new Promise(() => {});
    },
  });
  return { front, held: within("a timer is to be set", promise) };
}

export function runtimeTimerContract(name: string, open: OpenRuntime): void {
  timerOnceContract(name, open);
  timerFailureContract(name, open);
  timerCrashContract(name, open);
  timerRepeatingContract(name, open);
}

/** In which timers are set and cancelled, before the first is due. Unit: ms. */
const setMs = 500;

function timerOnceContract(name: string, open: OpenRuntime): void {
  test(`${name}: a timer tells its actor at its time, once, and stands in the value until then`, () =>
    inTime(setMs, async (ms, limit) => {
      await using stage = await Stage.open(open);
      const { worker, client } = await stage.both([alarm]);
      const actor = client.actor(alarm, "a");
      const [set, fired] = [eventOf(worker, "timer-set"), eventOf(worker, "timer-fired")];
      const check = limit(ms);
      const soonestMs = Date.now() + ms;
      await actor.ask.set([{ afterMs: ms, text: "ring" }]);
      const standing = (await actor.get())?.timers ?? {};
      check();
      expect(standing).toMatchObject({ ring: { method: "ring", inputText: '"ring"', when: { kind: "at" } } });
      expect((await set).number).toBe(standing.ring?.n);
      await committedState(actor, ({ rung }) => rung.length > 0);
      expect(Date.now()).toBeGreaterThanOrEqual(soonestMs);
      expect(await fired).toMatchObject({ name: "ring", method: "ring", number: standing.ring?.n });
      expect((await fired).lateMs).toBeGreaterThanOrEqual(0);
      await actor.ask.set([{ afterMs: 600, text: "end" }]);
      expect((await committedState(actor, ({ rung }) => rung.includes("end"))).rung).toEqual(["ring", "end"]);
      expect((await actor.get())?.timers).toEqual({});
    }));

  test(`${name}: a timer is replaced by its name, cancelled by its name, and others are left alone`, () =>
    inTime(setMs, async (ms, limit) => {
      await using stage = await Stage.open(open);
      const { worker, client } = await stage.both([alarm]);
      const actor = client.actor(alarm, "a");
      const check = limit(ms);
      await actor.ask.set([
        { name: "a", afterMs: ms, text: "replaced" },
        { name: "b", afterMs: ms, text: "cancelled" },
        { name: "c", afterMs: ms, text: "kept" },
        { name: "a", afterMs: ms + 50, text: "replaced too" },
      ]);
      const cancelled = eventOf(worker, "timer-cancelled", (event) => event.name === "b");
      await actor.ask.set([{ name: "a", afterMs: ms + 300, text: "in its place" }]);
      await actor.ask.cancel("b");
      check();
      await actor.ask.cancel("b");
      await actor.ask.cancel("none");
      await cancelled;
      await actor.ask.set([{ name: "end", afterMs: ms + 600, text: "end" }]);
      const { rung } = await committedState(actor, (state) => state.rung.includes("end"));
      expect(rung).toEqual(["kept", "in its place", "end"]);
    }));
}

function timerFailureContract(name: string, open: OpenRuntime): void {
  test(`${name}: a timer that a failed turn set never fires; one that its own firing sets does`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both([alarm]);
    const actor = client.actor(alarm, "a");
    await rejection(actor.ask.setAndFail({ afterMs: 0, text: "never" }), "HANDLER_FAILED");
    await actor.ask.set([{ afterMs: 0, text: "snooze" }]);
    await committedState(actor, ({ rung }) => rung.length === 3);
    await actor.ask.set([{ name: "end", afterMs: 600, text: "end" }]);
    const { rung } = await committedState(actor, (state) => state.rung.includes("end"));
    expect(rung).toEqual(["snooze", "snooze", "snooze", "end"]);
  });

  test(`${name}: P7: a firing that keeps failing is kept with the reason, and its timer is over`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([alarm]);
    const actor = client.actor(alarm, "a");
    const buried = eventOf(worker, "dead-lettered");
    await actor.ask.failLater();
    expect(await buried).toMatchObject({ method: "fail", code: "HANDLER_FAILED" });
    expect(await stage.deadLetters()).toMatchObject([{ code: "HANDLER_FAILED", attempts: 2 }]);
    await actor.ask.set([{ afterMs: 0, text: "end" }]);
    await committedState(actor, ({ rung }) => rung.includes("end"));
    expect((await actor.get())?.timers).toEqual({});
  });
}

function timerCrashContract(name: string, open: OpenRuntime): void {
  test(`${name}: a timer that fires while no worker is alive arrives when one is`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([alarm]);
    const actor = client.actor(alarm, "a");
    const set = eventOf(worker, "timer-set");
    await actor.ask.set([{ afterMs: 200, text: "alone" }]);
    await set;
    await worker.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    const partition = partitionOf("alarm", "a", partitions);
    await using _reader = await client.ports.mail.read(partition, 1, ({ meta }) => {
      if (meta.timer !== undefined) resolve();
    });
    await within("it has fired", promise);
    await stage.worker([alarm]);
    expect((await committedState(actor, ({ rung }) => rung.length > 0)).rung).toEqual(["alone"]);
  });

  for (const isStored of [false, true]) {
    for (const verb of ["tell", "ask"] as const) {
      const how = isStored ? "and nobody heard that it was" : "and it was not";
      test(`${name}: P3: a timer that a committed turn sets (by ${verb}) fires once, though the worker died ${how}`, async () => {
        await using stage = await Stage.open(open);
        const { front, held } = mailWithoutTimers(isStored);
        const first = await stage.worker([alarm], stage.portsBehind(front));
        const client = await stage.client();
        const actor = client.actor(alarm, "a");
        await actor[verb].set([{ afterMs: 100, text: "once" }]);
        await held;
        await first.close();
        await stage.worker([alarm]);
        await committedState(actor, ({ rung }) => rung.length > 0);
        await actor.ask.set([{ name: "end", afterMs: 900, text: "end" }]);
        const { rung } = await committedState(actor, (state) => state.rung.includes("end"));
        expect(rung).toEqual(["once", "end"]);
      });
    }
  }
}

function timerRepeatingContract(name: string, open: OpenRuntime): void {
  test(`${name}: every second and by cron it fires until it is cancelled, over a worker that is replaced`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([alarm]);
    const actor = client.actor(alarm, "a");
    await actor.ask.every();
    await actor.ask.cron();
    const count = (rung: readonly string[], text: string) => rung.filter((each) => each === text).length;
    const both = (least: number) => (state: { readonly rung: readonly string[] }) =>
      count(state.rung, "tick") >= least && count(state.rung, "tock") >= least;
    await committedState(actor, both(1));
    await worker.drain();
    await stage.worker([alarm]);
    await committedState(actor, both(3));
    await Promise.all([actor.ask.cancel("tick"), actor.ask.cancel("tock")]);
    const { rung } = (await actor.get())?.state ?? { rung: [] };
    await actor.ask.set([{ name: "end", afterMs: 2_200, text: "end" }]);
    const after = await committedState(actor, (state) => state.rung.includes("end"));
    expect(after.rung).toEqual([...rung, "end"]);
  });

  test(`${name}: an actor that is slower than its timer gets the last firing alone of those that wait`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    let runs = 0;
    const slow = defineActor(
      "slow",
      { state: z.object({ ran: z.number() }), initial: { ran: 0 } },
      {
        start: handler((ctx) => ctx.every("work", { everyMs: 1_000 })),
        work: handler(async (ctx) => {
          runs += 1;
          if (runs === 1) await gate.pass();
          if (runs === 2) ctx.cancelTimer("work");
          ctx.state.ran += 1;
        }),
      },
    );
    const { worker, client } = await stage.both([slow, alarm]);
    const [actor, bell] = [client.actor(slow, "s"), client.actor(alarm, "bell")];
    await actor.ask.start();
    await gate.reached;
    const fired = eventsOf(worker, "timer-fired");
    // Three firings wait behind the one that runs when another actor's timer says so.
    await bell.ask.set([{ afterMs: 3_300, text: "bell" }]);
    await committedState(bell, ({ rung }) => rung.length > 0);
    gate.open();
    await committedState(actor, ({ ran }) => ran === 2);
    expect(fired.map((event) => event.name)).toEqual(["ring", "work"]);
    await bell.ask.set([{ afterMs: 1_200, text: "end" }]);
    await committedState(bell, ({ rung }) => rung.includes("end"));
    expect((await actor.get())?.state.ran).toBe(2);
  });
}
