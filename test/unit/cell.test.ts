// Activations when commits go wrong under them, and partitions when workers do: each of these was once found by a seed.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { delay } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { connect } from "../../src/runtime/client.ts";
import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

/** Writes down what it is told, in order; `slow` takes two seconds for it. */
const diaryOn = (clock: SimulatedClock) =>
  defineActor(
    "diary",
    { state: z.object({ seen: z.array(z.number()) }), initial: { seen: [] } },
    {
      note: handler(z.number(), (ctx, n) => void ctx.state.seen.push(n)),
      slow: handler(z.number(), async (ctx, n) => {
        await delay(clock, 2_000);
        ctx.state.seen.push(n);
      }),
      all: query((ctx) => ctx.state.seen),
    },
  );

function stage(matches: (operation: MemoryOperation) => boolean, faults: readonly MemoryFault[]) {
  const { world, clock } = worldWithFaults(matches, faults);
  const diary = diaryOn(clock);
  const sender = defineActor(
    "sender",
    { state: z.object({ sent: z.number() }), initial: { sent: 0 } },
    {
      send: handler(z.number(), (ctx, n) => {
        ctx.actor(diary, "d").tell.note(n);
        ctx.state.sent += 1;
      }),
    },
  );
  const worker = (name: string) =>
    createWorker({
      ...{ actors: [diary, sender], partitions: 2, logger: silentLogger },
      ports: memoryPorts({ world, name }),
    });
  const client = () => clock.runFor(connect({ ports: memoryPorts({ world, name: "client" }), partitions: 2 }));
  return { world, clock, diary, sender, worker, client };
}

const isCommitOf = (key: string) => (operation: MemoryOperation) =>
  operation.kind === "kv-write" && operation.subject === `troupe_state.${key}`;

test("A6: a turn that runs while the commit before it is refused runs again after what that commit held", async () => {
  const { clock, diary, worker, client } = stage(isCommitOf("diary.d"), [{ delayMs: 100, refuse: "disk full" }]);
  await clock.runFor(worker("w"));
  const d = (await client()).actor(diary, "d");
  await clock.runFor(Promise.all([d.tell.note(1), d.tell.slow(2), d.tell.note(3)]));
  await clock.advance(10_000);
  expect(await clock.runFor(d.ask.all())).toEqual([1, 2, 3]);
});

test("A6: a turn that runs while another's write supersedes runs again, in its place, on what that has written", async () => {
  const { world, clock, diary, worker, client } = stage(isCommitOf("diary.d"), [{ delayMs: 100 }]);
  await clock.runFor(worker("w"));
  const d = (await client()).actor(diary, "d");
  await clock.runFor(Promise.all([d.tell.note(1), d.tell.slow(2), d.tell.note(3)]));
  const near = await openMemoryStore({ bucket: "troupe_state", place: world.place, clock });
  await near.put("diary.d", Buffer.from('{"state":{"seen":[100]},"commit":"foreign"}'));
  await clock.advance(10_000);
  expect(await clock.runFor(d.ask.all())).toEqual([100, 1, 2, 3]);
});

test("A6: what was undone keeps its order, also when an ask among it is withdrawn meanwhile (seed 21129)", async () => {
  const { world, clock, diary, worker, client } = stage(isCommitOf("diary.d"), [{ delayMs: 100 }]);
  await clock.runFor(worker("w"));
  const d = (await client()).actor(diary, "d");
  const asking = d.ask.note(1, { timeoutMs: 1_000 }).catch((thrown: { readonly code: string }) => thrown.code);
  await clock.runFor(Promise.all([d.tell.slow(2), d.tell.note(3)]));
  const near = await openMemoryStore({ bucket: "troupe_state", place: world.place, clock });
  await near.put("diary.d", Buffer.from('{"state":{"seen":[100]},"commit":"foreign"}'));
  expect(await clock.runFor(asking)).toBe("ASK_TIMEOUT");
  await clock.advance(10_000);
  expect(await clock.runFor(d.ask.all())).toEqual([100, 2, 3]);
});

test("A6: what holds an activation ends also when it ends before the turn that was undone", async () => {
  const { clock, diary, worker, client } = stage(isCommitOf("diary.d"), [{ refuse: "disk full" }]);
  await clock.runFor(worker("w"));
  const d = (await client()).actor(diary, "d");
  // The hold after a refusal lasts half a second, the slow turn two.
  await clock.runFor(Promise.all([d.tell.note(1), d.tell.slow(2)]));
  await clock.advance(5_000);
  expect(await clock.runFor(d.ask.all())).toEqual([1, 2]);
});

test("R5, P3: an owner's commit that arrives after another has taken over is refused, or what it sends is sent", async () => {
  // All that the first worker says after this waits behind it: its lease ends, and the second takes over meanwhile.
  const { clock, diary, sender, worker, client } = stage(isCommitOf("sender.s"), [{ delayMs: 4_500 }]);
  await clock.runFor(worker("first"));
  const troupe = await client();
  const asking = troupe.actor(sender, "s").ask.send(7, { timeoutMs: 60_000 });
  const settled = asking.catch((thrown: { readonly code: string }) => expect(thrown.code).toBe("OUTCOME_UNKNOWN"));
  await clock.advance(100);
  await clock.runFor(worker("second"));
  await clock.runFor(settled);
  await clock.advance(10_000);
  const sent = (await clock.runFor(troupe.actor(sender, "s").get()))?.state.sent ?? 0;
  const notes = await clock.runFor(troupe.actor(diary, "d").ask.all());
  expect(notes).toEqual(sent === 0 ? [] : [7]);
});

test("a partition whose mail could not be read when it was taken is taken again", async () => {
  let isArmed = false;
  const isRead = (operation: MemoryOperation) => isArmed && operation.kind === "read";
  const { world, clock, diary, worker, client } = stage(isRead, [{ lose: "answer" }, { lose: "answer" }]);
  const only = await clock.runFor(worker("w"));
  const d = (await client()).actor(diary, "d");
  world.cut("w");
  await clock.advance(5_000);
  isArmed = true;
  world.restore("w");
  await clock.runFor(d.tell.note(1));
  await clock.advance(20_000);
  expect(await clock.runFor(d.ask.all())).toEqual([1]);
  await clock.runFor(only.close());
});

test("a worker that is closed while it takes partitions does not begin to serve them", async () => {
  let isArmed = false;
  const isLooking = ({ kind, client }: MemoryOperation) => isArmed && kind === "kv-read" && client === "first";
  const slow = Array.from({ length: 8 }, () => ({ delayMs: 4_000 }));
  const { world, clock, diary, worker, client } = stage(isLooking, slow);
  const first = await clock.runFor(worker("first"));
  const d = (await client()).actor(diary, "d");
  // Its lease ends, and it is about to take its partitions anew when it is closed.
  world.cut("first");
  await clock.advance(5_000);
  await clock.runFor(d.tell.note(1));
  isArmed = true;
  world.restore("first");
  await clock.advance(1_500);
  await clock.runFor(first.close());
  await clock.advance(60_000);
  expect([first.activations, await clock.runFor(d.get())]).toEqual([0, undefined]);
  const second = await clock.runFor(worker("second"));
  await clock.advance(1_000);
  expect(await clock.runFor(d.ask.all())).toEqual([1]);
  await clock.runFor(second.drain());
});

test("K4: an owner whose connection was away answers no query before it has read again who owns what", async () => {
  const { world, clock, diary, worker, client } = stage(() => false, []);
  const first = await clock.runFor(worker("first"));
  const d = (await client()).actor(diary, "d");
  await clock.runFor(d.ask.note(1));
  expect(await clock.runFor(first.actor(diary, "d").ask.all())).toEqual([1]);
  // Shorter than its lease, and long enough for another to take what it has.
  world.cut("first");
  await clock.runFor(worker("second"));
  await clock.advance(1_000);
  expect(await clock.runFor(d.ask.note(2))).toBeUndefined();
  world.restore("first");
  expect(await clock.runFor(first.actor(diary, "d").ask.all())).toEqual([1, 2]);
  await clock.runFor(first.close());
});

test("a client that knows a type by name only does not wait for ever for a server that is away", async () => {
  const { world, clock, client } = stage(() => false, []);
  const troupe = await client();
  world.cut("client");
  const asked = troupe
    .untyped("diary", "d")
    .ask("all")
    .catch(({ code }: { readonly code: string }) => code);
  expect(await clock.runFor(asked)).toBe("SERVER_UNREACHABLE");
  expect(clock.monotonicMs()).toBeLessThan(10_000);
});
