// What becomes of messages that cannot be handled, and of the actors that fail at them.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import { childFailure } from "../../src/actors/supervision.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { bytes, patienceMs, within } from "./mail-support.ts";
import { actors, clumsy } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, eventsOf, partitions, rejection, Stage, untilCount } from "./runtime-support.ts";

const repaired = new Set<string>();
const repair = (id: string) => void repaired.add(id);
const retry = { attempts: 2, backoffMs: 1, backoffMsMax: 5 };
const list = z.object({ done: z.array(z.string()) });

/** Stops when it fails. */
const fragile = defineActor(
  "fragile",
  { state: list, initial: { done: [] }, retry, onFailure: "stop" },
  {
    do: handler(z.string(), (ctx, text) => {
      if (text === "break it" && !repaired.has(ctx.self.id)) throw new Error(`cannot ${text}`);
      return ctx.state.done.push(text);
    }),
    pass: handler(z.string(), (ctx, to) => {
      ctx.actor(fragile, to).tell.do(`from ${ctx.self.id}`);
    }),
  },
);

const child = defineActor(
  "child",
  { state: list, initial: { done: [] }, retry, onFailure: "escalate" },
  {
    do: handler(z.string(), (ctx, text) => {
      if (text.startsWith("fail")) throw new Error(`cannot ${text}`);
      ctx.state.done.push(text);
      return text;
    }),
  },
);

const guardian = defineActor(
  "guardian",
  { state: z.object({ heard: z.array(z.unknown()) }), initial: { heard: [] }, onChildFailure: "childFailed" },
  {
    raise: handler(z.string(), (ctx, id) => {
      ctx.spawn(child, id);
    }),
    end: handler(z.string(), (ctx, id) => ctx.stop(child, id, "enough")),
    childFailed: handler(childFailure, (ctx, failure) => {
      ctx.state.heard.push(failure);
    }),
  },
);
const family = [fragile, child, guardian];

/** Mail that buries nothing, and tells when something was to be buried. */
function mailWithoutGraves(): { front: (mail: Mail) => Partial<Mail>; asked: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const front = (): Partial<Mail> => ({
    bury: () => {
      resolve();
      return new Promise(() => {});
    },
  });
  return { front, asked: within("something is to be buried", promise) };
}

export function runtimeSupervisionContract(name: string, open: OpenRuntime): void {
  test(`${name}: what a commit has given up on becomes a dead letter, though the worker died before it was one (P7)`, async () => {
    await using stage = await Stage.open(open);
    const { front, asked } = mailWithoutGraves();
    const first = await stage.worker(actors, stage.portsBehind(front));
    const client = await stage.client();
    const actor = client.actor(clumsy, "c");
    await actor.tell.do("fail me");
    await asked;
    await actor.ask.do("behind it");
    await first.close();
    expect(await stage.deadLetters()).toEqual([]);
    const second = await stage.worker(actors);
    await actor.tell.do("later");
    await committedState(actor, ({ done }) => done.includes("later"));
    // It was given up on once and for all: the next owner runs it no more.
    expect((await actor.get())?.state.done).toEqual(["behind it", "later"]);
    await second.drain();
    expect(await stage.deadLetters()).toEqual([{ text: '"fail me"', code: "HANDLER_FAILED", attempts: 3 }]);
  });

  test(`${name}: beside a value that is as large as it may be, what fails is kept, and the next goes on (P7)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const actor = client.actor(clumsy, "c");
    let [fits, tooLarge] = [100_000, 2_000_000];
    while (tooLarge - fits > 1) {
      const bytes = Math.floor((fits + tooLarge) / 2);
      const isFit = await actor.ask.grow(bytes).then(
        () => true,
        (thrown: { code?: string }) => {
          if (thrown.code === "PAYLOAD_TOO_LARGE") return false;
          throw thrown;
        },
      );
      if (isFit) fits = bytes;
      else tooLarge = bytes;
      if (isFit) await actor.ask.clear();
    }
    await actor.ask.grow(fits);
    await rejection(actor.ask.do("one more"), "PAYLOAD_TOO_LARGE");
    const dead = eventOf(worker, "dead-lettered");
    await actor.tell.do("fail me");
    expect(await dead).toMatchObject({ code: "HANDLER_FAILED" });
    await actor.ask.clear();
    expect(await actor.ask.do("goes on")).toBe("goes on");
    expect(await stage.deadLetters()).toEqual([{ text: '"fail me"', code: "HANDLER_FAILED", attempts: 3 }]);
  });

  test(`${name}: an actor that is stopped takes nothing, loses nothing, and goes on where it stopped`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const actor = client.actor(fragile, "f");
    const stopped = eventOf(worker, "actor-stopped");
    await Promise.all([actor.tell.do("first"), actor.tell.do("break it"), actor.tell.do("behind it")]);
    expect(await stopped).toMatchObject({ reason: "failed", code: "HANDLER_FAILED" });
    const refused = await rejection(actor.ask.do("asked"), "ACTOR_STOPPED");
    expect(refused.data).toMatchObject({ code: "HANDLER_FAILED" });
    expect(await actor.get()).toMatchObject({ state: { done: ["first"] }, stopped: { code: "HANDLER_FAILED" } });
    await actor.tell.do("while it is stopped");
    // It fails at the same message again, and stops again.
    const again = eventOf(worker, "actor-stopped");
    expect(await actor.resume()).toBe("resumed");
    await again;
    await rejection(actor.ask.do("asked"), "ACTOR_STOPPED");
    repair("f");
    expect(await actor.resume()).toBe("resumed");
    const { done } = await committedState(actor, (state) => state.done.length >= 4);
    expect(done).toEqual(["first", "break it", "behind it", "while it is stopped"]);
    expect(await actor.resume()).toBe("running");
    expect(await actor.ask.do("asked")).toBe(5);
    expect(await stage.deadLetters()).toEqual([]);
  });

  test(`${name}: a stop outlives its worker, and so does what waits behind it; what it stopped at can be skipped`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const actor = client.actor(fragile, "g");
    const stopped = eventOf(worker, "actor-stopped");
    await Promise.all([actor.tell.do("break it"), actor.tell.do("behind it")]);
    await stopped;
    // A drain waits for nothing that a stopped actor has.
    await worker.drain({ graceMs: 240_000 }); // Beyond the deadline of the test.
    await actor.tell.do("while nobody is there");
    const next = await stage.worker(family);
    await rejection(actor.ask.do("asked"), "ACTOR_STOPPED");
    const dead = eventOf(next, "dead-lettered");
    expect(await actor.resume({ skip: true })).toBe("resumed");
    const { done } = await committedState(actor, (state) => state.done.length >= 2);
    expect(done).toEqual(["behind it", "while nobody is there"]);
    await dead;
    expect(await stage.deadLetters()).toMatchObject([{ text: '"break it"', code: "HANDLER_FAILED" }]);
  });

  test(`${name}: what an actor has sent before it stopped is sent (P3)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const stopped = eventOf(worker, "actor-stopped");
    const actor = client.actor(fragile, "h");
    await Promise.all([actor.tell.pass("other"), actor.tell.do("break it")]);
    await stopped;
    const other = client.actor(fragile, "other");
    expect((await committedState(other, ({ done }) => done.length > 0)).done).toEqual(["from h"]);
  });

  test(`${name}: a failure that escalates is told to the parent with the child's commit, and is a dead letter (P3, P7)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const [escalated, dead] = [eventOf(worker, "escalated"), eventOf(worker, "dead-lettered")];
    const parent = client.actor(guardian, "p");
    const spawned = eventOf(worker, "sent", ({ to }) => to === "child.c1");
    await parent.tell.raise("c1");
    await spawned;
    await client.actor(child, "c1").tell.do("fail me");
    const { heard } = await committedState(parent, (state) => state.heard.length > 0);
    expect(heard).toMatchObject([
      {
        ...{ child: { type: "child", id: "c1" }, method: "do", code: "HANDLER_FAILED", attempts: 2 },
        ...{ input: "fail me", data: { name: "Error", message: "cannot fail me" } },
      },
    ]);
    expect(await escalated).toMatchObject({ actor: { id: "c1" }, to: "guardian.p" });
    await dead;
    expect(await stage.deadLetters()).toEqual([{ text: '"fail me"', code: "HANDLER_FAILED", attempts: 2 }]);
    // The child goes on, and its parent may tell it again or stop it.
    expect(await client.actor(child, "c1").ask.do("well")).toBe("well");
    const stopped = eventOf(worker, "actor-stopped");
    await parent.tell.end("c1");
    expect(await stopped).toMatchObject({ reason: "told", message: "enough" });
    await rejection(client.actor(child, "c1").ask.do("well"), "ACTOR_STOPPED");
    expect(await client.actor(child, "c1").resume()).toBe("resumed");
    expect(await client.actor(child, "c1").ask.do("well")).toBe("well");
  });

  test(`${name}: a failure that escalates without a parent is a dead letter`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const dead = eventOf(worker, "dead-lettered");
    await client.actor(child, "orphan").tell.do("fail me");
    await dead;
    expect(await stage.deadLetters()).toMatchObject([{ text: '"fail me"', code: "HANDLER_FAILED" }]);
    expect(await client.actor(child, "orphan").ask.do("well")).toBe("well");
  });

  test(`${name}: nonsense that is sent to an actor stops nobody (F1, P10)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const dead = eventOf(worker, "dead-lettered", ({ code }) => code === "METHOD_UNKNOWN");
    await client.untyped("fragile", "n").tell("do", 5);
    await client.untyped("fragile", "n").tell("unheardOf");
    await dead;
    expect(await client.actor(fragile, "n").ask.do("well")).toBe(1);
    await rejection(client.untyped("fragile", "n").tell("_stop", { reason: "no" }), "NAME_INVALID");
  });

  test(`${name}: what Troupe itself tells an actor is read as carefully when somebody else has told it (P7, P10)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(family);
    const { mail } = client.ports;
    const partition = partitionOf("fragile", "o", partitions);
    const nonsense = [
      ["_stop", '{"reason":5}'],
      ["_stop", '{"reason":{"toString":1}}'],
      ["_stop", "not JSON"],
      ["_spawned", '{"method":[]}'],
      ["_spawned", '{"pool":{}}'],
    ] as const;
    const dead = eventsOf(worker, "dead-lettered");
    for (const [method, text] of nonsense) {
      await mail.append({ partition, key: "fragile.o", method }, bytes(text), { from: "guardian.p" }, patienceMs);
    }
    await untilCount(dead, nonsense.length, worker);
    expect(dead.map(({ method, code }) => [method, code])).toEqual(
      nonsense.map(([method]) => [method, "INPUT_INVALID"]),
    );
    expect(await client.actor(fragile, "o").ask.do("well")).toBe(1);
  });
}
