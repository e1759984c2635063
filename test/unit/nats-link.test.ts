// What the link makes of time in which its own process stood still. What it does on a real server: test/contract/nats-link.test.ts.

import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { NatsLink, sweepEveryMs } from "../../src/kv/nats-link.ts";

const nothing = new Uint8Array(0);
const stillness = new Int32Array(new SharedArrayBuffer(4));
const standStill = () => void Atomics.wait(stillness, 0, 0, sweepEveryMs * 3);

/** A link on a connection that says nothing by itself; `reply` is what the server does to the last request. */
function scriptedLink() {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let hear: ((error: null, message: Msg) => void) | undefined;
  let replyTo = "";
  const connection = {
    subscribe: (_subject: string, { callback }: { callback: typeof hear }) => {
      hear = callback;
      return { unsubscribe: () => {} };
    },
    publish: (_subject: string, _data: Uint8Array, { reply }: { reply: string }) => {
      replyTo = reply;
    },
    status: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => closed.then(() => ({ done: true, value: undefined })) }),
    }),
    flush: async () => {},
    isClosed: () => false,
    close: async () => close(),
  };
  const reply = () => hear?.(null, { subject: replyTo, data: new Uint8Array(1) } as Msg);
  return { link: new NatsLink(connection as unknown as NatsConnection), reply };
}

test("L6: an answer that came while the process stood still is heard, though the deadline is over", async () => {
  const { link, reply } = scriptedLink();
  await using _link = link;
  const asked = link.request("door", nothing, 10);
  setImmediate(() => {
    standStill();
    setImmediate(reply); // After the timers that fell due meanwhile, as what lies in the socket.
  });
  expect(await asked).toMatchObject({ kind: "reply" });
});

test("L1, L6: without an answer the request is lost, also where the process stands still again and again", async () => {
  const { link } = scriptedLink();
  await using _link = link;
  const standing = setInterval(standStill, 0);
  try {
    expect(await link.request("door", nothing, 10)).toEqual({ kind: "lost", reason: "no answer in time" });
  } finally {
    clearInterval(standing);
  }
});
