// The KvStore contract, part 4: watchers.

import { describe, expect, test } from "vitest";
import { brief, bytes, changesUntil, foldChanges, isCurrent, isPutOf, type OpenStore } from "./kv-support.ts";

export function kvWatchContract(name: string, open: OpenStore): void {
  describe(`${name}: watchers`, () => {
    test("a watcher gives a snapshot of the last entries, says that it is current, then what changes (K4)", async () => {
      await using opened = await open({ history: 3 });
      const { store } = opened;
      await store.put("a.1", bytes("old"));
      await store.put("b", bytes("1"));
      await store.put("a.1", bytes("1"));
      await store.put("a.2", bytes("1"));
      const last = await store.delete("a.2");
      await using watcher = await store.watch("a.*");
      const snapshot = await changesUntil(watcher, isCurrent);
      expect(snapshot.map(brief)).toEqual(["(a.1=1)", "(a.2!delete)", "current"]);
      expect(snapshot.at(-1)).toMatchObject({ revision: last.revision });
      await store.put("a.3", bytes("1"));
      await store.put("b", bytes("2"));
      await store.delete("a.1");
      await store.put("a.3", bytes("2"));
      const news = await changesUntil(watcher, isPutOf("a.3", "2"));
      expect(news.map(brief)).toEqual(["a.3=1", "a.1!delete", "a.3=2"]);
    });

    test("a watcher of nothing is current at once, and sees the first key", async () => {
      await using opened = await open();
      const { store } = opened;
      await using empty = await store.watch("a.>");
      expect((await changesUntil(empty, isCurrent)).map(brief)).toEqual(["current"]);
      await store.put("b", bytes("1"));
      await using other = await store.watch("a.>");
      expect((await changesUntil(other, isCurrent)).map(brief)).toEqual(["current"]);
      await store.put("a.1", bytes("1"));
      for (const watcher of [empty, other]) {
        expect((await changesUntil(watcher, isPutOf("a.1"))).map(brief)).toEqual(["a.1=1"]);
      }
    });

    test("a watcher of several patterns sees the keys of all of them, in one order", async () => {
      await using opened = await open({ history: 2 });
      const { store } = opened;
      await store.put("a.head", bytes("1"));
      await store.put("a.log.2", bytes("1"));
      await store.put("a.deeper.log.1", bytes("1"));
      const from = await store.put("a.head", bytes("2"));
      await store.put("a.log.1", bytes("1"));
      await using watcher = await store.watch(["a.log.*", "a.head"]);
      const snapshot = await changesUntil(watcher, isCurrent);
      expect(snapshot.map(brief)).toEqual(["(a.log.2=1)", "(a.head=2)", "(a.log.1=1)", "current"]);
      await using resumed = await store.watch(["a.log.*", "a.head"], { from });
      expect((await changesUntil(resumed, isCurrent)).map(brief)).toEqual(["a.head=2", "a.log.1=1", "current"]);
      await store.put("b.head", bytes("1"));
      await store.put("a.log.3", bytes("1"));
      await store.put("a.head", bytes("3"));
      for (const each of [watcher, resumed]) {
        expect((await changesUntil(each, isPutOf("a.head", "3"))).map(brief)).toEqual(["a.log.3=1", "a.head=3"]);
      }
    });

    test("patterns that have keys in common are refused, and so are none", async () => {
      await using opened = await open();
      const { store } = opened;
      const code = { code: "OPTION_INVALID" };
      for (const patterns of [[], ["a", "a"], ["a.*", "a.b"], ["a.>", "a.b.c"], ["*.b", "a.*"], [">", "a"]]) {
        await expect(store.watch(patterns)).rejects.toMatchObject(code);
      }
      await expect(store.watch(["a", "b..c"])).rejects.toMatchObject({ code: "KEY_INVALID" });
      await (await store.watch(["a.*", "a.*.b", "b.>", "c"])).close();
    });

    test("from a revision: each change since that is kept, without a snapshot", async () => {
      await using opened = await open({ history: 2 });
      const { store } = opened;
      await store.put("a", bytes("1"));
      const from = await store.put("a", bytes("2"));
      await store.put("b", bytes("1"));
      await store.put("a", bytes("3"));
      await using watcher = await store.watch(">", { from });
      expect((await changesUntil(watcher, isCurrent)).map(brief)).toEqual(["a=2", "b=1", "a=3", "current"]);
      const next = await store.put("b", bytes("2"));
      expect((await changesUntil(watcher, isPutOf("b"))).map(brief)).toEqual(["b=2"]);
      await using behind = await store.watch(">", { from: next + 1 });
      expect((await changesUntil(behind, isCurrent)).map(brief)).toEqual(["current"]);
      await store.put("c", bytes("1"));
      expect((await changesUntil(behind, isPutOf("c"))).map(brief)).toEqual(["c=1"]);
    });

    test("from a revision that the bucket has not reached: it starts over and says so", async () => {
      await using opened = await open();
      const { store } = opened;
      const last = await store.put("a", bytes("1"));
      await using watcher = await store.watch(">", { from: last + 10 });
      expect((await changesUntil(watcher, isCurrent)).map(brief)).toEqual(["restarted", "(a=1)", "current"]);
    });

    test("from now: only what changes from now on", async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put("a", bytes("1"));
      await using watcher = await store.watch(">", { from: "now" });
      await store.put("a", bytes("2"));
      expect((await changesUntil(watcher, isPutOf("a", "2"))).map(brief)).toEqual(["current", "a=2"]);
    });

    test("a watcher sees the writes of every store of the bucket, within a tenth of a second or so", async () => {
      await using opened = await open();
      const other = await opened.openAnother();
      await using watcher = await other.watch("k");
      await changesUntil(watcher, isCurrent);
      await opened.store.put("k", bytes("1"));
      const began = performance.now();
      await changesUntil(watcher, isPutOf("k"));
      expect(performance.now() - began).toBeLessThan(9_000); // On a machine that is busy; a heartbeat that is missed shows after 10 s.
    });

    test("a watcher that is slow loses no last value, in order, whatever is written meanwhile", async () => {
      await using opened = await open();
      const { store } = opened;
      await using watcher = await store.watch(">");
      const iterator = watcher[Symbol.asyncIterator]();
      await iterator.next();
      // Each of 1,500 keys twice.
      const value = "x".repeat(100);
      for (let round = 0; round < 6; round += 1) {
        await store.transact(
          Array.from({ length: 500 }, (_, at) => {
            const n = round * 500 + at;
            return { kind: "put", key: `k.${n % 1_500}`, value: bytes(`${value}${n}`) } as const;
          }),
        );
      }
      await store.put("end", bytes("1"));
      const changes = await changesUntil(watcher, isPutOf("end"));
      const revisions = changes.flatMap((change) => (change.kind === "entry" ? [change.entry.revision] : []));
      expect(revisions).toEqual(revisions.toSorted((x, y) => x - y));
      expect(new Set(revisions).size).toBe(revisions.length);
      const state = foldChanges(changes);
      expect(state.size).toBe(1_501);
      const found = await store.getMany([...state.keys()]);
      const decoder = new TextDecoder();
      for (const [key, entry] of found) expect(state.get(key)).toBe(decoder.decode(entry.value));
    });

    test("a watcher ends by its signal, by leaving the loop, by close", async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put("a", bytes("1"));
      const abort = new AbortController();
      const bySignal = await store.watch(">", { signal: abort.signal });
      await changesUntil(bySignal, isCurrent);
      const next = bySignal[Symbol.asyncIterator]().next();
      abort.abort();
      expect((await next).done).toBe(true);
      const late = await store.watch(">", { signal: abort.signal });
      expect((await late[Symbol.asyncIterator]().next()).done).toBe(true);
      const byLeaving = await store.watch(">");
      for await (const change of byLeaving) if (change.kind === "current") break;
      expect((await byLeaving[Symbol.asyncIterator]().next()).done).toBe(true);
      const byClose = await store.watch(">");
      await byClose.close();
      await byClose.close();
      for await (const change of byClose) throw new Error(`after close: ${brief(change)}`);
    });
  });
}
