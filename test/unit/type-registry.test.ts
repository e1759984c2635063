// A type that was registered a moment ago, where the copy of what is known has not heard of it yet.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import { silentLogger } from "../../src/core/log.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import type { OpenPorts } from "../../src/runtime/ports.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { TypeRegistry } from "../../src/runtime/type-registry.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { over, worldWithFaults } from "./runtime-doubles.ts";

/** A store whose watches of types tell what stood when they began, and nothing after that; and what is read of it. */
function deaf(store: KvStore): { readonly store: KvStore; readonly reads: string[] } {
  const reads: string[] = [];
  const get: KvStore["get"] = (key) => {
    reads.push(key);
    return store.get(key);
  };
  const watch: KvStore["watch"] = async (pattern, options) => {
    const watcher = await store.watch(pattern, options);
    if (pattern !== "type.*") return watcher;
    let isCurrent = false;
    async function* heard() {
      for await (const change of watcher) {
        if (!isCurrent) yield change;
        isCurrent ||= change.kind === "current";
      }
    }
    return over(watcher, { [Symbol.asyncIterator]: heard });
  };
  return { store: over(store, { get, watch }), reads };
}

test("Y5: a type that was just registered is learnt, and a wrong name costs one read a second", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const place = new MemoryPlace();
  const near = await openMemoryStore({ bucket: "cluster", place, clock });
  const { store, reads } = deaf(await openMemoryStore({ bucket: "cluster", place, clock }));
  const registry = await clock.runFor(TypeRegistry.open(store, clock));
  expect(await Promise.all([registry.learn("late"), registry.learn("late")])).toEqual([undefined, undefined]);
  for (let again = 0; again < 10; again += 1) expect(await registry.learn("late")).toBeUndefined();
  expect(reads.splice(0)).toEqual(["type.late"]);
  await near.put("type.late", Buffer.from(JSON.stringify({ pool: "gpu", schema: 2 })));
  expect(await registry.learn("late")).toBeUndefined();
  await clock.advance(1_000);
  expect(await registry.learn("late")).toEqual({ pool: "gpu", schema: 2 });
  expect(reads.splice(0)).toEqual(["type.late"]);
  expect([await registry.learn("late"), registry.find("late")?.pool]).toEqual([{ pool: "gpu", schema: 2 }, "gpu"]);
  expect(reads).toEqual([]);
  for (let n = 0; n < 2_500; n += 1) await registry.learn(`wrong${n}`);
  expect(reads.length).toBe(2_500);
  await clock.runFor(registry.close());
});

test("Y5: asks for a type that was just registered reach it, from whoever has not heard of it to whoever has not", async () => {
  const { world, clock } = worldWithFaults(() => false, []);
  const actorOf = (type: string, pool?: string) =>
    defineActor(
      type,
      { state: z.object({ n: z.number() }), initial: { n: 0 }, ...(pool === undefined ? {} : { pool }) },
      { add: handler(z.number(), (ctx, n) => (ctx.state.n += n)) },
    );
  const lagging =
    (name: string): OpenPorts =>
    async (request) => {
      const own = await memoryPorts({ world, name })(request);
      return over(own, { cluster: deaf(own.cluster).store });
    };
  const worker = (actor: ReturnType<typeof actorOf>, ports: OpenPorts) =>
    clock.runFor(
      createWorker({ actors: [actor], partitions: 1, logger: silentLogger, ports, pools: [actor.pool ?? "main"] }),
    );
  await worker(actorOf("known"), lagging("old"));
  const client = await clock.runFor(connect({ partitions: 1, ports: lagging("client") }));
  expect(await clock.runFor(client.untyped("known", "k").ask("add", 1))).toBe(1);
  // In a pool of its own: the client does not know of the pool.
  await worker(actorOf("painter", "gpu"), memoryPorts({ world, name: "gpu" }));
  expect(await clock.runFor(client.untyped("painter", "p").ask("add", 2))).toBe(2);
  // In the pool whose owner does not know of the type: it is not refused, and the worker that has it takes the partition.
  await worker(actorOf("fresh"), memoryPorts({ world, name: "new" }));
  expect(await clock.runFor(client.untyped("fresh", "f").ask("add", 3, { timeoutMs: 30_000 }))).toBe(3);
  await expect(clock.runFor(client.untyped("nobodys", "n").ask("add", 3))).rejects.toMatchObject({
    code: "TYPE_UNKNOWN",
  });
});
