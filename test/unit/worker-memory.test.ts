import { expect, test } from "vitest";
import { z } from "zod";
import { connect, createWorker, defineActor, handler, silentLogger } from "../../src/index.ts";
import { memoryPorts } from "../../src/testing.ts";

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

test("a worker whose memory's settings make no sense does not start", async () => {
  const starting = createWorker({
    ...{ actors: [clerk], ports: memoryPorts(), logger: silentLogger },
    memory: { codecs: [{ ...reversing, id: "no good" }] },
  });
  await expect(starting).rejects.toMatchObject({ code: "OPTION_INVALID" });
});
