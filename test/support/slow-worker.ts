// A worker of its own process with actors that wait at a gate: `node --expose-gc slow-worker.ts URL [MAILBOX_BYTES_MAX]`.
// Prints a line of JSON when it serves. One partition, so that all of its actors share it.

import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";

const gate = Promise.withResolvers<void>();

/** The slow ones' neighbour, who also knows when they are done. */
export const Quick = defineActor(
  "quick",
  { state: z.object({ count: z.number(), done: z.number() }), initial: { count: 0, done: 0 } },
  {
    add: handler(z.number(), (ctx, n) => {
      ctx.state.count += n;
      return ctx.state.count;
    }),
    done: handler((ctx) => {
      ctx.state.done += 1;
    }),
    openGate: handler(() => gate.resolve()),
    /** What the process holds after collections, on the heap and beside it. Unit: bytes. */
    heldBytes: query(async () => {
      const { gc } = globalThis as { gc?: () => void };
      gc?.();
      // What stood beside the heap for something that was collected goes when the loop has turned, and with the next one.
      await new Promise(setImmediate);
      gc?.();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    }),
  },
);

/** Waits at the gate with each message, counts those that did not come next, and says when the last one was there. */
export const Slow = defineActor(
  "slow",
  { state: z.object({ next: z.number(), faults: z.number() }), initial: { next: 0, faults: 0 } },
  {
    take: handler(z.object({ n: z.number(), isLast: z.boolean(), padding: z.string() }), async (ctx, { n, isLast }) => {
      await gate.promise;
      if (n !== ctx.state.next) ctx.state.faults += 1;
      ctx.state.next = n + 1;
      if (isLast) ctx.actor(Quick, "neighbour").tell.done();
    }),
  },
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , servers = "", mailboxBytesMax] = process.argv;
  await createWorker({
    ...{ servers, actors: [Slow, Quick], partitions: 1, logger: silentLogger },
    ...(mailboxBytesMax === undefined ? {} : { mailboxBytesMax: Number(mailboxBytesMax) }),
  });
  console.log(JSON.stringify("serving"));
}
