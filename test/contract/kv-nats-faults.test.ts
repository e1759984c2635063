// The JetStream store when things break: promise P8 (no watcher is ever silently stale), and what writes then say.

import { Kvm } from "@nats-io/kv";
import type { MsgHdrs } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callApi } from "../../src/kv/nats-api.ts";
import type { KvChange, KvStore } from "../../src/kv/store.ts";
import { transactionOperationsMax } from "../../src/kv/writes.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { inTime } from "./in-time.ts";
import { disconnected, reconnected, type Scene, setScene } from "./kv-nats-scene.ts";
import { brief, bytes, changesUntil, foldChanges, isCurrent, isPutOf, text, within } from "./kv-support.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function consumersOf({ direct, bucket }: Scene): Promise<readonly string[]> {
  const answer = await callApi<{ consumers: string[] | null }>(direct, `CONSUMER.NAMES.KV_${bucket}`, {});
  if (answer.kind !== "ok") throw new Error("no consumer names");
  return answer.value.consumers ?? [];
}

/** In parts, each of which has the time of a write for itself, however slow the machine. */
async function putAll(store: KvStore, keys: readonly string[], textOf: (key: string) => string): Promise<void> {
  for (let from = 0; from < keys.length; from += transactionOperationsMax) {
    const some = keys.slice(from, from + transactionOperationsMax);
    await store.transact(some.map((key) => ({ kind: "put", key, value: bytes(textOf(key)) }) as const));
  }
}

const revisionsOf = (changes: readonly KvChange[]): number[] =>
  changes.flatMap((change) => (change.kind === "entry" ? [change.entry.revision] : []));

describe("nats: watchers under faults (K4, P8)", () => {
  test("bytes that vanish before the connection breaks are delivered all the same, with no further write", async () => {
    await using scene = await setScene(server);
    const writer = await scene.open(scene.direct);
    // Nothing but the break itself can show it.
    const store = await scene.open(scene.proxied, { heartbeatMs: 60_000 });
    await writer.put("a", bytes("1"));
    await using watcher = await store.watch(">");
    await changesUntil(watcher, isCurrent);
    await writer.put("a", bytes("2"));
    await changesUntil(watcher, isPutOf("a", "2"));
    scene.proxy.swallow("to-client");
    await writer.put("b", bytes("1"));
    await writer.delete("a");
    await writer.put("c", bytes("1"));
    scene.proxy.cut();
    expect((await changesUntil(watcher, isPutOf("c"))).map(brief)).toEqual(["b=1", "a!delete", "c=1"]);
  });

  test("a watcher from now that has seen nothing yet neither replays nor skips", async () => {
    await using scene = await setScene(server);
    const writer = await scene.open(scene.direct);
    const store = await scene.open(scene.proxied);
    await writer.put("a", bytes("old"));
    await using watcher = await store.watch(">", { from: "now" });
    await changesUntil(watcher, isCurrent);
    scene.proxy.swallow("to-client");
    await writer.put("a", bytes("1"));
    scene.proxy.cut();
    expect((await changesUntil(watcher, isPutOf("a"))).map(brief)).toEqual(["a=1"]);
  });

  test("a server that is killed and started again loses nothing that was acknowledged", async () => {
    await using own = await startTestServer();
    await using scene = await setScene(own);
    const writer = await scene.open(scene.direct);
    const store = await scene.open(scene.proxied);
    await using watcher = await store.watch(">");
    await changesUntil(watcher, isCurrent);
    const acknowledged: number[] = [];
    let isWriting = true;
    const writing = (async () => {
      for (let n = 0; isWriting; n += 1) {
        // Refused, unknown or not sent: what was not acknowledged may be there or not.
        await writer.put(`k.${n}`, bytes(String(n))).then(
          (revision) => acknowledged.push(revision),
          () => {},
        );
      }
    })();
    const seen: KvChange[] = [];
    for (let round = 0; round < 2; round += 1) {
      seen.push(
        ...(await changesUntil(watcher, (change) => change.kind === "entry" && change.entry.revision % 20 === 0)),
      );
      const back = [reconnected(scene.direct), reconnected(scene.proxied)];
      await own.kill9();
      await own.restart();
      await Promise.all(back);
    }
    isWriting = false;
    await writing;
    await writer.put("end", bytes("1"));
    seen.push(...(await changesUntil(watcher, isPutOf("end"))));
    const revisions = revisionsOf(seen);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((x, y) => x - y));
    const found = new Set(revisions);
    expect(acknowledged.filter((revision) => !found.has(revision))).toEqual([]);
    expect(seen.some(({ kind }) => kind === "restarted")).toBe(false);
  });

  test("a snapshot that is interrupted again and again is complete in the end", async () => {
    await using scene = await setScene(server);
    const writer = await scene.open(scene.direct, { history: 2 });
    const store = await scene.open(scene.proxied);
    const keys = Array.from({ length: 4_000 }, (_, at) => `k.${at}`);
    await putAll(writer, keys, () => "old");
    await putAll(writer, keys, (key) => `${key} ${"x".repeat(200)}`);
    await using watcher = await store.watch(">");
    const seen: KvChange[] = [];
    for (const place of [500, 1_500, 2_500]) {
      seen.push(
        ...(await changesUntil(watcher, (change) => change.kind === "entry" && change.entry.revision > 4_000 + place)),
      );
      const back = reconnected(scene.proxied);
      scene.proxy.cut();
      await back;
    }
    await writer.delete("k.0");
    await writer.put("end", bytes("1"));
    seen.push(...(await changesUntil(watcher, isPutOf("end"))));
    expect(seen.filter(isCurrent).length).toBeLessThanOrEqual(1);
    const revisions = revisionsOf(seen);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((x, y) => x - y));
    const state = foldChanges(seen);
    expect(state.size).toBe(4_000);
    expect(state.has("k.0")).toBe(false);
    expect([...state.values()].filter((value) => value === "old")).toEqual([]);
  });

  test("what nobody takes from a watcher stays on the server, and comes when it is taken (W1)", async () => {
    await using scene = await setScene(server);
    const store = await scene.open(scene.direct);
    await using watcher = await store.watch(">");
    await changesUntil(watcher, isCurrent);
    const count = 6_000;
    const keys = Array.from({ length: count }, (_, at) => `k.${at}`);
    await putAll(store, keys, (key) => key);
    const [consumer] = await consumersOf(scene);
    // Others that are read show that there was time enough for this one to take more than it should.
    for (let round = 0; round < 3; round += 1) {
      await using other = await store.watch(">");
      await changesUntil(other, isPutOf(`k.${count - 1}`));
    }
    const verb = `CONSUMER.INFO.KV_${scene.bucket}.${consumer}`;
    const info = await callApi<{ num_pending: number }>(scene.direct, verb, undefined);
    expect(info.kind === "ok" && info.value.num_pending).toBeGreaterThan(count - 2_000);
    const changes = await changesUntil(watcher, isPutOf(`k.${count - 1}`));
    expect(changes).toHaveLength(count);
  });

  test("a consumer that vanishes on the server is replaced, and old ones do not pile up", async () => {
    await using scene = await setScene(server);
    const store = await scene.open(scene.proxied);
    const consumers = () => consumersOf(scene);
    await using watcher = await store.watch(">");
    await changesUntil(watcher, isCurrent);
    const [first] = await consumers();
    await callApi(scene.direct, `CONSUMER.DELETE.KV_${scene.bucket}.${first}`, undefined);
    await store.put("a", bytes("1"));
    await changesUntil(watcher, isPutOf("a", "1"));
    for (let round = 0; round < 5; round += 1) {
      const back = reconnected(scene.proxied);
      scene.proxy.cut();
      await back;
      await store.put("a", bytes(`after ${round}`));
      await changesUntil(watcher, isPutOf("a", `after ${round}`));
    }
    // Nobody waits for the answer to a deletion; the server gets to it in its own time.
    const come = async (count: number) => {
      let left = await consumers();
      while (left.length !== count) left = await consumers();
      return left;
    };
    expect(await within(10_000, "one consumer is left", come(1))).not.toContain(first);
    await watcher.close();
    await within(10_000, "no consumer is left", come(0));
  });

  test("a bucket that was made anew: the watcher starts over and says so", async () => {
    await using scene = await setScene(server);
    // The server does not tell those who wait for messages that their stream was deleted: heartbeats show it.
    const store = await scene.open(scene.direct, { heartbeatMs: 200 });
    for (const key of ["a", "b", "c"]) await store.put(key, bytes("old"));
    await using watcher = await store.watch(">", { from: "now" });
    await changesUntil(watcher, isCurrent);
    await callApi(scene.direct, `STREAM.DELETE.KV_${scene.bucket}`, undefined);
    await expect(store.put("a", bytes("no"))).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
    const anew = await scene.open(scene.direct);
    for (const key of ["x", "y"]) await anew.put(key, bytes("new"));
    const changes = await changesUntil(watcher, isPutOf("y"));
    expect(changes.map(brief)[0]).toBe("restarted");
    expect(foldChanges(changes)).toEqual(
      new Map([
        ["x", "new"],
        ["y", "new"],
      ]),
    );
  });

  test("after an outage that deletions by time do not survive, the watcher starts over", () =>
    inTime(1_000, async (ms, limit) => {
      await using scene = await setScene(server);
      const writer = await scene.open(scene.direct, { markerTtlMs: 1_000 });
      const store = await scene.open(scene.proxied);
      await using pace = await writer.watch(">");
      await writer.put("kept", bytes("1"));
      // A deletion that was seen would survive the outage.
      const check = limit(ms);
      await writer.put("mortal", bytes("1"), { ttlMs: ms });
      await using watcher = await store.watch(">");
      const before = await changesUntil(watcher, isCurrent);
      const gone = disconnected(scene.proxied);
      scene.proxy.refuse();
      await gone;
      check();
      expect(foldChanges(before).has("mortal")).toBe(true);
      await changesUntil(pace, (change) => change.kind === "entry" && change.entry.operation === "expired");
      // The marker lives for a second; another one that is written now shows when it is gone.
      await writer.put("pace", bytes("1"), { ttlMs: 1_000 });
      await changesUntil(pace, (change) => change.kind === "entry" && change.entry.operation === "expired");
      scene.proxy.heal();
      const changes = await changesUntil(watcher, isCurrent);
      expect(changes.map(brief)).toContain("restarted");
      expect([...foldChanges(changes).keys()]).toEqual(["kept"]);
    }));

  test("a link that is closed under a watcher ends it with WATCH_LOST, not in silence", async () => {
    await using scene = await setScene(server);
    const store = await scene.open(scene.proxied);
    const watcher = await store.watch(">");
    await changesUntil(watcher, isCurrent);
    await scene.proxied.close();
    await expect(watcher[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "WATCH_LOST" });
  });
});

describe("nats: what writes say when things break (K6)", () => {
  test("an answer that is lost is OUTCOME_UNKNOWN; what could not be sent is SERVER_UNREACHABLE", async () => {
    await using scene = await setScene(server);
    const store = await scene.open(scene.proxied);
    const witness = await scene.open(scene.direct);
    await store.put("k", bytes("1"));
    scene.proxy.swallow("to-client");
    const lost = [store.put("k", bytes("2")), store.transact([{ kind: "put", key: "t", value: bytes("2") }])].map(
      (write: Promise<unknown>) => expect(write).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" }),
    );
    await using watcher = await witness.watch("t");
    await changesUntil(watcher, isPutOf("t"));
    scene.proxy.refuse();
    await Promise.all(lost);
    expect(text(await witness.get("k"))).toBe("2");
    const two = (["k", "t"] as const).map((key) => ({ kind: "put", key, value: bytes("3") }) as const);
    const unsent: readonly (() => Promise<unknown>)[] = [
      () => store.put("k", bytes("3")),
      () => store.update("k", bytes("3"), 1),
      () => store.delete("k"),
      () => store.purge("k"),
      () => store.transact(two),
      () => store.get("k"),
      () => store.history("k"),
      () => store.getMany(["k", "t"]),
      () => store.list(">"),
      () => store.watch(">"),
    ];
    for (const operation of unsent) {
      let hasTurned = false;
      setImmediate(() => (hasTurned = true));
      await expect(operation(), String(operation)).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
      expect(hasTurned, `${operation}: before the event loop has turned (L4 of the link)`).toBe(true);
    }
    const back = reconnected(scene.proxied);
    scene.proxy.heal();
    await back;
    expect(text(await store.get("k"))).toBe("2");
  });

  test("a full bucket refuses with the server's own words, and nothing is written", async () => {
    await using scene = await setScene(server);
    const store = await scene.open(scene.direct);
    await store.put("k", bytes("1"));
    const info = await callApi<{ config: object }>(scene.direct, `STREAM.INFO.KV_${scene.bucket}`, undefined);
    if (info.kind !== "ok") throw new Error("no stream");
    const config = { ...info.value.config, max_bytes: 2_000 };
    expect((await callApi(scene.direct, `STREAM.UPDATE.KV_${scene.bucket}`, config)).kind).toBe("ok");
    const large = new Uint8Array(4_000);
    const refused = { code: "STORE_FAILED", message: expect.stringContaining("maximum bytes exceeded") };
    await expect(store.put("k", large)).rejects.toMatchObject(refused);
    await expect(store.update("k", large, 1)).rejects.toMatchObject(refused);
    await expect(store.create("new", large)).rejects.toMatchObject(refused);
    const operations = (["k", "new"] as const).map((key) => ({ kind: "put", key, value: large }) as const);
    await expect(store.transact(operations)).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(text(await store.get("k"))).toBe("1");
    expect(await store.list(">")).toEqual(["k"]);
  });
});

describe("nats: the layout is that of every KV client", () => {
  test("the official client reads and writes the bucket, and we read what it wrote", async () => {
    await using scene = await setScene(server);
    const store = await scene.open(scene.direct, {
      history: 5,
      description: "for the test",
      metadata: { app: "test" },
    });
    const kv = await new Kvm(scene.direct.connection).open(scene.bucket);
    const revision = await store.put("counter.c1", bytes("ours"));
    expect(await kv.get("counter.c1")).toMatchObject({ revision, operation: "PUT" });
    expect((await kv.get("counter.c1"))?.string()).toBe("ours");
    const theirs = await kv.update("counter.c1", "theirs", revision);
    expect(await store.get("counter.c1")).toMatchObject({ revision: theirs });
    expect(await store.update("counter.c1", bytes("no"), revision)).toEqual({ kind: "conflict", revision: theirs });
    await kv.delete("counter.c1");
    expect(await store.get("counter.c1")).toBeUndefined();
    expect((await store.create("counter.c1", bytes("again"))).kind).toBe("written");
    await store.delete("counter.c1");
    expect(await kv.get("counter.c1")).toMatchObject({ operation: "DEL" });
    await kv.purge("counter.c1");
    expect((await store.history("counter.c1")).map(({ operation }) => operation)).toEqual(["delete"]);
    expect(await kv.status()).toMatchObject({ history: 5, description: "for the test", metadata: { app: "test" } });
  });

  test("G2: a value with headers that the client cannot read, or with a status of its own, is read, hides no other and breaks nothing", async () => {
    await using scene = await setScene(server);
    const { bucket, direct, proxied } = scene;
    const store = await scene.open(proxied);
    const storeByHand = async (key: string, block: string) => {
      const headers = { encode: () => bytes(block) } as unknown as MsgHdrs;
      const answer = await direct.request(`$KV.${bucket}.${key}`, bytes(key), 5_000, headers);
      expect(answer.kind).toBe("reply");
    };
    await store.put("a", bytes("a"));
    await storeByHand("b", "NATS/1.0\r\nno name: 1\r\n\r\n");
    await storeByHand("c", "NATS/1.0 404 gone\r\n\r\n");
    await store.put("d", bytes("d"));
    let breaks = 0;
    proxied.onDisconnected(() => {
      breaks += 1;
    });
    const found = await store.getMany(["a", "b", "c", "d", "none"]);
    expect([...found].map(([key, entry]) => [key, text(entry), entry.revision]).sort()).toEqual([
      ["a", "a", 1],
      ["b", "b", 2],
      ["c", "c", 3],
      ["d", "d", 4],
    ]);
    expect([text(await store.get("b")), text(await store.get("c"))]).toEqual(["b", "c"]);
    expect(breaks).toBe(0);
  });

  test("a bucket that lacks what the port promises is refused with what it lacks", async () => {
    await using scene = await setScene(server);
    await new Kvm(scene.direct.connection).create(scene.bucket);
    const opening = scene.open(scene.direct);
    await expect(opening).rejects.toMatchObject({
      code: "LAYOUT_MISMATCH",
      message: expect.stringContaining("allow_atomic"),
    });
  });

  test("a bucket that is there keeps its own settings", async () => {
    await using scene = await setScene(server);
    await scene.open(scene.direct, { history: 3, markerTtlMs: 60_000 });
    const again = await scene.open(scene.proxied, { history: 7 });
    expect(again.settings).toMatchObject({ history: 3, markerTtlMs: 60_000, replicas: 1 });
  });
});
