// States that a turn has assigned: printed once, when the handler has returned, and committed as they were then (U6 of `turn.ts`).

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { connect } from "../../src/runtime/client.ts";
import type { MemoryFault } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

const key = "holder.h";

/** `made`: what `assign` assigns, by number. */
async function stage(made: readonly (() => unknown)[], faults: readonly MemoryFault[] = []) {
  const holder = defineActor(
    "holder",
    { state: z.any(), initial: { n: 0 } },
    {
      assign: handler(z.number(), (ctx, at) => {
        ctx.state = made[at]?.();
      }),
      assignAfterStep: handler(z.number(), async (ctx, at) => {
        await ctx.step("looked", () => "around");
        ctx.state = made[at]?.();
      }),
      add: handler(z.number(), (ctx, n) => {
        ctx.state.n += n;
      }),
      read: query((ctx) => ctx.state),
    },
  );
  const { world, clock } = worldWithFaults(
    ({ kind, subject }) => kind === "kv-write" && subject === `troupe_state.${key}`,
    faults,
  );
  const startWorker = () =>
    clock.runFor(
      createWorker({
        actors: [holder],
        partitions: 1,
        logger: silentLogger,
        ports: memoryPorts({ world, name: "worker" }),
      }),
    );
  let worker = await startWorker();
  const client = await clock.runFor(connect({ ports: memoryPorts({ world, name: "client" }), partitions: 1 }));
  const near = await openMemoryStore({ bucket: "troupe_state", place: world.place, clock });
  const h = client.actor(holder, "h");
  return {
    ...{ clock, h, near },
    ask: <T>(asking: Promise<T>) => clock.runFor(asking),
    restart: async () => {
      await clock.runFor(worker.drain());
      worker = await startWorker();
    },
    stored: async (): Promise<readonly unknown[]> => {
      const written = await near.history(key);
      return written.map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { state: unknown }).state);
    },
  };
}

test("U6: who keeps what was assigned changes neither what is committed of it nor what the next turn sees", async () => {
  const mine = { n: 1, list: [1] };
  // The second turn ends while the first one's commit is under way: its own is written later.
  const { clock, h, ask, stored } = await stage([() => ({ n: 0 }), () => mine], [{ delayMs: 100 }]);
  const asking = Promise.all([h.ask.assign(0), h.ask.assign(1)]);
  await clock.advance(50);
  mine.n = 99;
  mine.list.push(2);
  await ask(asking);
  expect(await stored()).toEqual([{ n: 0 }, { n: 1, list: [1] }]);
  expect(await ask(h.ask.read())).toEqual({ n: 1, list: [1] });
  await ask(h.ask.add(1));
  expect((await stored()).at(-1)).toEqual({ n: 2, list: [1] });
});

test("U6: what is committed, what the next turn sees and what a restart reads are the same JSON, whatever was assigned", async () => {
  let got = 0;
  const odd: readonly unknown[] = [
    {
      get n() {
        got += 1;
        return got;
      },
    },
    { n: 1, toJSON: () => ({ n: 2, made: "by toJSON" }) },
    { n: -0, at: new Date(0), none: undefined, list: [undefined, Number.NaN, 1] },
    JSON.parse('{"n":1,"__proto__":{"polluted":true},"2":"b","1":"a"}'),
    { n: 1, half: "\ud800", text: '"\u2028\n' },
    new (class Counter {
      n = 3;
      hidden() {}
    })(),
    { n: 1, large: "x".repeat(400_000), deep: Array.from({ length: 2_000 }, (_, at) => ({ at })) },
  ];
  const { h, ask, stored, restart } = await stage(odd.map((state) => () => state));
  for (const at of odd.keys()) {
    await ask(h.ask.assign(at));
    const text = JSON.stringify((await stored()).at(-1));
    expect(got, "a getter is asked once").toBe(1);
    if (at > 0) expect(text).toBe(JSON.stringify(JSON.parse(JSON.stringify(odd[at]))));
    expect(JSON.stringify(await ask(h.ask.read()))).toBe(text);
    await restart();
    expect(JSON.stringify(await ask(h.ask.read()))).toBe(text);
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("U6: what JSON cannot carry is refused, and nothing of it is committed with a later turn", async () => {
  const circle: { n: number; self?: unknown } = { n: 1 };
  circle.self = circle;
  const throwing = {
    get n(): number {
      throw new Error("no");
    },
  };
  const bad: readonly unknown[] = [undefined, { n: 1n }, circle, throwing, () => {}];
  const { h, ask, stored } = await stage([() => ({ n: 5 }), ...bad.map((state) => () => state)]);
  await ask(h.ask.assign(0));
  for (const at of bad.keys()) {
    const refused = h.ask.assign(at + 1).catch((thrown: { readonly code: string }) => thrown.code);
    expect(await ask(refused), String(at)).toMatch(/^(STATE_INVALID|HANDLER_FAILED|COMMIT_REFUSED)$/);
    expect(await ask(h.ask.read())).toEqual({ n: 5 });
  }
  await ask(h.ask.add(1));
  expect(await stored()).toEqual([{ n: 5 }, { n: 6 }]);
});

test("U6: what a turn has assigned that was undone is not committed for the state that stands instead", async () => {
  const made = [() => ({ n: 1 }), () => ({ n: 2 })];
  const { clock, h, ask, near, stored } = await stage(made, [{}, { delayMs: 100 }]);
  // The step is stored; what the turn leaves is under way when somebody else writes. The turn after it has ended by then.
  const asking = Promise.all([h.tell.assignAfterStep(0), h.tell.assign(1)]);
  await clock.advance(50);
  await near.put(key, Buffer.from('{"state":{"n":100},"commit":"foreign"}'));
  await ask(asking);
  await clock.advance(5_000);
  expect(await ask(h.ask.read())).toEqual({ n: 2 });
  const states = await stored();
  // The step again, kept with the foreign state.
  const foreign = states.findIndex((state) => (state as { n: number }).n === 100);
  expect(states.slice(foreign)).toEqual([{ n: 100 }, { n: 100 }, { n: 1 }, { n: 2 }]);
});
