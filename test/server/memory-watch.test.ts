// A watch of the memory through a connection that breaks, to a server that dies: what is told is complete and told once.

import { expect, test } from "vitest";
import type { MemoryChange } from "../../src/memory/memory-change.ts";
import { watchMemory } from "../../src/memory/memory-watch.ts";
import {
  addRecord,
  isCurrent,
  isEntry,
  isFact,
  kept,
  openOnNats,
  setFact,
  takeUntil,
} from "../contract/memory-live-support.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const anna = { user: "anna" };

test("every entry and fact is told once and in order, over cuts, a closed door and a killed server (P8)", async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  await using writing = await openOnNats(server.url);
  let { stores } = writing;
  await using watching = await openOnNats(proxy.url, { app: writing.app, reconnectTimeWait: 20 });
  await using watch = await watchMemory({ stores: watching.stores }, anna);
  let record = 0;
  const write = async (count: number) => {
    for (let at = 0; at < count; at += 1) {
      record += 1;
      await addRecord(stores, anna, record, [`${record}a`, `${record}b`]);
      await setFact(stores, anna, `f${record}`, record);
    }
  };
  const seen: MemoryChange[] = [];
  const catchUp = async () => {
    const wanted = { entry: isEntry(`${record}b`), fact: isFact(`f${record}`) };
    const has = { entry: false, fact: false };
    seen.push(
      ...(await takeUntil(watch, (change) => {
        has.entry ||= wanted.entry(change);
        has.fact ||= wanted.fact(change);
        return has.entry && has.fact;
      })),
    );
  };
  await write(20);
  await catchUp();
  for (let times = 0; times < 3; times += 1) {
    const writes = write(20);
    proxy.cut();
    await writes;
  }
  await catchUp();
  proxy.refuse();
  await write(20);
  proxy.heal();
  await catchUp();
  await server.kill9();
  await server.restart();
  stores = await writing.openAnother();
  await write(20);
  await catchUp();
  proxy.swallow("to-client");
  await write(5);
  proxy.cut();
  await catchUp();
  const texts = seen.flatMap((change) => (change.kind === "entry-added" ? [change.entry.text] : []));
  const facts = seen.flatMap((change) => (change.kind === "fact-set" ? [change.fact.value] : []));
  const records = Array.from({ length: record }, (_, at) => at + 1);
  expect(texts).toEqual(records.flatMap((number) => [`${number}a`, `${number}b`]));
  expect(facts).toEqual(records);
  expect(seen.filter(({ kind }) => kind === "restarted")).toEqual([]);
});

test("a program that ends and begins again with its cursor is told what came between, once, though the server died too", async () => {
  await using server = await startTestServer();
  await using memory = await openOnNats(server.url, { reconnectTimeWait: 20 });
  const { stores } = memory;
  await addRecord(stores, anna, 1, ["one"]);
  const first = await watchMemory({ stores }, anna);
  await takeUntil(first, isCurrent);
  const cursor = kept(first.cursor);
  await first.close();
  await addRecord(stores, anna, 2, ["two", "three"]);
  await server.kill9();
  await server.restart();
  const another = await memory.openAnother();
  await addRecord(another, anna, 3, ["four"]);
  await using again = await watchMemory({ stores: another }, anna, { from: cursor });
  const changes = await takeUntil(again, isCurrent);
  expect(changes.flatMap((change) => (change.kind === "entry-added" ? [change.entry.text] : []))).toEqual([
    "two",
    "three",
    "four",
  ]);
});

test("a bucket that was made anew is told of, and what stands in it follows (W1)", async () => {
  await using server = await startTestServer();
  await using memory = await openOnNats(server.url, { reconnectTimeWait: 20 });
  const { stores } = memory;
  for (let record = 1; record <= 5; record += 1) await addRecord(stores, anna, record, [`old ${record}`]);
  await using watch = await watchMemory({ stores }, anna);
  await takeUntil(watch, isCurrent);
  await memory.removeBuckets();
  const another = await memory.openAnother();
  await addRecord(another, anna, 1, ["new"]);
  await server.restart();
  const changes = await takeUntil(watch, isEntry("new"));
  expect(changes.map(({ kind }) => kind)).toContain("restarted");
});
