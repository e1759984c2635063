// The contract of a context log, part 5: truncation (L3, T1 to T3), and a writer whose scope is erased (W2, E2).

import { describe, expect, test } from "vitest";
import type { KvStore } from "../../src/kv/store.ts";
import type { ContextLog } from "../../src/memory/context-log.ts";
import type { Entry } from "../../src/memory/entry.ts";
import { readHead } from "../../src/memory/head.ts";
import { recordKey } from "../../src/memory/memory-keys.ts";
import {
  beginErasure,
  codeOf,
  finishErasure,
  logOn,
  movableClock,
  readTexts,
  recordsOf,
  session,
  tapped,
} from "./log-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

async function fill(log: ContextLog, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await log.append({ text: `t${n}` });
}

const joined = (entries: readonly Entry[]): string => entries.map(({ text }) => text).join(" ");
const [branch, twig] = [{ session: "branch" }, { session: "twig" }];

export function logTruncationContract(name: string, open: OpenMemory): void {
  describe(`${name}: truncation of a log`, () => {
    test("what lies behind a position goes, also within a record, and its numbers are not used again", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 2);
      await log.append(["t3", "t4", "t5"].map((text) => ({ text })));
      await fill(log, 2);
      const before = await log.get(3_000);
      await log.pin(4_000);
      await log.pin(1_000);
      expect(await log.truncate({ after: 3_000 })).toEqual({ records: 2, entries: 4 });
      expect(await readTexts(log)).toEqual(["t1", "t2", "t3"]);
      expect(await log.end()).toBe(3_000);
      // T2: it was written anew, and is as old as it was.
      expect(await log.get(3_000)).toEqual({ ...before, revision: expect.any(Number) });
      await log.append({ text: "new" });
      expect((await log.read({ last: 1 }).toArray())[0]).toMatchObject({ text: "new", position: 6_000 });
      expect((await readHead(opened.stores.entries, session)).head.pins).toEqual([1_000]);
      expect(await log.truncate({ after: 9_000 })).toEqual({ records: 0, entries: 0 });
      expect(await log.truncate({ after: 0 })).toEqual({ records: 4, entries: 4 });
      expect(await readTexts(log)).toEqual([]);
      expect(await codeOf(log.truncate({ after: -1 }))).toBe("OPTION_INVALID");
    });

    test("what lies before a position goes, also within a record; positions stay", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 2);
      await log.append(["t3", "t4", "t5"].map((text) => ({ text })));
      await fill(log, 1);
      await log.pin(1_000);
      const before = await log.get(3_002);
      expect(await log.truncate({ before: 3_002 })).toEqual({ records: 2, entries: 4 });
      expect(await readTexts(log)).toEqual(["t5", "t1"]);
      expect(await log.get(3_002)).toEqual({ ...before, revision: expect.any(Number) });
      expect(await log.get(3_000)).toBeUndefined();
      expect((await readHead(opened.stores.entries, session)).head.pins).toEqual([]);
      expect(await log.truncate({ before: 3_002 })).toEqual({ records: 0, entries: 0 });
      expect(await log.truncate({ before: 99_000 })).toEqual({ records: 2, entries: 2 });
      await log.append({ text: "new" });
      expect((await log.read().toArray()).map(({ text, position }) => [text, position])).toEqual([["new", 5_000]]);
    });

    test("a summary that is cut off is in force no more, and what it covered is back in windows", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 4);
      await log.compact({ keepLast: 1, summarize: joined });
      await log.truncate({ after: 4_000 });
      expect((await log.window({ tokens: 1_000 })).entries.map(({ text }) => text)).toEqual(["t1", "t2", "t3", "t4"]);
    });

    test("L3, T1: a record that went is a tombstone, which a late writer meets; when it is no more numbers go on", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 300);
      const late = logOn(await opened.openAnother());
      await late.append({ text: "known to this handle" });
      await log.truncate({ after: 2_000 });
      const [standing, gone] = await Promise.all([2, 3].map((n) => opened.stores.entries.get(recordKey(session, n))));
      expect([standing?.value.length, gone?.value.length]).not.toContain(undefined);
      expect(gone?.value.length).toBe(0);
      expect((await opened.stores.entries.create(recordKey(session, 300), new Uint8Array(1))).kind).toBe("conflict");
      await late.append({ text: "late" });
      for (let n = 3; n <= 301; n += 1) await opened.stores.entries.delete(recordKey(session, n));
      await logOn(opened.stores).append({ text: "later" });
      const entries = await log.read().toArray();
      expect(entries.map(({ text, position }) => [text, position])).toEqual([
        ...[
          ["t1", 1_000],
          ["t2", 2_000],
          ["late", 302_000],
          ["later", 303_000],
        ],
      ]);
    });

    test("T3: a truncation that is cut short has left a log up to some entry; doing it again does the rest", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 250);
      let transactions = 0;
      const dying: KvStore = tapped(opened.stores.entries, (method) => {
        if (method !== "transact") return;
        transactions += 1;
        if (transactions === 2) throw new Error("killed");
      });
      await expect(logOn({ ...opened.stores, entries: dying }).truncate({ after: 10_000 })).rejects.toThrow("killed");
      const left = await readTexts(log);
      expect(left).toEqual(Array.from({ length: left.length }, (_, at) => `t${at + 1}`));
      expect(left.length).toBeLessThan(250);
      await log.truncate({ after: 10_000 });
      expect(await readTexts(log)).toHaveLength(10);
      transactions = 0;
      await fill(log, 250);
      await expect(logOn({ ...opened.stores, entries: dying }).truncate({ before: 260_000 })).rejects.toThrow("killed");
      // From the front all of it is out of sight at once.
      expect((await log.read({ limit: 1 }).toArray())[0]?.position).toBe(260_000);
    });

    test("a fork cut off within what it shares leaves the other log as it is; what a log cuts off its forks miss too", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 5);
      for (const scope of [branch, twig]) await log.fork(scope, { at: 4_000 });
      const [fork, other] = [logOn(opened.stores, branch), logOn(opened.stores, twig)];
      await fork.append({ text: "mine" });
      await fork.truncate({ after: 2_000 });
      await fork.append({ text: "anew" });
      expect(await readTexts(fork)).toEqual(["t1", "t2", "anew"]);
      await fork.truncate({ before: 2_000 });
      expect(await readTexts(fork)).toEqual(["t2", "anew"]);
      expect(await readTexts(log)).toEqual(["t1", "t2", "t3", "t4", "t5"]);
      await log.truncate({ before: 4_000 });
      expect(await readTexts(other)).toEqual(["t4"]);
      expect(await readTexts(fork)).toEqual(["anew"]);
    });

    test("appends go on while a log is truncated: what was appended later stays, nothing is twice", async () => {
      await using opened = await open();
      const [log, other] = [logOn(opened.stores), logOn(await opened.openAnother())];
      await fill(log, 120);
      const placed = Promise.all(Array.from({ length: 50 }, (_, at) => other.append({ text: `n${at}`, id: `n${at}` })));
      await log.truncate({ after: 20_000 });
      await placed;
      const again = await Promise.all(
        Array.from({ length: 50 }, (_, at) => other.append({ text: `n${at}`, id: `n${at}` })),
      );
      expect(again.every(({ entries }) => entries[0]?.isDuplicate)).toBe(true);
      const texts = await readTexts(log);
      expect(new Set(texts).size).toBe(texts.length);
      expect(texts.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, at) => `t${at + 1}`));
      expect(texts.slice(20).every((text) => text.startsWith("n"))).toBe(true);
    });
  });
}

export function logErasedContract(name: string, open: OpenMemory): void {
  describe(`${name}: appending to a log that is erased`, () => {
    test("W2: while it is being erased, and what was formed before, is refused; afterwards it is a log as any other", async () => {
      await using opened = await open();
      const [log, formed] = [logOn(opened.stores), logOn(await opened.openAnother())];
      await fill(log, 3);
      await formed.append({ text: "t4", id: "t4" });
      const era = await formed.era();
      await beginErasure(opened.stores);
      expect(await codeOf(logOn(opened.stores).append({ text: "meanwhile" }))).toBe("SCOPE_ERASED");
      expect(await codeOf(log.truncate({ after: 1_000 }))).toBe("SCOPE_ERASED");
      await finishErasure(opened.stores);
      const [one, two] = await Promise.all([
        codeOf(formed.append({ text: "back", id: "b" })),
        codeOf(formed.append({ text: "back" })),
      ]);
      expect([one, two]).toEqual(["SCOPE_ERASED", "SCOPE_ERASED"]);
      expect(await codeOf(logOn(opened.stores).append({ text: "back" }, { era }))).toBe("SCOPE_ERASED");
      expect(await readTexts(log)).toEqual([]);
      expect(await codeOf(log.compact({ keepLast: 0, summarize: joined }))).toBe("none");
      // The id was erased with its entry.
      expect((await formed.append({ text: "new", id: "t4" })).entries[0]).toMatchObject({
        position: 6_000,
        isDuplicate: false,
      });
      await logOn(opened.stores).append({ text: "newer" }, { era: await log.era() });
      expect(await readTexts(log)).toEqual(["new", "newer"]);
      expect(await codeOf(formed.append({ text: "of an era to come" }, { era: 9 }))).toBe("SCOPE_ERASED");
    });

    test("W2: an erasure between a writer's decision and its write refuses the write", async () => {
      await using opened = await open();
      for (const isDone of [true, false]) {
        const scope = { session: `race-${isDone}` };
        await fill(logOn(opened.stores, scope), 3);
        let isErased = false;
        const entries = tapped(opened.stores.entries, async (method) => {
          if (method !== "create" || isErased) return;
          isErased = true;
          await beginErasure(opened.stores, scope);
          if (isDone) await finishErasure(opened.stores, scope);
        });
        const outcome = await codeOf(logOn({ ...opened.stores, entries }, scope).append({ text: "back" }));
        if (!isDone) await finishErasure(opened.stores, scope);
        // Written before the seal it is removed with the rest; after it, it is refused.
        expect(outcome).toBe(isDone ? "SCOPE_ERASED" : "none");
        expect(await readTexts(logOn(opened.stores, scope))).toEqual([]);
      }
    });

    test("W2: what waits behind a write that meets an erasure is refused too, and what is formed on what was read before", async () => {
      await using opened = await open();
      await fill(logOn(opened.stores), 3);
      const reader = logOn(await opened.openAnother());
      await reader.read({ last: 1 }).toArray();
      const [waiting, isErased]: [Promise<string>[], { done: boolean }] = [[], { done: false }];
      const entries = tapped(opened.stores.entries, async (method) => {
        if (method !== "create" || isErased.done) return;
        isErased.done = true;
        waiting.push(codeOf(log.append({ text: "waits" })));
        await beginErasure(opened.stores);
        await finishErasure(opened.stores);
      });
      const log = logOn({ ...opened.stores, entries });
      expect(await codeOf(log.append({ text: "back" }))).toBe("SCOPE_ERASED");
      expect(await Promise.all(waiting)).toEqual(["SCOPE_ERASED"]);
      expect(await codeOf(reader.append({ text: "formed on what was read" }))).toBe("SCOPE_ERASED");
      expect(await codeOf(reader.append({ text: "pinned", pinned: true }))).toBe("none");
      expect(await readTexts(log)).toEqual(["pinned"]);
    });

    test("E2: nor does an erasure that comes and goes while the writer looks for the end let an old write pass", async () => {
      await using opened = await open();
      await fill(logOn(opened.stores), 40);
      let reads = 0;
      const entries = tapped(opened.stores.entries, async (method) => {
        if (method !== "getMany") return;
        reads += 1;
        if (reads !== 2) return;
        await beginErasure(opened.stores);
        await finishErasure(opened.stores);
        await logOn(opened.stores).append({ text: "new" });
      });
      const log = logOn({ ...opened.stores, entries });
      expect(await codeOf(log.append({ text: "back" }, { era: 1 }))).toBe("SCOPE_ERASED");
      expect(await readTexts(log)).toEqual(["new"]);
    });

    test("an erased log's share is gone from its forks; what they wrote themselves stays", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 3);
      await log.fork(branch);
      const fork = logOn(opened.stores, branch);
      await fork.append({ text: "mine" });
      await beginErasure(opened.stores);
      expect(await readTexts(fork)).toEqual(["mine"]);
      await finishErasure(opened.stores);
      expect(await readTexts(fork)).toEqual(["mine"]);
      await fork.append({ text: "more" });
      expect(await readTexts(fork)).toEqual(["mine", "more"]);
    });

    test("an erasing head is not trusted for long, an old handle's knowledge neither", async () => {
      await using opened = await open();
      const clock = movableClock();
      const log = logOn({ ...opened.stores, clock });
      await log.append({ text: "one" });
      await beginErasure(opened.stores);
      clock.ahead(11 * 60_000);
      expect(await codeOf(log.append({ text: "two" }))).toBe("SCOPE_ERASED");
      await finishErasure(opened.stores);
      expect(await codeOf(log.append({ text: "three" }))).toBe("none");
      expect(await recordsOf(opened.stores)).toEqual([1, 2, 3]);
      expect(await readTexts(log)).toEqual(["three"]);
    });
  });
}
