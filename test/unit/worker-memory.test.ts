import { expect, test } from "vitest";
import { z } from "zod";
import type { OutboxMemory } from "../../src/actors/snapshot.ts";
import { EventStream } from "../../src/core/events.ts";
import { connect, createWorker, defineActor, handler, silentLogger } from "../../src/index.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { remember } from "../../src/runtime/remember.ts";
import { WorkerMemory } from "../../src/runtime/worker-memory.ts";
import { memoryPorts } from "../../src/testing.ts";
import { within } from "../contract/kv-support.ts";

const clerk = defineActor(
  "clerk",
  { state: z.object({ heard: z.number() }), initial: { heard: 0 }, memory: { bring: { window: { tokens: 500 } } } },
  {
    hear: handler(z.string(), (ctx, text) => {
      ctx.state.heard += 1;
      ctx.memory.mergeFact("heard", [text], "union");
      return ctx.memory.window.map((entry) => entry.text);
    }),
  },
);
const reversing = {
  id: "reversed",
  encode: (bytes: Uint8Array) => bytes.toReversed(),
  decode: (bytes: Uint8Array) => bytes.toReversed(),
};

test("what a worker's agents remember goes through the codecs and schemas that the worker was given", async () => {
  const ports = memoryPorts();
  const upcasters = { 1: (entry: { text: string }) => ({ ...entry, text: `${entry.text} (of old)` }) };
  {
    const memory = { codecs: [reversing] };
    await using _worker = await createWorker({ actors: [clerk], ports, memory, logger: silentLogger });
    await using troupe = await connect({ ports, memory });
    await using replica = await (await troupe.memory()).replica({ agent: { type: "clerk", id: "c" } });
    const heard = new Promise<void>((resolve) => {
      replica.onChange(() => replica.entries.length === 2 && resolve());
    });
    await troupe.actor(clerk, "c").ask.hear("one");
    await heard;
    const { entries } = (await troupe.memory()).stores;
    const stored = Buffer.from((await entries.get("agent.clerk.c.log.00000001"))?.value ?? []).toString();
    expect(stored).toMatch(/^~reversed\n/);
    expect(stored).not.toContain('"text"');
  }
  const memory = { codecs: [reversing], entrySchema: { version: 2, upcasters } };
  await using _worker = await createWorker({ actors: [clerk], ports, memory, logger: silentLogger });
  await using troupe = await connect({ ports, memory });
  const window = await troupe.actor(clerk, "c").ask.hear("two");
  expect(window[0]).toBe("one (of old)");
});

test("M2: what was formed in a later era than that of a memory that was set back is written, and holds up nothing", async () => {
  await using ports = await memoryPorts()({ app: "troupe", pool: "main", partitionCount: undefined });
  const memory = new WorkerMemory(ports, {});
  const place = {
    ...{ self: { type: "clerk", id: "c" }, key: "clerk.c", memory, clock: ports.clock },
    ...{ events: new EventStream(), log: silentLogger, lost: new AbortController().signal },
  };
  const scope = "agent.clerk.c";
  const writes: readonly OutboxMemory[] = [
    { n: 1, memory: { in: scope, era: 3, entry: { text: "one" } } },
    { n: 2, memory: { in: scope, era: 3, fact: "last", change: { kind: "set", value: 1 } } },
    { n: 3, memory: { in: scope, era: 3, entry: { text: "two" } } },
  ];
  expect(await within(5_000, "all is written", remember(place, writes))).toBe(true);
  const { log, facts } = (await memory.open()).of(scope);
  expect((await log.read().toArray()).map(({ text }) => text)).toEqual(["one", "two"]);
  expect((await facts.get("last"))?.value).toBe(1);
  const stores = { ...(await ports.openMemory()), clock: ports.clock, codecs: new ValueCodecs() };
  await eraseScope(stores, { agent: { type: "clerk", id: "c" } });
  expect(await remember(place, [{ n: 4, memory: { in: scope, era: 1, entry: { text: "of before" } } }])).toBe(true);
  expect(await log.read().toArray()).toEqual([]);
});

test("a worker whose memory's settings make no sense does not start", async () => {
  const starting = createWorker({
    ...{ actors: [clerk], ports: memoryPorts(), logger: silentLogger },
    memory: { codecs: [{ ...reversing, id: "no good" }] },
  });
  await expect(starting).rejects.toMatchObject({ code: "OPTION_INVALID" });
});
