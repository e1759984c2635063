// What the link makes of time in which its own process stood still, and in what order things leave. What it does on a real server:
// test/contract/nats-link.test.ts.

import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { NatsLink, sweepEveryMs } from "../../src/kv/nats-link.ts";

const nothing = new Uint8Array(0);
const stillness = new Int32Array(new SharedArrayBuffer(4));
const standStill = () => void Atomics.wait(stillness, 0, 0, sweepEveryMs * 3);

type Status = { readonly type: string };

/**
 * A link on a connection that says nothing by itself; `reply` is what the server does to the last request, `say` what the client says of
 * the connection, `published` what has left.
 */
function scriptedLink() {
  const published: string[] = [];
  const refused = new Set<string>();
  const { promise: said, resolve: say } = Promise.withResolvers<Status>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let hear: ((error: null, message: Msg) => void) | undefined;
  let replyTo = "";
  const connection = {
    subscribe: (_subject: string, { callback }: { callback: typeof hear }) => {
      hear = callback;
      return { unsubscribe: () => {} };
    },
    publish: (subject: string, _data: Uint8Array, { reply = "" }: { reply?: string }) => {
      if (refused.has(subject)) throw new Error("the client does not take it");
      published.push(subject);
      replyTo = reply;
    },
    status: async function* () {
      const status = await Promise.race([said, closed]);
      if (status !== undefined) yield status;
      await closed;
    },
    flush: async () => {},
    isClosed: () => false,
    close: async () => close(),
  };
  const reply = () => hear?.(null, { subject: replyTo, data: new Uint8Array(1) } as Msg);
  return { link: new NatsLink(connection as unknown as NatsConnection), reply, say, published, refused };
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

test("L7: requests leave together when all that follows has run, in order, and before what is published after them", async () => {
  const { link, published } = scriptedLink();
  await using _link = link;
  const ask = (subject: string) => void link.request(subject, nothing, 1_000);
  ask("first");
  await Promise.resolve().then(() => ask("second"));
  expect(published).toEqual([]);
  await new Promise(process.nextTick);
  expect(published).toEqual(["first", "second"]);
  ask("third");
  link.publish("told", nothing);
  ask("fourth");
  expect(published).toEqual(["first", "second", "third", "told"]);
  await link.close();
  expect(published).toEqual(["first", "second", "third", "told", "fourth"]);
});

test("L2, L7: what was answered because the connection broke does not leave any more", async () => {
  const { link, say, published } = scriptedLink();
  await using _link = link;
  say({ type: "disconnect" });
  const asked = link.request("door", nothing, 1_000);
  const lost = { kind: "lost", reason: "the connection to NATS broke" };
  // The client says it in the very turn of the event loop in which the request was made.
  for (let hops = 0; hops < 20 && link.isConnected; hops += 1) await Promise.resolve();
  expect(await asked).toEqual(lost);
  await new Promise(process.nextTick);
  expect(published).toEqual([]);
});

test("L1, L4: what the client does not take is answered unsent, and what was made with it leaves", async () => {
  const { link, published, refused } = scriptedLink();
  await using _link = link;
  refused.add("closed");
  const asked = link.request("closed", nothing, 1_000);
  void link.request("open", nothing, 1_000);
  expect(await asked).toEqual({ kind: "unsent", reason: "the client does not take it" });
  expect(published).toEqual(["open"]);
});
