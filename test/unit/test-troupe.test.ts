// The package entry `troupe/testing`, used as a stranger would use it.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";
import { createSimulatedClock, createTestTroupe, MemoryWorld, memoryPorts } from "../../src/testing.ts";

const counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 }, retry: { attempts: 2, backoffMs: 30_000 } },
  {
    add: handler(z.number().int(), (ctx, n) => {
      if (n === 13) throw new Error("not this one");
      ctx.state.count += n;
      return ctx.state.count;
    }),
    total: query((ctx) => ctx.state.count),
  },
);

test("a test has a worker and a client in memory, and may restart the worker", async () => {
  await using troupe = await createTestTroupe({ actors: [counter] });
  const c1 = troupe.actor(counter, "c1");
  expect(await c1.ask.add(5)).toBe(5);
  await troupe.restart();
  expect(await c1.ask.total()).toBe(5);
  const before = troupe.worker;
  await troupe.restart({ isAbrupt: true });
  expect(troupe.worker).not.toBe(before);
  expect(await c1.ask.add(1)).toBe(6);
});

test("with a simulated clock hours pass at once, and what was given up on can be read", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const troupe = await clock.runFor(createTestTroupe({ actors: [counter], clock }));
  await clock.runFor(troupe.actor(counter, "a.b").tell.add(13));
  await clock.advance(3_600_000);
  expect(troupe.deadLetters()).toEqual([
    { key: "counter.a=2Eb", method: "add", input: 13, code: "HANDLER_FAILED", reason: expect.any(String), attempts: 2 },
  ]);
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(3_600_000);
  await clock.runFor(troupe.close());
});

test("a world has a clock and faults of its own", () => {
  const world = new MemoryWorld();
  expect(() => memoryPorts({ world, clock: createSimulatedClock({ seed: 1 }) })).toThrow(/belong to the world/);
  expect(() => memoryPorts({ world, faults: () => undefined })).toThrow(/belong to the world/);
});
