// What a caller sees of asks and queries.

import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { messageOf } from "../../src/core/errors.ts";
import { inTime, stillMsMax } from "./in-time.ts";
import { within } from "./mail-support.ts";
import { actors, asker, clumsy, counter, relay } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { anyAwkwardId, committedState, eventOf, eventsOf, Gate, rejection, Stage } from "./runtime-support.ts";

export function runtimeAskContract(name: string, open: OpenRuntime): void {
  test(`${name}: an ask is answered after the commit that it speaks of (P4), from outside and inside the process`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    for (const [troupe, id] of [
      [client, "outside"],
      [worker, "inside"],
    ] as const) {
      const actor = troupe.actor(counter, id);
      expect(await actor.get()).toBeUndefined();
      expect(await actor.ask.add(5)).toBe(5);
      expect((await actor.get())?.state.count).toBe(5);
      expect(await actor.ask.see(1)).toBeUndefined();
      expect((await actor.get())?.state.seen).toEqual([1]);
      expect(await actor.ask.total()).toBe(5);
      expect(await troupe.actor(relay, "r").ask.totalOf(id)).toBe(5);
    }
  });

  test(`${name}: 256 asks at once of one actor get distinct, complete answers, in few commits`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const hot = client.actor(counter, "hot");
    await hot.ask.add(0);
    const commits = eventsOf(worker, "committed");
    const answers = await Promise.all(Array.from({ length: 256 }, () => hot.ask.add(1)));
    expect(answers.sort((a, b) => a - b)).toEqual(Array.from({ length: 256 }, (_, at) => at + 1));
    expect((await hot.get())?.state.count).toBe(256);
    expect(commits.reduce((sum, { turns }) => sum + turns, 0)).toBe(256);
    expect(commits.length).toBeLessThan(128);
  });

  test(`${name}: any id is its own actor's, whatever it holds`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyAwkwardId, { minLength: 1, maxLength: 5 }), async (ids) => {
        for (const id of ids) {
          const actor = client.actor(counter, id);
          const before = (await actor.get())?.state.count ?? 0;
          expect(await actor.ask.add(1)).toBe(before + 1);
          expect((await actor.get())?.actor).toEqual({ type: "counter", id });
        }
      }),
      { numRuns: 30 },
    );
    for (const id of ["", "x".repeat(257), "\ud800"]) expect(() => client.actor(counter, id)).toThrow(/id/);
  });

  test(`${name}: errors arrive with code, remedy and data, and change nothing`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const actor = client.actor(clumsy, "c");
    const untyped = client.untyped("clumsy", "c");
    const failure = await rejection(actor.ask.do("fail loudly"), "HANDLER_FAILED");
    expect(failure.data).toMatchObject({ name: "RangeError", message: "cannot fail loudly", code: "E_CLUMSY" });
    expect(failure.data).toMatchObject({ data: { text: "fail loudly" } });
    await rejection(actor.ask.do(5 as unknown as string), "INPUT_INVALID");
    const refused = await rejection(untyped.ask("do", 5), "INPUT_INVALID");
    expect(refused.data).toMatchObject({ issues: [{ path: "" }] });
    await rejection(untyped.ask("unheardOf"), "METHOD_UNKNOWN");
    await rejection(untyped.ask("constructor"), "METHOD_UNKNOWN");
    await rejection(client.untyped("nobody", "c").ask("do"), "TYPE_UNKNOWN");
    await rejection(actor.ask.answerNonsense(), "RESULT_INVALID");
    await rejection(actor.ask.spoil(), "STATE_INVALID");
    await rejection(actor.ask.writeInQuery(), "QUERY_CHANGED_STATE");
    expect(await actor.get()).toBeUndefined();
    expect(await actor.ask.do("well")).toBe("well");
    expect(await actor.ask.done()).toEqual(["well"]);
  });

  test(`${name}: a handler that takes too long fails with TURN_TIMEOUT, and the next message goes on`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const actor = client.actor(clumsy, "slow");
    const asks = [
      rejection(actor.ask.hang(), "TURN_TIMEOUT"),
      rejection(actor.ask.ignoreTheTime(), "TURN_TIMEOUT"),
      actor.ask.do("next"),
    ];
    expect((await within("all three", Promise.all(asks)))[2]).toBe("next");
    expect(await actor.ask.done()).toEqual(["next"]);
  });

  test(`${name}: what a failed turn would have sent is not sent (U1)`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const sender = client.actor(relay, "r");
    await rejection(sender.ask.passAndFail("c"), "HANDLER_FAILED");
    await sender.ask.pass({ to: "c", numbers: [7] });
    expect((await committedState(client.actor(counter, "c"), () => true)).seen).toEqual([7]);
    expect(await sender.ask.passed()).toBe(1);
  });

  test(`${name}: an ask that comes back to an actor that waits for it fails at once and names the chain`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const startedMs = performance.now();
    const first = client.actor(asker, "a");
    const cycle = await rejection(first.ask.walk(["b", "c", "a"]), "HANDLER_FAILED");
    expect(cycle.message).toContain("asker.a -> asker.b -> asker.c -> asker.a");
    expect((await rejection(first.ask.walk(["a"]), "HANDLER_FAILED")).message).toContain("asker.a -> asker.a");
    expect(performance.now() - startedMs).toBeLessThan(9_000); // Before the time of any ask is over.
    expect(await first.ask.walk(["b", "c"])).toEqual(["a", "b", "c"]);
    expect(await first.ask.asked()).toBe(1);
  });

  test(`${name}: a query may come back to an actor that waits: it sees the committed state and waits for nothing`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const first = client.actor(asker, "a");
    await first.ask.walk([]);
    expect(await first.ask.askedOf("b")).toBe(1);
  });

  test(`${name}: an idempotency key runs the handler once and gets the same answer, also after a restart`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const actor = client.actor(counter, "k");
    const key = { idempotencyKey: "order 1.*\r\n>" };
    expect(await Promise.all([actor.ask.add(1, key), actor.ask.add(1, key), actor.ask.add(1, key)])).toEqual([1, 1, 1]);
    expect(await actor.ask.add(1)).toBe(2);
    expect(await actor.ask.add(1, key)).toBe(1);
    await worker.close();
    await stage.worker(actors);
    expect(await actor.ask.add(1, key)).toBe(1);
    expect(await actor.ask.add(1, { idempotencyKey: "another" })).toBe(3);
    expect(await actor.ask.see(1, { idempotencyKey: "void" })).toBeUndefined();
    expect(await actor.ask.see(1, { idempotencyKey: "void" })).toBeUndefined();
    expect(await actor.ask.all()).toEqual([1]);
  });

  test(`${name}: an ask that failed may be repeated with its key`, async () => {
    await using stage = await Stage.open(open);
    let isBroken = true;
    const moody = defineActor(
      "moody",
      { state: z.object({ n: z.number() }), initial: { n: 0 } },
      {
        go: handler((ctx) => {
          ctx.state.n += 1;
          if (isBroken) throw new Error("not today");
          return ctx.state.n;
        }),
      },
    );
    const { client } = await stage.both([moody]);
    const key = { idempotencyKey: "k" };
    await rejection(client.actor(moody, "m").ask.go(undefined, key), "HANDLER_FAILED");
    isBroken = false;
    expect(await client.actor(moody, "m").ask.go(undefined, key)).toBe(1);
  });

  test(`${name}: without a worker an ask waits for one until its time is over (Q1)`, async () => {
    await using stage = await Stage.open(open);
    const client = await stage.client();
    const actor = client.actor(counter, "late");
    await rejection(actor.ask.add(1, { timeoutMs: 100 }), "ASK_UNREACHABLE");
    const asked = actor.ask.add(1);
    await stage.worker(actors);
    expect(await asked).toBe(1);
  });

  test(`${name}: an ask whose actor is slow rejects with ASK_TIMEOUT, and its turn ends without effect`, () =>
    inTime(400, async (ms, limit) => {
      await using stage = await Stage.open(open);
      const gate = new Gate();
      const slow = slowBehind(gate);
      const { worker, client } = await stage.both([slow]);
      await client.actor(slow, "s").ask.n(); // The client knows then whom to ask.
      for (const troupe of [client, worker]) {
        const withdrawn = eventOf(worker, "ask-withdrawn");
        withdrawn.catch(() => undefined); // Of a scene that was too slow.
        const checkLease = limit(ms + stillMsMax);
        const asked = troupe.actor(slow, "s").ask.go(undefined, { timeoutMs: ms });
        await asked.catch(() => undefined);
        checkLease();
        const text = messageOf(await rejection(asked, "ASK_TIMEOUT"));
        expect(text).toContain("slow.s go");
        await withdrawn; // What the worker has not heard of yet may still have its effect.
      }
      gate.open();
      await client.actor(slow, "s").ask.go();
      expect(await client.actor(slow, "s").ask.n()).toBe(1);
    }));

  test(`${name}: of a slow actor queries still are answered, and other actors of its partition are`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const slow = slowBehind(gate);
    const { client } = await stage.both([slow, counter]);
    const asked = client.actor(slow, "s").ask.go();
    await gate.reached;
    expect(await client.actor(slow, "s").ask.n()).toBe(0);
    const others = Array.from({ length: 16 }, (_, at) => client.actor(counter, `other${at}`).ask.add(1));
    expect(await Promise.all(others)).toEqual(others.map(() => 1));
    gate.open();
    await asked;
    expect(await client.actor(slow, "s").ask.n()).toBe(1);
  });
}

/** Its turns change the state, and then wait for the gate. */
const slowBehind = (gate: Gate) =>
  defineActor(
    "slow",
    { state: z.object({ n: z.number() }), initial: { n: 0 } },
    {
      go: handler(async (ctx) => {
        ctx.state.n += 1;
        await gate.pass();
      }),
      n: query((ctx) => ctx.state.n),
    },
  );
