// Replicas and recall through a connection that breaks, to a server that dies, and over a bucket that is made anew.

import { expect, test } from "vitest";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { EventStream } from "../../src/core/events.ts";
import type { ContextStore } from "../../src/memory/context-store.ts";
import { openContextStore } from "../../src/memory/context-store.ts";
import type { MemoryReplica } from "../../src/memory/memory-replica.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { within } from "../contract/kv-support.ts";
import { openOnNats } from "../contract/memory-live-support.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const anna = { user: "anna" };
const open = (stores: MemoryStores, events?: EventStream): ContextStore =>
  openContextStore({ ...stores, codecs: [], ...(events === undefined ? {} : { events }) });

async function when(replica: MemoryReplica, what: string, holds: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = replica.onChange(() => holds() && resolve());
  if (holds()) resolve();
  await within(20_000, what, promise).finally(stop);
}

/** Which the follower's watch tells of, and nobody else. */
async function untilRecalled(memory: ContextStore, text: string): Promise<void> {
  for (;;) {
    const { hits } = await memory.recall(text, { kinds: ["turn"] });
    if (hits.map(({ document }) => document.text).join() === text) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("over cuts and a killed server a replica comes to what stands, and recall finds it (E1, P8)", async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  await using writing = await openOnNats(server.url);
  await using following = await openOnNats(proxy.url, { app: writing.app, reconnectTimeWait: 20 });
  await using reader = open(following.stores);
  let writer = open(writing.stores);
  let count = 0;
  const write = async (times: number) => {
    for (let at = 0; at < times; at += 1) {
      count += 1;
      await writer.log(anna).append({ text: `apple number ${count}` });
      await writer.facts(anna).set("count", count);
    }
  };
  await write(5);
  const replica = await reader.replica(anna, { entriesMax: 10 });
  const holdsAll = () => replica.fact("count")?.value === count && replica.last(1)[0]?.text === `apple number ${count}`;
  await reader.recall("apple");
  for (let times = 0; times < 3; times += 1) {
    const writes = write(10);
    proxy.cut();
    await writes;
    await when(replica, `${count} over a cut`, holdsAll);
  }
  proxy.refuse();
  await write(10);
  expect(holdsAll()).toBe(false);
  proxy.heal();
  await when(replica, `${count} when the door is open again`, holdsAll);
  await server.kill9();
  await server.restart();
  writer = open(await writing.openAnother());
  await write(10);
  await when(replica, `${count} after the server's death`, holdsAll);
  expect(replica.entries.map(({ text }) => text)).toEqual(
    Array.from({ length: 10 }, (_, at) => `apple number ${count - 9 + at}`),
  );
  const { memory } = replica.revisions;
  const { hits } = await reader.recall(`apple number ${count}`, { k: 1, kinds: ["turn"], after: { memory } });
  expect(hits[0]?.document.text).toBe(`apple number ${count}`);
});

test("a bucket that was made anew: the replica says that it starts over, and shows what stands in it", async () => {
  await using server = await startTestServer();
  await using memory = await openOnNats(server.url, { reconnectTimeWait: 20 });
  const seen: RuntimeEvent[] = [];
  const events = new EventStream();
  events.listen((event) => seen.push(event));
  await using reader = open(memory.stores, events);
  const before = open(memory.stores);
  for (let at = 0; at < 5; at += 1) await before.log(anna).append({ text: `old ${at}` });
  await before.facts(anna).set("old", true);
  await before.log(anna).truncate({ before: 3_000 });
  const replica = await reader.replica(anna);
  expect(replica.entries).toHaveLength(3);
  expect((await reader.recall("old", { kinds: ["turn"] })).hits).toHaveLength(3);
  await memory.removeBuckets();
  const after = open(await memory.openAnother());
  await after.log(anna).append({ text: "new" });
  await after.facts(anna).set("new", true);
  await server.restart();
  await when(replica, "what is new alone", () => {
    const names = replica.facts().map(({ name }) => name);
    return replica.entries.map(({ text }) => text).join() === "new" && names.join() === "new";
  });
  await within(20_000, "what is new is recalled", untilRecalled(reader, "new"));
  expect(seen.filter(({ kind }) => kind === "replica-restarted")).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ scope: "user.anna", bucket: "memory" }),
      expect.objectContaining({ scope: "user.anna", bucket: "facts" }),
    ]),
  );
});

test("what comes to a bucket that was made anew when the replica has read it is shown, though the old log was longer", async () => {
  await using server = await startTestServer();
  await using memory = await openOnNats(server.url, { reconnectTimeWait: 20 });
  await using reader = open(memory.stores);
  for (let at = 0; at < 5; at += 1)
    await open(memory.stores)
      .log(anna)
      .append({ text: `old ${at}` });
  const replica = await reader.replica(anna);
  await memory.removeBuckets();
  await memory.openAnother();
  await server.restart();
  await when(replica, "nothing", () => replica.isCurrent && replica.entries.length === 0);
  await using writing = await openOnNats(server.url, { app: memory.app });
  const { entries } = await open(writing.stores).log(anna).append({ text: "new" });
  await replica.waitFor({ memory: entries[0]?.revision ?? 0 }, { timeoutMs: 20_000 });
  expect(replica.entries.map(({ text }) => text)).toEqual(["new"]);
});
