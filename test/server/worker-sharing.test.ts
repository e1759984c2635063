// Workers on a real server: they outlive its restart together, and a start can be ended.

import { expect, test } from "vitest";
import { z } from "zod";
import type { RuntimeEvent } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";
import { drainWorker } from "../../src/runtime/control.ts";
import { startTestServer } from "../support/nats-server.ts";

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number(), (ctx, by) => {
      ctx.state.count += by;
      return ctx.state.count;
    }),
    total: query((ctx) => ctx.state.count),
  },
);

const ids = Array.from({ length: 40 }, (_, at) => `c${at}`);

test("workers that share a pool outlive a restart of the server: every actor answers again, none has lost anything", async () => {
  await using server = await startTestServer();
  const options = { servers: server.url, actors: [Counter], logger: silentLogger };
  await using first = await createWorker({ ...options, name: "first" });
  const given = new Promise<void>((resolve) => {
    first.events.listen((event: RuntimeEvent) => event.kind === "partition-given" && resolve());
  });
  await using _second = await createWorker({ ...options, name: "second" });
  await given;
  await using troupe = await connect({ servers: server.url });
  const ask = (id: string) =>
    troupe.actor(Counter, id).ask.add(1, { timeoutMs: 30_000, idempotencyKey: crypto.randomUUID() });
  expect(await Promise.all(ids.map(ask))).toEqual(ids.map(() => 1));
  await server.kill9();
  const asked = ids.map(ask);
  await server.restart();
  expect(await Promise.all(asked)).toEqual(ids.map(() => 2));
});

test("a start ends when its signal aborts; the workers that serve do not notice", async () => {
  await using server = await startTestServer();
  const options = { servers: server.url, actors: [Counter], logger: silentLogger };
  await using worker = await createWorker(options);
  await expect(createWorker({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CLOSED" });
  expect(await worker.actor(Counter, "c1").ask.add(1)).toBe(1);
});

test("a worker that is told to drain by its control subject gives everything back and ends", async () => {
  await using server = await startTestServer();
  const options = { servers: server.url, actors: [Counter], logger: silentLogger };
  await using first = await createWorker(options);
  await using second = await createWorker(options);
  const drained = new Promise<void>((resolve) => {
    first.events.listen((event: RuntimeEvent) => event.kind === "worker-drained" && resolve());
  });
  expect(await drainWorker(second.ports.mail, first.id, 5_000)).toBe("alive");
  await drained;
  for (const id of ids) expect(await second.actor(Counter, id).ask.add(1)).toBe(1);
});
