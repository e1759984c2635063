// Memory and SQLite where time matters: with a clock that stands still until it is told to go on.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { openSqliteStore } from "../../src/kv/sqlite-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { brief, bytes, changesUntil, isCurrent } from "../contract/kv-support.ts";
import { ManualClock } from "./kv-manual-clock.ts";

const options = { bucket: "test", markerTtlMs: 10_000 };
const stores: Record<string, (clock: ManualClock) => Promise<KvStore>> = {
  memory: (clock) => openMemoryStore({ ...options, clock }),
  sqlite: (clock) => openSqliteStore({ ...options, path: ":memory:", clock }),
};

for (const [name, open] of Object.entries(stores)) {
  describe(name, () => {
    test("a key dies at its time, and its marker after the marker's", async () => {
      const clock = new ManualClock();
      await using store = await open(clock);
      await store.put("k", bytes("1"), { ttlMs: 2_000 });
      clock.pass(1_999);
      expect(await store.list(">")).toEqual(["k"]);
      clock.pass(1);
      expect(await store.get("k")).toBeUndefined();
      const [marker] = await store.history("k");
      expect(marker).toMatchObject({ operation: "expired", revision: 2, writtenAtMs: clock.now() });
      clock.pass(9_999);
      expect(await store.history("k")).toHaveLength(1);
      clock.pass(1);
      expect(await store.history("k")).toEqual([]);
      expect(await store.create("k", bytes("2"))).toEqual({ kind: "written", revision: 3 });
    });

    test("renewing a key's time, or writing it without one, undoes the old one", async () => {
      const clock = new ManualClock();
      await using store = await open(clock);
      const first = await store.put("a", bytes("1"), { ttlMs: 2_000 });
      await store.put("b", bytes("1"), { ttlMs: 2_000 });
      clock.pass(1_500);
      await store.update("a", bytes("2"), first, { ttlMs: 2_000 });
      await store.put("b", bytes("2"));
      clock.pass(1_500);
      expect(await store.list(">")).toEqual(["a", "b"]);
      clock.pass(500);
      expect(await store.list(">")).toEqual(["b"]);
    });

    test("a key that died long ago, with nobody looking, is simply gone", async () => {
      const clock = new ManualClock();
      await using store = await open(clock);
      await store.put("k", bytes("1"), { ttlMs: 1_000 });
      clock.pass(60_000);
      expect(await store.history("k")).toEqual([]);
      expect(await store.list(">")).toEqual([]);
    });

    test("a watcher that missed a marker starts over; one that was there does not", async () => {
      const clock = new ManualClock();
      await using store = await open(clock);
      await using slow = await store.watch(">");
      await using quick = await store.watch(">");
      await store.put("kept", bytes("1"));
      await store.put("mortal", bytes("1"), { ttlMs: 1_000 });
      const isMortal = (operation: string) => (change: Parameters<typeof isCurrent>[0]) =>
        change.kind === "entry" && change.entry.key === "mortal" && change.entry.operation === operation;
      await changesUntil(slow, isMortal("put"));
      await changesUntil(quick, isMortal("put"));
      clock.pass(1_000);
      expect((await changesUntil(quick, isMortal("expired"))).map(brief)).toEqual(["mortal!expired"]);
      clock.pass(10_000);
      await store.put("late", bytes("1"));
      const isLate = (change: Parameters<typeof isCurrent>[0]) =>
        change.kind === "entry" && change.entry.key === "late";
      expect((await changesUntil(quick, isLate)).map(brief)).toEqual(["late=1"]);
      expect((await changesUntil(slow, isCurrent)).map(brief)).toEqual([
        "restarted",
        "(kept=1)",
        "(late=1)",
        "current",
      ]);
    });

    test("a watcher learns of a death without anybody asking", async () => {
      const clock = new ManualClock();
      await using store = await open(clock);
      await using watcher = await store.watch(">");
      await changesUntil(watcher, isCurrent);
      await store.put("k", bytes("1"), { ttlMs: 1_000 });
      const seen = changesUntil(watcher, (change) => change.kind === "entry" && change.entry.operation === "expired");
      clock.pass(1_100);
      expect((await seen).map(brief)).toEqual(["k=1", "k!expired"]);
    });

    test("a closed store leaves no timer behind", async () => {
      const clock = new ManualClock();
      const store = await open(clock);
      await store.put("k", bytes("1"), { ttlMs: 1_000 });
      await store.watch(">");
      await store.close();
      expect(clock.timers).toBe(0);
    });
  });
}

test("a file keeps its buckets, apart from each other; another schema is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "troupe-test-sqlite-"));
  try {
    const path = join(folder, "kv.db");
    const first = await openSqliteStore({ path, bucket: "one", history: 4 });
    const revision = await first.put("k", bytes("1"));
    await first.close();
    const again = await openSqliteStore({ path, bucket: "one" });
    expect(await again.get("k")).toMatchObject({ revision });
    await again.put("k", bytes("2"));
    expect(await again.history("k")).toHaveLength(2);
    const other = await openSqliteStore({ path, bucket: "two" });
    expect(await other.list(">")).toEqual([]);
    await again.close();
    await other.close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(openSqliteStore({ path, bucket: "one" })).rejects.toMatchObject({ code: "LAYOUT_MISMATCH" });
    const nowhere = openSqliteStore({ path: join(folder, "no", "kv.db"), bucket: "one" });
    await expect(nowhere).rejects.toMatchObject({ code: "STORE_FAILED" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a transaction that fails halfway in SQLite leaves nothing", async () => {
  await using store = await openSqliteStore({ path: ":memory:", bucket: "test" });
  const broken = store.transact([
    { kind: "put", key: "a", value: bytes("1") },
    { kind: "put", key: "b", value: "not bytes" as unknown as Uint8Array },
  ]);
  await expect(broken).rejects.toMatchObject({ code: "STORE_FAILED" });
  expect(await store.list(">")).toEqual([]);
  expect(await store.put("c", bytes("1"))).toBe(1);
});

test("options outside their bounds are refused", async () => {
  const code = { code: "OPTION_INVALID" };
  for (const wrong of [
    { bucket: "a.b" },
    { bucket: "" },
    { history: 0 },
    { history: 65 },
    { history: 1.5 },
    { markerTtlMs: 10 },
  ]) {
    await expect(openMemoryStore({ ...options, ...wrong })).rejects.toMatchObject(code);
    await expect(openSqliteStore({ ...options, ...wrong, path: ":memory:" })).rejects.toMatchObject(code);
  }
  await using store = await openMemoryStore(options);
  await expect(store.update("k", bytes("1"), -1)).rejects.toMatchObject(code);
  await expect(store.update("k", bytes("1"), 1.5)).rejects.toMatchObject(code);
  await expect(store.watch(">", { from: -1 })).rejects.toMatchObject(code);
});
