// What a keeper does when its connection breaks again and again.

import { expect, test } from "vitest";
import { EventStream } from "../../src/core/events.ts";
import { silentLogger } from "../../src/core/log.ts";
import { Keeper } from "../../src/runtime/keeper.ts";
import { Lease } from "../../src/runtime/lease.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { PoolKeeper } from "../../src/runtime/pool-keeper.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

const nothing = async () => {};

async function stage() {
  const clock = createSimulatedClock({ seed: 1 });
  const request = { app: "troupe", pool: "main", partitionCount: 1 };
  const ports = await clock.runFor(memoryPorts({ world: new MemoryWorld({ clock }) })(request));
  let tell: (state: "lost" | "restored") => void = () => {};
  const onConnection: Mail["onConnection"] = (listener) => {
    tell = listener;
    return () => {};
  };
  const mail = new Proxy(ports.mail, {
    get: (at, name) =>
      name === "onConnection" ? onConnection : (Reflect.get(at, name).bind?.(at) ?? Reflect.get(at, name)),
  });
  const about = { worker: "w", pools: ["main"], types: {}, pid: 1, startedAt: "" };
  const lease = new Lease({ cluster: ports.cluster, clock, about });
  const keeper = new Keeper({
    worker: "w",
    ports: { ...ports, mail },
    lease,
    events: new EventStream(() => {}),
    log: silentLogger,
  });
  const reads: PromiseWithResolvers<void>[] = [];
  const verify = () => {
    const read = Promise.withResolvers<void>();
    reads.push(read);
    return read.promise;
  };
  const pool = { hosts: [], begin: nothing, look: nothing, save: nothing, trim: nothing, stop: nothing, verify };
  await clock.runFor(keeper.start([pool as unknown as PoolKeeper]));
  return { keeper, reads, tell: (state: "lost" | "restored") => tell(state) };
}

/** Lets run what waits for nothing but promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("K4: what was read before a break is no answer after it: asks wait for what is read after the last one", async () => {
  const { keeper, reads, tell } = await stage();
  expect(keeper.verifying).toBeUndefined();
  tell("lost");
  let isServed = false;
  void keeper.verifying?.then(() => {
    isServed = true;
  });
  tell("restored");
  tell("lost"); // While what was read after the first break is still being looked at.
  reads[0]?.resolve();
  await settle();
  expect([isServed, keeper.verifying]).toEqual([false, expect.any(Promise)]);
  tell("restored");
  await settle();
  expect(isServed).toBe(false);
  reads[1]?.resolve();
  await settle();
  expect([isServed, keeper.verifying]).toEqual([true, undefined]);
  await keeper.stop();
});
