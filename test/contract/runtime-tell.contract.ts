// What a caller sees of tells: order, once, and what becomes of those that fail.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { tellBytesMax } from "../../src/actors/mail-budget.ts";
import { keyOf } from "../../src/core/ids.ts";
import { partitionOf } from "../../src/core/partition.ts";
import { actors, clumsy, counter, relay } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import {
  committedState,
  eventOf,
  eventsOf,
  Gate,
  partitions,
  rejection,
  Stage,
  untilCount,
} from "./runtime-support.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

export function runtimeTellContract(name: string, open: OpenRuntime): void {
  test(`${name}: tells of one sender arrive in the order of the calls, each once (P5)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const receipts = await Promise.all(upTo(300).map((n) => client.actor(counter, "c").tell.see(n)));
    expect(new Set(receipts.map(({ sequence }) => sequence)).size).toBe(300);
    expect((await committedState(client.actor(counter, "c"), ({ seen }) => seen.length >= 300)).seen).toEqual(
      upTo(300),
    );
    await Promise.all(upTo(100).map((n) => worker.actor(counter, "d").tell.see(n)));
    expect((await committedState(client.actor(counter, "d"), ({ seen }) => seen.length >= 100)).seen).toEqual(
      upTo(100),
    );
  });

  test(`${name}: what a turn tells arrives in order, after its commit, each once (P3, P5)`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const sender = client.actor(relay, "r");
    await sender.tell.pass({ to: "c", numbers: upTo(50) });
    await committedState(sender, ({ passed }) => passed === 50); // An ask may overtake a tell.
    for (let at = 50; at < 100; at += 10) await sender.ask.pass({ to: "c", numbers: upTo(10).map((n) => at + n) });
    expect((await committedState(client.actor(counter, "c"), ({ seen }) => seen.length >= 100)).seen).toEqual(
      upTo(100),
    );
    expect(await sender.ask.passed()).toBe(100);
  });

  test(`${name}: a tell that waits for a worker is handled when one comes`, async () => {
    await using stage = await Stage.open(open);
    const client = await stage.client();
    await client.actor(counter, "c").tell.add(3);
    await stage.worker(actors);
    expect((await committedState(client.actor(counter, "c"), ({ count }) => count > 0)).count).toBe(3);
  });

  test(`${name}: a tell that keeps failing is tried again, then kept with the reason, and the next goes on (P7)`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const retries = eventsOf(worker, "turn-retried");
    const dead = eventOf(worker, "dead-lettered");
    const actor = client.actor(clumsy, "c");
    await Promise.all([actor.tell.do("first"), actor.tell.do("fail me"), actor.tell.do("last")]);
    expect((await committedState(actor, ({ done }) => done.length >= 2)).done).toEqual(["first", "last"]);
    expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2]);
    await dead;
    expect(await stage.deadLetters()).toEqual([{ text: '"fail me"', code: "HANDLER_FAILED", attempts: 3 }]);
  });

  test(`${name}: a tell that no run can help is kept at once`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const dead = eventsOf(worker, "dead-lettered");
    const actor = client.actor(clumsy, "c");
    await rejection(actor.tell.do(5 as unknown as string), "INPUT_INVALID");
    await client.untyped("clumsy", "c").tell("do", 5);
    await client.untyped("clumsy", "c").tell("unheardOf", 1);
    await client.untyped("clumsy", "c").tell("done");
    await client.untyped("nobody", "c").tell("do", 1);
    await actor.tell.spoil();
    await actor.tell.do("still here");
    expect((await committedState(actor, ({ done }) => done.length > 0)).done).toEqual(["still here"]);
    await untilCount(dead, 5, worker);
    const codes = (await stage.deadLetters()).map(({ code }) => code).sort();
    expect(codes).toEqual(["INPUT_INVALID", "METHOD_NOT_TELLABLE", "METHOD_UNKNOWN", "STATE_INVALID", "TYPE_UNKNOWN"]);
  });

  test(`${name}: 1,000 tells to a slow actor keep their order and block no other actor of its partition`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const slow = defineActor(
      "slow",
      { state: z.object({ seen: z.array(z.number()) }), initial: { seen: [] } },
      {
        see: handler(z.object({ n: z.number(), padding: z.string() }), async (ctx, { n }) => {
          if (n === 0) await gate.pass();
          ctx.state.seen.push(n);
        }),
        all: query((ctx) => ctx.state.seen),
      },
    );
    const { client } = await stage.both([slow, counter]);
    // Together they are larger than what a mailbox holds in memory, so that most are read again from the stream.
    const padding = "x".repeat((4 * tellBytesMax) / 1_000);
    const told = upTo(1_000).map((n) => client.actor(slow, "s").tell.see({ n, padding }));
    await gate.reached;
    await Promise.all(told);
    const beside = neighbourOf("slow", "s");
    await client.actor(counter, beside).tell.add(1);
    expect((await committedState(client.actor(counter, beside), ({ count }) => count > 0)).count).toBe(1);
    gate.open();
    const { seen } = await committedState(client.actor(slow, "s"), (state) => state.seen.length >= 1_000);
    expect(seen).toEqual(upTo(1_000));
    // A query sees what the owner knows to be committed: an ask behind all of it makes sure that it knows.
    await client.actor(slow, "s").ask.see({ n: 1_000, padding: "" });
    expect(await client.actor(slow, "s").ask.all()).toHaveLength(1_001);
  });

  test(`${name}: the one message that makes the state too large fails, those beside it do not`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both(actors);
    const actor = client.actor(clumsy, "c");
    await actor.ask.grow(10);
    const sizes = [1, 2, 3, 2_000_000, 4, 5];
    const asks = sizes.map((bytes) =>
      actor.ask.grow(bytes).then(
        () => "grown",
        ({ code }: { code: string }) => code,
      ),
    );
    expect(await Promise.all(asks)).toEqual(["grown", "grown", "grown", "PAYLOAD_TOO_LARGE", "grown", "grown"]);
    const dead = eventsOf(worker, "dead-lettered");
    await Promise.all([...sizes, 6].map((bytes) => actor.tell.grow(bytes)));
    const { done } = await committedState(actor, (state) => state.done.at(-1) === "grow 6");
    const small = sizes.filter((bytes) => bytes < 100).map((bytes) => `grow ${bytes}`);
    expect(done).toEqual(["grow 10", ...small, ...small, "grow 6"]);
    await untilCount(dead, 1, worker);
    expect(await stage.deadLetters()).toMatchObject([{ text: "2000000", code: "PAYLOAD_TOO_LARGE" }]);
  });
}

/** The id of a counter in the same partition. */
function neighbourOf(type: string, id: string): string {
  const wanted = partitionOf(type, id, partitions);
  const found = upTo(100).find(
    (at) => keyOf({ type: "counter", id: `n${at}` }) && partitionOf("counter", `n${at}`, partitions) === wanted,
  );
  return `n${found}`;
}
