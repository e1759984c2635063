// The contract of watches of the memory: the same on every store (src/memory/memory-watch.ts, memory-change.ts).

import { describe, expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import type { MemoryChange } from "../../src/memory/memory-change.ts";
import { factKey, recordKey } from "../../src/memory/memory-keys.ts";
import { cursorAgeMsMax, watchMemory } from "../../src/memory/memory-watch.ts";
import {
  addRecord,
  brief,
  emptyRecord,
  isCurrent,
  isEntry,
  isFact,
  kept,
  setFact,
  setHead,
  takeUntil,
} from "./memory-live-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const anna = { user: "anna" };
const session = { user: "anna", session: "s1" };

export function memoryWatchContract(name: string, open: OpenMemory): void {
  describe(`${name}: watches of the memory`, () => {
    test("a snapshot of both buckets, `current`, then what changes, each entry by itself (G1)", async () => {
      await using memory = await open();
      const { stores } = memory;
      await addRecord(stores, anna, 1, ["one", "two"]);
      await setFact(stores, anna, "city", "Rome");
      await setFact(stores, anna, "city", "Oslo");
      await addRecord(stores, session, 1, ["elsewhere"]);
      await using watch = await watchMemory({ stores }, anna);
      const snapshot = await takeUntil(watch, isCurrent);
      expect(snapshot.map(brief).toSorted()).toEqual([
        "(user.anna +1000 one)",
        "(user.anna +1001 two)",
        '(user.anna city="Oslo")',
        "current",
      ]);
      const cause = { text: "three", cause: "m1", trace: "0123456789abcdef0123456789abcdef", kind: "tool" } as const;
      const revision = await addRecord(stores, anna, 2, [cause]);
      const [added] = await takeUntil(watch, isEntry("three"));
      expect(added).toMatchObject({
        ...{ kind: "entry-added", scope: anna, key: "user.anna.log.00000002", revision, bucket: "memory" },
        ...{ cause: "m1", trace: cause.trace, isSnapshot: false, entry: { position: 2_000, kind: "tool" } },
      });
      expect(Math.abs((added as { writtenAtMs: number }).writtenAtMs - stores.clock.now())).toBeLessThan(60_000);
      await stores.facts.delete(factKey(anna, "city"));
      expect((await takeUntil(watch, ({ kind }) => kind === "fact-deleted")).map(brief)).toEqual([
        "user.anna city deleted",
      ]);
    });

    test("a scope alone, those under it, those that match, all of them; one bucket alone", async () => {
      await using memory = await open();
      const { stores } = memory;
      await addRecord(stores, anna, 1, ["a"]);
      await addRecord(stores, session, 1, ["b"]);
      await addRecord(stores, { user: "ben", session: "s2" }, 1, ["c"]);
      await addRecord(stores, { shared: "all" }, 1, ["d"]);
      await setFact(stores, session, "f", 1);
      const seen = async (...given: Parameters<typeof watchMemory> extends [unknown, ...infer Rest] ? Rest : never) => {
        await using watch = await watchMemory({ stores }, ...given);
        const changes = await takeUntil(watch, isCurrent);
        return changes.flatMap((change) =>
          change.kind === "entry-added" ? [change.entry.text] : change.kind === "fact-set" ? [change.fact.name] : [],
        );
      };
      expect(await seen(anna)).toEqual(["a"]);
      expect((await seen(anna, { under: true })).toSorted()).toEqual(["a", "b", "f"]);
      expect(await seen(anna, { under: true, what: "log" })).toEqual(["a", "b"]);
      expect(await seen(anna, { under: true, what: "facts" })).toEqual(["f"]);
      expect(await seen({ user: "*", session: "*" }, { what: "log" })).toEqual(["b", "c"]);
      expect(await seen([anna, { shared: "all" }])).toEqual(["a", "d"]);
      expect(await seen(undefined, { what: "log" })).toEqual(["a", "b", "c", "d"]);
      expect(await seen(anna, { from: "now" })).toEqual([]);
    });

    test("a cursor goes on behind each change, in the middle of a record too, exactly once (G2)", async () => {
      await using memory = await open();
      const { stores } = memory;
      const written: string[] = [];
      for (let record = 1; record <= 5; record += 1) {
        const texts = Array.from({ length: record }, (_, at) => `${record}.${at}`);
        await addRecord(stores, anna, record, texts);
        await setFact(stores, anna, `f${record % 2}`, record);
        written.push(...texts);
      }
      const another = await memory.openAnother();
      // One change at a time, each by a watch that knows nothing but what was kept.
      const seen: MemoryChange[] = [];
      let from = { memory: 0, facts: 0, atMs: stores.clock.now() };
      while (seen.filter(({ kind }) => kind !== "current").length < written.length + 5) {
        await using watch = await watchMemory({ stores: another }, anna, { from });
        const changes = await takeUntil(watch, ({ kind }) => kind !== "current");
        seen.push(...changes);
        from = kept(watch.cursor) as typeof from;
      }
      const entries = seen.flatMap((change) => (change.kind === "entry-added" ? [change.entry.text] : []));
      const facts = seen.flatMap((change) => (change.kind === "fact-set" ? [change.fact.value] : []));
      expect(entries).toEqual(written);
      expect(facts).toEqual([1, 2, 3, 4, 5]);
      await using watch = await watchMemory({ stores: another }, anna, { from });
      await takeUntil(watch, isCurrent);
      await addRecord(stores, anna, 6, ["news"]);
      expect((await takeUntil(watch, isEntry("news"))).map(brief)).toEqual(["user.anna +6000 news"]);
    });

    test("what is taken out is told: a tombstone, a part of a record, where the log begins", async () => {
      await using memory = await open();
      const { stores } = memory;
      await addRecord(stores, anna, 1, ["one"]);
      await addRecord(stores, anna, 2, ["two", "three"]);
      await using watch = await watchMemory({ stores }, anna, { what: "log" });
      const { cursor } = (await takeUntil(watch, isCurrent)).at(-1) as MemoryChange;
      await emptyRecord(stores, anna, 1);
      const text = '[{"gone":1},{"text":"three","id":"three"}]';
      await stores.entries.put(recordKey(anna, 2), encodeText(text));
      await setHead(stores, anna, { first: 2 });
      const told = ["user.anna -1000..1999", "user.anna -2000..2999 but three", "user.anna head memory 2"];
      const isHead = ({ kind }: MemoryChange) => kind === "head-changed";
      expect((await takeUntil(watch, isHead)).map(brief)).toEqual(told);
      await using resumed = await watchMemory({ stores }, anna, { what: "log", from: kept(cursor) });
      expect((await takeUntil(resumed, isCurrent)).map(brief)).toEqual([...told, "current"]);
      await using anew = await watchMemory({ stores }, anna, { what: "log" });
      expect((await takeUntil(anew, isCurrent)).map(brief)).toEqual([
        "(user.anna +2001 three)",
        "(user.anna head memory 2)",
        "current",
      ]);
    });

    test("a record that a truncation has written anew is told as that, and none of its entries as new (T4)", async () => {
      await using memory = await open();
      const { stores } = memory;
      const log = new ContextLog({ stores, scope: anna });
      const { entries } = await log.append([{ text: "a" }, { text: "b" }, { text: "c" }]);
      await using watch = await watchMemory({ stores }, anna, { what: "log", from: "now" });
      const isRemoval = ({ kind }: MemoryChange) => kind === "entries-removed";
      await log.truncate({ after: entries[1]?.position ?? 0 });
      const cut = (await takeUntil(watch, isRemoval)).at(-1);
      expect(cut).toMatchObject({ left: [{ text: "a" }, { text: "b" }] });
      await log.truncate({ before: entries[1]?.position ?? 0 });
      await log.append({ text: "d" });
      const rest = (await takeUntil(watch, isEntry("d"))).filter(({ kind }) => kind !== "head-changed");
      expect(rest).toMatchObject([{ left: [{ text: "b" }] }, { entry: { text: "d" } }]);
    });

    test("patches lead from the value that the store held before, also when the watch never saw it", async () => {
      await using memory = await open();
      const { stores } = memory;
      await setFact(stores, anna, "trip", { to: "Rome", days: 3 });
      const before = await setFact(stores, anna, "trip", { to: "Oslo", days: 3 });
      await using watch = await watchMemory({ stores }, anna, { from: "now", as: "patches" });
      const first = await setFact(stores, anna, "trip", { to: "Oslo", days: 4 });
      await setFact(stores, anna, "trip", { to: "Oslo" });
      await setFact(stores, anna, "new", 1);
      const changes = await takeUntil(watch, isFact("new"));
      expect(changes.filter(({ kind }) => kind === "fact-set")).toMatchObject([
        { patch: [{ op: "replace", path: "/days", value: 4 }], patchFrom: before },
        { patch: [{ op: "remove", path: "/days" }], patchFrom: first },
        { patch: [{ op: "add", path: "", value: 1 }], patchFrom: 0 },
      ]);
      await using anew = await watchMemory({ stores }, anna, { as: "patches" });
      const snapshot = await takeUntil(anew, isCurrent);
      expect(snapshot.filter(({ kind }) => kind === "fact-set")).toMatchObject([
        { patch: [{ op: "add", path: "", value: { to: "Oslo" } }], patchFrom: 0 },
        { patch: [{ op: "add", path: "", value: 1 }], patchFrom: 0 },
      ]);
    });

    test("a place that is lost is told of: a revision that the bucket never had, a cursor that is too old (W1)", async () => {
      await using memory = await open();
      const { stores } = memory;
      const last = await addRecord(stores, anna, 1, ["one"]);
      const facts = await setFact(stores, anna, "f", 1);
      await using ahead = await watchMemory({ stores }, anna, { from: { memory: last + 50, facts } });
      const changes = await takeUntil(ahead, isCurrent);
      expect(changes.map(brief)).toEqual(["restarted memory", "(user.anna +1000 one)", "current"]);
      const atMs = stores.clock.now() - cursorAgeMsMax - 1_000;
      await using old = await watchMemory({ stores }, anna, { from: { memory: last, facts, atMs } });
      expect((await takeUntil(old, isCurrent)).map(brief)).toEqual([
        "restarted memory",
        "(user.anna +1000 one)",
        "current",
      ]);
      expect(old.cursor.atMs).toBeGreaterThan(atMs + cursorAgeMsMax);
    });

    test("what cannot be read is told as that, and the watch goes on (G3)", async () => {
      await using memory = await open();
      const { stores } = memory;
      await stores.entries.put(recordKey(anna, 1), encodeText("{not json"));
      await stores.facts.put(factKey(anna, "f"), encodeText("~zip\nabc"));
      await stores.entries.put("nobody.knows", encodeText("1"));
      await addRecord(stores, anna, 2, ["good"]);
      await using watch = await watchMemory({ stores }, undefined);
      expect((await takeUntil(watch, isCurrent)).map(brief).toSorted()).toEqual([
        "(user.anna +2000 good)",
        "(user.anna unreadable CODEC_UNKNOWN)",
        "(user.anna unreadable MEMORY_UNREADABLE)",
        "current",
      ]);
    });

    test("it ends by its signal, by leaving the loop, by close, and with the store", async () => {
      await using memory = await open();
      const { stores } = memory;
      const abort = new AbortController();
      const bySignal = await watchMemory({ stores }, anna, { signal: abort.signal });
      await takeUntil(bySignal, isCurrent);
      const next = bySignal[Symbol.asyncIterator]().next();
      abort.abort();
      expect((await next).done).toBe(true);
      const byLeaving = await watchMemory({ stores }, anna);
      for await (const change of byLeaving) if (change.kind === "current") break;
      expect((await byLeaving[Symbol.asyncIterator]().next()).done).toBe(true);
      const byClose = await watchMemory({ stores }, anna);
      await takeUntil(byClose, isCurrent);
      const waiting = byClose[Symbol.asyncIterator]().next();
      await byClose.close();
      await byClose.close();
      expect((await waiting).done).toBe(true);
      const withStore = await watchMemory({ stores }, anna);
      await takeUntil(withStore, isCurrent);
      const last = withStore[Symbol.asyncIterator]().next();
      await stores.entries.close();
      expect((await last).done).toBe(true);
      await expect(watchMemory({ stores }, anna)).rejects.toMatchObject({ code: "CLOSED" });
    });

    test("bad input is refused at the door", async () => {
      await using memory = await open();
      const { stores } = memory;
      await expect(watchMemory({ stores }, {})).rejects.toMatchObject({ code: "SCOPE_INVALID" });
      const code = { code: "OPTION_INVALID" };
      await expect(watchMemory({ stores }, anna, { from: { memory: -1 } })).rejects.toMatchObject(code);
      await expect(watchMemory({ stores }, anna, { from: 3 as never })).rejects.toMatchObject(code);
      await expect(watchMemory({ stores }, [anna, anna])).rejects.toMatchObject(code);
    });
  });
}
