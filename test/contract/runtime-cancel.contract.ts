// Asks whose asker waits no longer: aborted, or out of time. From outside of the owner's process and from within it.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { inTime, stillMsMax } from "./in-time.ts";
import { within } from "./mail-support.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { eventOf, eventsOf, Gate, rejection, Stage } from "./runtime-support.ts";

const log = z.object({ done: z.array(z.string()) });

/** Waits where it is told to, and writes down what it did. */
function actorsWith(gate: Gate) {
  const signals: AbortSignal[] = [];
  let models = 0;
  const worker = defineActor(
    "patient",
    { state: log, initial: { done: [] } },
    {
      do: handler(z.string(), (ctx, text) => {
        ctx.state.done.push(text);
        return ctx.state.done.length;
      }),
      wait: handler(z.string(), async (ctx, text) => {
        ctx.state.done.push(text);
        ctx.actor(worker, "audit").tell.do(text);
        signals.push(ctx.signal);
        await gate.pass();
        return text;
      }),
      study: handler(z.string(), async (ctx, text): Promise<string> => {
        const value = await ctx.step("model", () => {
          models += 1;
          return `${text} ${models}`;
        });
        ctx.state.done.push(value);
        if (models === 1) {
          signals.push(ctx.signal);
          await gate.pass();
          models += 1;
        }
        return value;
      }),
      through: handler(z.string(), async (ctx, id): Promise<string> => {
        ctx.state.done.push("through");
        return ctx.actor(worker, id).ask.wait("nested");
      }),
      look: query(async (ctx): Promise<number> => {
        signals.push(ctx.signal);
        await gate.pass();
        return ctx.state.done.length;
      }),
      all: query((ctx) => ctx.state.done),
    },
  );
  return { worker, signals };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  within(
    "the handler's signal aborts",
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }),
  );

const reasonOf = (asking: Promise<unknown>): Promise<unknown> =>
  within(
    "the asker is told",
    asking.then(
      () => "answered",
      (thrown: unknown) => thrown,
    ),
  );

export function runtimeCancelContract(name: string, open: OpenRuntime): void {
  for (const where of ["outside", "within the process"] as const) {
    const start = async (stage: Stage, gate: Gate) => {
      const { worker: patient, signals } = actorsWith(gate);
      const { worker, client } = await stage.both([patient]);
      const asker: Troupe = where === "outside" ? client : worker;
      return { patient, signals, worker, asker, actor: asker.actor(patient, "p") };
    };

    test(`${name}, ${where}: the turn of an ask that is aborted ends, and nothing of it is committed or sent`, async () => {
      await using stage = await Stage.open(open);
      const gate = new Gate();
      const { patient, signals, worker, asker, actor } = await start(stage, gate);
      await actor.ask.do("before");
      const withdrawn = eventOf(worker, "ask-withdrawn");
      const abort = new AbortController();
      const asking = reasonOf(actor.ask.wait("never", { signal: abort.signal }));
      await gate.reached;
      const reason = new Error("changed my mind");
      abort.abort(reason);
      expect(await asking).toBe(reason);
      expect(await withdrawn).toMatchObject({ method: "wait", was: "running" });
      await aborted(signals[0] as AbortSignal);
      // The actor is free at once, while the handler still hangs.
      expect(await actor.ask.do("after")).toBe(2);
      gate.open();
      expect(await actor.ask.do("last")).toBe(3);
      expect(await actor.ask.all()).toEqual(["before", "after", "last"]);
      expect(await asker.actor(patient, "audit").get()).toBeUndefined();
    });

    test(`${name}, ${where}: an ask whose time is over is withdrawn as well, and one that waits is taken out`, () =>
      inTime(1_000, async (ms, limit) => {
        await using stage = await Stage.open(open);
        const gate = new Gate();
        const { signals, worker, actor } = await start(stage, gate);
        const [check, checkLease] = [limit(ms), limit(ms + stillMsMax)];
        const running = rejection(actor.ask.wait("never", { timeoutMs: ms }), "ASK_TIMEOUT");
        await Promise.race([gate.reached, running.catch(() => undefined)]);
        check();
        const waiting = eventOf(worker, "ask-withdrawn", ({ was }) => was === "waiting");
        const abort = new AbortController();
        const behind = reasonOf(actor.ask.do("behind", { signal: abort.signal }));
        const stays = actor.ask.do("stays");
        for (const each of [running, waiting, stays]) each.catch(() => undefined); // Of a scene that was too slow.
        // Those two have arrived when a query behind them is answered.
        await actor.ask.all();
        check();
        abort.abort("enough");
        await running.catch(() => undefined);
        checkLease();
        expect(await behind).toBe("enough");
        await waiting;
        await running;
        await aborted(signals[0] as AbortSignal);
        expect(await stays).toBe(1);
        expect(await actor.ask.all()).toEqual(["stays"]);
      }));

    test(`${name}, ${where}: what a turn asks is withdrawn with it`, async () => {
      await using stage = await Stage.open(open);
      const gate = new Gate();
      const { patient, signals, asker, actor } = await start(stage, gate);
      const abort = new AbortController();
      const asking = reasonOf(actor.ask.through("inner", { signal: abort.signal }));
      await gate.reached;
      abort.abort("enough");
      expect(await asking).toBe("enough");
      await aborted(signals[0] as AbortSignal);
      expect(await asker.actor(patient, "inner").ask.do("free")).toBe(1);
      expect(await actor.ask.all()).toEqual([]);
    });

    test(`${name}, ${where}: a query that is aborted ends`, async () => {
      await using stage = await Stage.open(open);
      const gate = new Gate();
      const { signals, actor } = await start(stage, gate);
      const abort = new AbortController();
      const asking = reasonOf(actor.ask.look(undefined, { signal: abort.signal }));
      await gate.reached;
      abort.abort("enough");
      expect(await asking).toBe("enough");
      await aborted(signals[0] as AbortSignal);
    });

    test(`${name}, ${where}: an aborted ask leaves no reply behind; with its key it runs again, and its steps do not`, async () => {
      await using stage = await Stage.open(open);
      const gate = new Gate();
      const { actor } = await start(stage, gate);
      const abort = new AbortController();
      const options = { idempotencyKey: "once", signal: abort.signal };
      const asking = reasonOf(actor.ask.study("tea", options));
      await gate.reached;
      abort.abort("enough");
      await asking;
      gate.open();
      expect(await actor.ask.study("tea", { idempotencyKey: "once" })).toBe("tea 1");
      expect(await actor.ask.study("tea", { idempotencyKey: "once" })).toBe("tea 1");
      expect(await actor.ask.all()).toEqual(["tea 1"]);
    });

    test(`${name}, ${where}: a turn that has ended before it is aborted stands`, async () => {
      await using stage = await Stage.open(open);
      const { worker, actor } = await start(stage, new Gate());
      const withdrawn = eventsOf(worker, "ask-withdrawn");
      const abort = new AbortController();
      const ended = eventOf(worker, "turn-ended", ({ method }) => method === "do");
      const asking = reasonOf(actor.ask.do("done", { signal: abort.signal }));
      await ended;
      abort.abort("too late");
      await asking;
      expect(await actor.ask.do("after")).toBe(2);
      expect(withdrawn).toEqual([]);
    });
  }
}
