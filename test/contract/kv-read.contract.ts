// The KvStore contract, part 2: reading, listing, history, closing.

import { describe, expect, test } from "vitest";
import type { KvStore } from "../../src/kv/store.ts";
import { brief, bytes, changesUntil, isCurrent, type OpenStore, text } from "./kv-support.ts";

export function kvReadContract(name: string, open: OpenStore): void {
  describe(`${name}: reads`, () => {
    test("an entry says what was written, when and as which revision", async () => {
      await using opened = await open();
      const { store } = opened;
      expect(await store.get("k")).toBeUndefined();
      const revision = await store.put("k", bytes("value"));
      const entry = await store.get("k");
      expect(entry).toMatchObject({ key: "k", revision, operation: "put" });
      expect(text(entry)).toBe("value");
      expect(Math.abs((entry?.writtenAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    test("what one store has written, another one on the same bucket reads", async () => {
      await using opened = await open();
      const other = await opened.openAnother();
      const revision = await opened.store.put("k", bytes("1"));
      expect((await other.get("k"))?.revision).toBe(revision);
      expect((await other.update("k", bytes("2"), revision)).kind).toBe("written");
      expect(text(await opened.store.get("k"))).toBe("2");
    });

    test("getMany leaves out what does not exist, for 500 keys and more", async () => {
      await using opened = await open();
      const { store } = opened;
      expect((await store.getMany([])).size).toBe(0);
      expect((await store.getMany(["none"])).size).toBe(0);
      const keys = Array.from({ length: 620 }, (_, at) => `n.${at}`);
      for (const some of [keys.slice(0, 310), keys.slice(310)]) {
        await store.transact(some.map((key) => ({ kind: "put", key, value: bytes(key) }) as const));
      }
      await store.delete("n.7");
      const found = await store.getMany([...keys, "none", "n.1"]);
      expect(found.size).toBe(619);
      expect(found.has("n.7")).toBe(false);
      expect([...found].every(([key, entry]) => text(entry) === key && entry.key === key)).toBe(true);
    });

    test("getMany reads as of one moment", async () => {
      await using opened = await open();
      const { store } = opened;
      const reader = await opened.openAnother();
      // One transaction after the other writes the same number to both keys: no reader may see two numbers.
      let isDone = false;
      const writing = (async () => {
        for (let n = 0; n < 60; n += 1) {
          const value = bytes(String(n));
          await store.transact([
            { kind: "put", key: "left", value },
            { kind: "put", key: "right", value },
          ]);
        }
        isDone = true;
      })();
      let reads = 0;
      while (!isDone) {
        const found = await reader.getMany(["left", "right"]);
        expect(text(found.get("left"))).toBe(text(found.get("right")));
        reads += 1;
        await new Promise(setImmediate);
      }
      await writing;
      expect(reads).toBeGreaterThan(0);
    });

    test("list gives the keys that exist and match, sorted", async () => {
      await using opened = await open({ history: 2 });
      const { store } = opened;
      expect(await store.list(">")).toEqual([]);
      for (const key of ["b.2", "a", "b.1", "b.1.x", "c.1", "b.3"]) await store.put(key, bytes("1"));
      await store.delete("b.3");
      await store.put("b.1", bytes("2"));
      expect(await store.list(">")).toEqual(["a", "b.1", "b.1.x", "b.2", "c.1"]);
      expect(await store.list("b.*")).toEqual(["b.1", "b.2"]);
      expect(await store.list("b.>")).toEqual(["b.1", "b.1.x", "b.2"]);
      expect(await store.list("*.1")).toEqual(["b.1", "c.1"]);
      expect(await store.list("*")).toEqual(["a"]);
      expect(await store.list("a")).toEqual(["a"]);
      expect(await store.list("b.3")).toEqual([]);
      expect(await store.list("*.1.*")).toEqual(["b.1.x"]);
    });

    test("history keeps so many entries of a key, oldest first, deletions included", async () => {
      await using opened = await open({ history: 3 });
      const { store } = opened;
      expect(await store.history("k")).toEqual([]);
      expect([store.historyMax, (await opened.openAnother()).historyMax]).toEqual([3, 3]);
      for (const value of ["1", "2", "3"]) await store.put("k", bytes(value));
      await store.put("other", bytes("x"));
      const deleted = await store.delete("k");
      const entries = await store.history("k");
      expect(entries.map((entry) => brief({ kind: "entry", entry, isSnapshot: false }))).toEqual([
        "k=2",
        "k=3",
        "k!delete",
      ]);
      expect(entries.at(-1)?.revision).toBe(deleted.revision);
      expect(entries.map(({ revision }) => revision)).toEqual(
        entries.map(({ revision }) => revision).toSorted((x, y) => x - y),
      );
      await store.create("k", bytes("4"));
      expect((await store.history("k")).map(({ operation }) => operation)).toEqual(["put", "delete", "put"]);
    });

    test("after close every call rejects with CLOSED and watchers end (K7)", async () => {
      await using opened = await open();
      const store: KvStore = await opened.openAnother();
      const watcher = await store.watch(">");
      await changesUntil(watcher, isCurrent);
      const next = watcher[Symbol.asyncIterator]().next();
      await store.close();
      await store.close();
      expect((await next).done).toBe(true);
      expect((await watcher[Symbol.asyncIterator]().next()).done).toBe(true);
      const calls = [
        () => store.get("k"),
        () => store.getMany(["k"]),
        () => store.put("k", bytes("1")),
        () => store.create("k", bytes("1")),
        () => store.update("k", bytes("1"), 1),
        () => store.delete("k"),
        () => store.purge("k"),
        () => store.transact([]),
        () => store.list(">"),
        () => store.history("k"),
        () => store.watch(">"),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "CLOSED" });
      await opened.store.put("k", bytes("still"));
      expect(text(await opened.store.get("k"))).toBe("still");
    });
  });
}
