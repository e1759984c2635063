// What stays true when workers die in the middle of things. A worker that is closed abruptly is as good as dead: what it
// has not sent it never sends.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { within } from "./mail-support.ts";
import { actors, counter, relay } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, eventsOf, Gate, partitions, Stage } from "./runtime-support.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Mail that takes nothing from actors to counters until the test says so, and tells when something was to be sent. */
function heldMail(isStored: boolean): { front: (mail: Mail) => Partial<Mail>; held: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const front = (mail: Mail): Partial<Mail> => ({
    append: async (to, payload, meta, timeoutMs) => {
      if (meta.from === undefined) return mail.append(to, payload, meta, timeoutMs);
      if (isStored) await mail.append(to, payload, meta, timeoutMs);
      resolve();
      return new Promise(() => {});
    },
  });
  return { front, held: within("something is to be sent", promise) };
}

export function runtimeCrashContract(name: string, open: OpenRuntime): void {
  for (const isAbrupt of [false, true]) {
    const how = isAbrupt ? "is closed abruptly" : "is drained";
    test(`${name}: state and mail survive a worker that ${how}`, async () => {
      await using stage = await Stage.open(open);
      const { worker, client } = await stage.both(actors);
      const actor = client.actor(counter, "c");
      await Promise.all(upTo(50).map(() => actor.ask.add(1)));
      const told = await Promise.all(upTo(50).map((n) => actor.tell.see(n)));
      await (isAbrupt ? worker.close() : worker.drain());
      expect(told).toHaveLength(50);
      await Promise.all(upTo(10).map((n) => actor.tell.see(50 + n)));
      await stage.worker(actors);
      const { count, seen } = await committedState(actor, (state) => state.seen.length >= 60);
      expect({ count, seen }).toEqual({ count: 50, seen: upTo(60) });
      expect(await actor.ask.add(1)).toBe(51);
    });
  }

  for (const isStored of [false, true]) {
    for (const verb of ["tell", "ask"] as const) {
      const when = isStored ? "and nobody heard that they were" : "and they were not";
      test(`${name}: what a committed turn sends (by ${verb}) is sent once, though the worker died ${when} (P3)`, async () => {
        await using stage = await Stage.open(open);
        const { front, held } = heldMail(isStored);
        const first = await stage.worker(actors, stage.portsBehind(front));
        const client = await stage.client();
        const sender = client.actor(relay, "r");
        await sender[verb].pass({ to: "c", numbers: upTo(3) });
        await held;
        expect((await sender.get())?.state.passed).toBe(3);
        await first.close();
        await stage.worker(actors);
        const receiver = client.actor(counter, "c");
        expect((await committedState(receiver, ({ seen }) => seen.length >= 3)).seen).toEqual(upTo(3));
        await sender.ask.pass({ to: "c", numbers: [3] });
        expect((await committedState(receiver, ({ seen }) => seen.includes(3))).seen).toEqual(upTo(4));
      });
    }
  }

  test(`${name}: where the records of who owns what are older than the states, nothing told is lost, and all is served again (H2, E4, P2)`, async () => {
    await using stage = await Stage.open(open);
    const client = await stage.client();
    const refs = upTo(6).map((at) => client.actor(counter, `c${at}`));
    for (let round = 1; round <= 3; round += 1) {
      const worker = await stage.worker(actors);
      // In each round fewer are written, so that their values differ in their epochs.
      await Promise.all(refs.slice(round - 1).map((ref) => ref.ask.add(1)));
      await worker.drain();
    }
    await stage.forgetPartitions();
    await Promise.all(refs.map((ref) => ref.tell.see(1)));
    await stage.worker(actors);
    for (const [at, ref] of refs.entries()) {
      expect((await committedState(ref, ({ seen }) => seen.length > 0)).seen).toEqual([1]);
      expect(await ref.ask.add(1)).toBe(Math.min(at, 2) + 2);
    }
  });

  for (const [what, text] of [
    ["gone", undefined],
    ["no JSON", "oops"],
    ["no objects", "null"],
  ] as const) {
    test(`${name}: a worker whose records are ${what} takes its partitions once more, under later epochs (K1, D2, E4)`, async () => {
      await using stage = await Stage.open(open);
      const { worker, client } = await stage.both(actors);
      const actor = client.actor(counter, "c");
      expect(await actor.ask.add(1)).toBe(1);
      const taken = upTo(partitions).map((at) =>
        eventOf(worker, "partition-taken", ({ partition }) => partition === at),
      );
      await stage.forgetPartitions(text);
      await Promise.all(taken);
      expect(await actor.ask.add(1)).toBe(2);
      expect((await actor.get())?.epoch).toBeGreaterThan(1);
    });
  }

  test(`${name}: a step that was kept is not run again by the worker that repeats its turn`, async () => {
    await using stage = await Stage.open(open);
    const gates = [new Gate(), new Gate()];
    let calls = 0;
    let runs = 0;
    const thinker = defineActor(
      "thinker",
      { state: z.object({ thought: z.string() }), initial: { thought: "" } },
      {
        think: handler(async (ctx) => {
          runs += 1;
          const gate = gates[runs - 1];
          ctx.state.thought = await ctx.step("model", () => {
            calls += 1;
            return `call ${calls}`;
          });
          await gate?.pass();
        }),
      },
    );
    const { worker, client } = await stage.both([thinker]);
    const actor = client.actor(thinker, "t");
    await actor.tell.think();
    await gates[0]?.reached;
    await worker.close();
    await stage.worker([thinker]);
    await gates[1]?.reached;
    gates[1]?.open();
    expect((await committedState(actor, ({ thought }) => thought !== "")).thought).toBe("call 1");
    expect({ calls, runs }).toEqual({ calls: 1, runs: 2 });
  });

  test(`${name}: a worker that stands by takes over when the first is gone`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const actor = client.actor(counter, "c");
    await actor.ask.add(1);
    const waiting = eventOf(worker, "ownership-lost").then(
      () => "lost",
      () => "kept",
    );
    const second = stage.worker(actors);
    expect(await actor.ask.add(1)).toBe(2);
    await worker.close();
    expect(await actor.ask.add(1)).toBe(3);
    await within("the second serves", second);
    expect((await actor.get())?.epoch).toBe(2);
    void waiting;
  });

  test(`${name}: a rolling restart loses no ask and no tell`, async () => {
    await using stage = await Stage.open(open);
    const { worker: first, client } = await stage.both(actors);
    const actor = client.actor(counter, "c");
    const second = stage.worker(actors);
    let isOver = false;
    let asked = 0;
    const askers = upTo(8).map(async () => {
      while (!isOver) {
        await actor.ask.add(1);
        asked += 1;
        await actor.tell.add(1_000_000);
        await new Promise(setImmediate); // In memory all of this may go on without a turn of the event loop.
      }
    });
    await actor.ask.add(0);
    await first.drain();
    const takenOver = await second;
    const third = stage.worker(actors);
    await takenOver.drain();
    await third;
    await actor.ask.add(0);
    isOver = true;
    await Promise.all(askers);
    const { count } = await committedState(actor, (state) => state.count === asked * 1_000_001);
    expect(count % 1_000_000).toBe(asked);
  });

  test(`${name}: another's write to the key is not overwritten: the actor loads it and goes on from there (P1)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const actor = client.actor(counter, "c");
    await actor.ask.add(1);
    const { state } = client.ports;
    const entry = await state.get("counter.c");
    const text = Buffer.from(entry?.value ?? []).toString();
    await state.put(
      "counter.c",
      Buffer.from(text.replace('"count":1', '"count":100').replace(/"commit":"[^"]*"/, '"commit":"other"')),
    );
    const superseded = eventOf(worker, "superseded");
    expect(await Promise.all([actor.ask.add(1), actor.ask.add(1)])).toEqual([101, 102]);
    await superseded;
    await state.delete("counter.c");
    expect(await actor.ask.add(5)).toBe(5);
  });

  test(`${name}: an actor whose value is not readable refuses, keeps its mail with the reason, and returns when it is repaired`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const { state } = client.ports;
    const ours = { state: { count: 1, seen: [] }, commit: "c" };
    const bent = { ...ours, outbox: [{ n: 1, to: true, method: {} }], guard: 1_000, steps: { m: 1 } };
    for (const [id, text] of [
      ["c", "not ours"],
      ["d", JSON.stringify(bent)],
    ] as const) {
      await state.put(`counter.${id}`, Buffer.from(text));
      const actor = client.actor(counter, id);
      await expect(actor.ask.add(1)).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
      await expect(actor.ask.total()).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
      const buried = eventOf(worker, "dead-lettered", ({ actor: dead }) => dead.id === id);
      await actor.tell.add(1);
      expect((await buried).code).toBe("STATE_UNREADABLE");
      await state.put(`counter.${id}`, Buffer.from(JSON.stringify(ours)));
      expect(await actor.ask.add(1)).toBe(2);
    }
  });

  test(`${name}: an actor that has nothing to do is passivated, and is there again when it is asked`, async () => {
    await using stage = await Stage.open(open);
    const brief = defineActor(
      "brief",
      { state: z.object({ n: z.number() }), initial: { n: 0 }, idleMsMax: 1 },
      {
        add: handler((ctx) => {
          ctx.state.n += 1;
          return ctx.state.n;
        }),
        n: query((ctx) => ctx.state.n),
      },
    );
    const { worker, client } = await stage.both([brief]);
    const activated = eventsOf(worker, "activated");
    const passivated = eventOf(worker, "passivated");
    const actor = client.actor(brief, "b");
    expect(await actor.ask.add()).toBe(1);
    await passivated;
    expect(worker.activations).toBe(0);
    expect(await actor.ask.add()).toBe(2);
    expect(activated.length).toBe(2);
  });
}
