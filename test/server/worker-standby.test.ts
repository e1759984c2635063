// A worker that stands by while another one owns everything: it outlives the server, takes over, and can be told to end.

import { expect, test } from "vitest";
import { z } from "zod";
import type { Logger } from "../../src/index.ts";
import { createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";
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

/** A logger, and a promise for the first line with that text. */
function listenFor(wanted: string): { readonly logger: Logger; readonly heard: Promise<void> } {
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const listen = (_fields: object, text: string) => {
    if (text === wanted) resolve();
  };
  const logger = { ...silentLogger, info: listen, warn: listen, child: () => logger };
  return { logger, heard };
}

test("a worker that stands by outlives a restart of the server, and takes over when the owner ends", async () => {
  await using server = await startTestServer();
  const options = { servers: server.url, actors: [Counter] };
  const owner = await createWorker({ ...options, logger: silentLogger });
  expect(await owner.actor(Counter, "c1").ask.add(5)).toBe(5);
  const waiting = listenFor("worker waiting");
  const failing = listenFor("looking for free partitions failed, trying again");
  const logger = { ...waiting.logger, warn: failing.logger.warn };
  const standby = createWorker({ ...options, logger });
  await waiting.heard;
  await server.kill9();
  await failing.heard;
  await server.restart();
  await owner.close();
  await using worker = await standby;
  expect(await worker.actor(Counter, "c1").ask.total()).toBe(5);
});

test("a worker that stands by ends when its signal aborts; the one that serves does not notice", async () => {
  await using server = await startTestServer();
  const options = { servers: server.url, actors: [Counter] };
  await using owner = await createWorker({ ...options, logger: silentLogger });
  const { logger, heard } = listenFor("worker waiting");
  const end = new AbortController();
  const standby = createWorker({ ...options, logger, signal: end.signal });
  await heard;
  end.abort();
  await expect(standby).rejects.toMatchObject({ code: "CLOSED" });
  await expect(createWorker({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CLOSED" });
  expect(await owner.actor(Counter, "c1").ask.add(1)).toBe(1);
});
