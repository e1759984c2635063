// What a world in memory can do to a watcher: its changes travel on its client's connection.

import { expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { MemoryFarStore } from "../../src/runtime/memory-far-store.ts";
import type { FaultPlan } from "../../src/runtime/memory-faults.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

async function watching(faults: FaultPlan = () => undefined) {
  const clock = createSimulatedClock({ seed: 1 });
  const world = new MemoryWorld({ clock, faults });
  const place = new MemoryPlace();
  const openOne = () => openMemoryStore({ bucket: "test", place, clock });
  const near = await openOne();
  const far = new MemoryFarStore(await openOne(), world.connect("watcher"));
  const seen: string[] = [];
  const watcher = await far.watch(">", { from: "now" });
  const reading = (async () => {
    for await (const change of watcher) if (change.kind === "entry") seen.push(change.entry.key);
  })();
  await clock.advance(1);
  const put = (key: string) => near.put(key, encodeText("1"));
  const end = async () => {
    await far.close();
    await clock.runFor(reading);
  };
  return { clock, world, seen, put, end };
}

test("a watcher whose process is frozen sees nothing until it thaws, then all of it in order", async () => {
  const { clock, world, seen, put, end } = await watching();
  world.freeze("watcher", "incoming");
  for (const key of ["a", "b"]) await put(key);
  await clock.advance(5_000);
  expect(seen).toEqual([]);
  world.thaw("watcher");
  await clock.advance(1);
  expect(seen).toEqual(["a", "b"]);
  await end();
});

test("what a break takes from a watcher is brought again when the connection is back (K4)", async () => {
  const { clock, world, seen, put, end } = await watching(({ kind }) =>
    kind === "deliver" ? { delayMs: 100 } : undefined,
  );
  await put("a");
  await clock.advance(50);
  world.cut("watcher");
  await put("b");
  await clock.advance(5_000);
  expect(seen).toEqual([]);
  world.restore("watcher");
  await clock.advance(1_000);
  expect(seen).toEqual(["a", "b"]);
  await end();
});

test("a change that is lost on its way is brought again when the heartbeats show the hole (K4)", async () => {
  let isLost = false;
  const { clock, seen, put, end } = await watching(({ kind }) => {
    if (kind !== "deliver" || isLost) return undefined;
    isLost = true;
    return { lose: "request" };
  });
  await put("a");
  await clock.advance(9_000);
  expect(seen).toEqual([]);
  await clock.advance(2_000);
  expect(seen).toEqual(["a"]);
  await end();
});

test("a watcher ends with its store, also while its connection is away", async () => {
  const { world, put, end } = await watching();
  world.cut("watcher");
  await put("a");
  await end();
});
