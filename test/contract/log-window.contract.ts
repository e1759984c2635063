// The contract of a context log, part 3: windows (N1 to N3 of `log-window.ts`), summaries (C1, C2 of `log-compaction.ts`)
// and pins.

import { describe, expect, test } from "vitest";
import type { ContextLog } from "../../src/memory/context-log.ts";
import type { Entry } from "../../src/memory/entry.ts";
import { readHead } from "../../src/memory/head.ts";
import { codeOf, logOn, readTexts, session, tapped, textsOf } from "./log-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

/** One token for each character. */
const countTokens = ({ text }: Entry) => text.length;

async function fill(log: ContextLog, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await log.append({ text: `t${n}`.padEnd(4) });
}

const briefOf = async (log: ContextLog, tokens: number) => {
  const window = await log.window({ tokens, countTokens });
  return [
    textsOf(window.entries)
      .map((text) => text.trim())
      .join(" "),
    window.tokens,
    window.leftOut?.entries ?? 0,
  ];
};
const joined = (entries: readonly Entry[], previous: string | undefined): string =>
  `${previous ?? ""}[${entries.map(({ text }) => text.trim()).join(" ")}]`;

export function logWindowContract(name: string, open: OpenMemory): void {
  describe(`${name}: windows, summaries and pins of a log`, () => {
    test("N1, N3: a window holds the newest entries that fit, in order, and says what it leaves out", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      expect(await log.window({ tokens: 100 })).toEqual({
        ...{ entries: [], summary: undefined, tokens: 0, isOverBudget: false, leftOut: undefined },
      });
      await fill(log, 10);
      expect(await briefOf(log, 12)).toEqual(["t8 t9 t10", 12, 7]);
      expect(await briefOf(log, 15)).toEqual(["t8 t9 t10", 12, 7]);
      expect(await briefOf(log, 40)).toEqual(["t1 t2 t3 t4 t5 t6 t7 t8 t9 t10", 40, 0]);
      expect(await briefOf(log, 3)).toEqual(["", 0, 10]);
      const { leftOut } = await log.window({ tokens: 12, countTokens });
      expect(leftOut).toEqual({ upTo: 7_000, entries: 7, isExact: false });
      expect((await log.window({ tokens: 10_000 })).entries).toHaveLength(10);
      expect(await codeOf(log.window({ tokens: -1 }))).toBe("OPTION_INVALID");
      expect(await codeOf(log.window({ tokens: 1, countTokens: () => Number.NaN }))).toBe("OPTION_INVALID");
    });

    test("N1: what is pinned is in every window; when it alone is too much the window says so", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await log.append({ text: "rule", pinned: true });
      await fill(log, 5);
      await log.pin(3_000);
      expect(await briefOf(log, 12)).toEqual(["rule t2 t5", 12, 3]);
      expect((await log.read().toArray()).filter(({ pinned }) => pinned).map(({ position }) => position)).toEqual([
        1_000, 3_000,
      ]);
      const tight = await log.window({ tokens: 5, countTokens });
      expect([textsOf(tight.entries), tight.isOverBudget, tight.tokens]).toEqual([["rule", "t2  "], true, 8]);
      await log.unpin(1_000);
      await log.unpin(1_000);
      expect(await briefOf(log, 12)).toEqual(["t2 t4 t5", 12, 3]);
      expect((await log.get(1_000))?.pinned).toBe(false);
      expect(await codeOf(log.pin(9_000))).toBe("ENTRY_INVALID");
    });

    test("an entry that was written and not pinned before the worker died is pinned by its repeat", async () => {
      await using opened = await open();
      const dying = tapped(opened.stores.entries, (method, [key]) => {
        if (method === "update" && String(key).endsWith(".head")) throw new Error("killed");
      });
      const rule = { text: "rule", id: "rule-1", pinned: true };
      await expect(logOn({ ...opened.stores, entries: dying }).append(rule)).rejects.toThrow("killed");
      const log = logOn(opened.stores);
      expect((await log.read().toArray())[0]).toMatchObject({ text: "rule", pinned: false });
      expect((await log.append(rule)).entries[0]?.isDuplicate).toBe(true);
      await log.append(rule);
      expect((await readHead(opened.stores.entries, session)).head.pins).toEqual([1_000]);
    });

    test("a log has a bounded number of pins, which is said before anything is written", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await log.append(Array.from({ length: 256 }, () => ({ text: "rule", pinned: true })));
      expect(await codeOf(log.append({ text: "one more", pinned: true }))).toBe("ENTRY_INVALID");
      expect(await readTexts(log)).toHaveLength(256);
    });

    test("100 handles pin at once: all pins stand", async () => {
      await using opened = await open();
      const handles = Array.from({ length: 100 }, () => logOn(opened.stores));
      await Promise.all(handles.map((log, at) => log.append({ text: `r${at}`, pinned: at % 5 === 0 })));
      expect((await readHead(opened.stores.entries, session)).head.pins).toHaveLength(20);
    });

    test("N2: a summary takes the place of what it covers; the entries stay readable; the next builds on it", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 6);
      await log.pin(2_000);
      expect(await log.compact({ keepLast: 2, summarize: joined })).toEqual({
        ...{ kind: "compacted", summary: { position: 7_000, covers: 4_000 }, entries: 4 },
      });
      expect(await briefOf(log, 1_000)).toEqual(["t2 [t1 t2 t3 t4] t5 t6", 4 + 13 + 8, 0]);
      expect(await readTexts(log)).toHaveLength(7);
      await fill(log, 2);
      const calls: (string | undefined)[] = [];
      const chunked = await log.compact({
        ...{ keepLast: 1, chunkEntries: 2 },
        summarize: (entries, previous) => {
          calls.push(previous);
          return { text: joined(entries, previous), role: "assistant", speaker: "the summarizer" };
        },
      });
      expect(chunked).toMatchObject({ kind: "compacted", entries: 3, summary: { covers: 8_000 } });
      expect(calls).toEqual(["[t1 t2 t3 t4]", "[t1 t2 t3 t4][t5 t6]"]);
      const window = await log.window({ tokens: 1_000, countTokens });
      expect(textsOf(window.entries).map((text) => text.trim())).toEqual(["t2", "[t1 t2 t3 t4][t5 t6][t1]", "t2"]);
      expect(window.summary).toMatchObject({ kind: "summary", role: "assistant", covers: 8_000 });
      expect(await log.compact({ keepLast: 1, summarize: joined })).toEqual({ kind: "nothing" });
      expect(await log.compact({ upTo: 7_000, summarize: joined })).toEqual({ kind: "nothing" });
      expect(await log.compact({ upTo: 9_000, summarize: joined })).toMatchObject({ entries: 1 });
      expect(await logOn(opened.stores, { session: "empty" }).compact({ keepLast: 0, summarize: joined })).toEqual({
        kind: "nothing",
      });
    });

    test("C1: a summary that cannot be made changes nothing", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 4);
      await log.compact({ keepLast: 2, summarize: joined });
      await fill(log, 4);
      const before = [await opened.stores.entries.list(">"), await briefOf(log, 100)];
      const fails = async (summarize: () => string) => {
        await expect(log.compact({ keepLast: 1, chunkEntries: 2, summarize })).rejects.toThrow();
        expect([await opened.stores.entries.list(">"), await briefOf(log, 100)]).toEqual(before);
      };
      let calls = 0;
      await fails(() => {
        calls += 1;
        if (calls === 2) throw new Error("the model is away");
        return "half";
      });
      await fails(() => 7 as never);
      const stopped = log.compact({ keepLast: 1, summarize: joined, signal: AbortSignal.abort() });
      await expect(stopped).rejects.toThrow();
      for (const bad of [
        { summarize: joined },
        { summarize: joined, keepLast: 1, upTo: 1 },
        { keepLast: -1, summarize: joined },
        { keepLast: 1 },
      ]) {
        expect(await codeOf(log.compact(bad as never))).toBe("OPTION_INVALID");
      }
    });

    test("C2: of two that summarize at once one wins and the other is told so; appends go on meanwhile", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 6);
      const others = await Promise.all([1, 2].map(async () => logOn(await opened.openAnother())));
      const [isReady, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let running = 0;
      const summarize = async (entries: readonly Entry[], previous: string | undefined) => {
        running += 1;
        if (running === 2) isReady.resolve();
        await held.promise;
        return joined(entries, previous);
      };
      const work = others.map((other) => other.compact({ keepLast: 2, summarize }));
      await isReady.promise;
      await log.append({ text: "news" });
      held.resolve();
      const outcomes = await Promise.all(work);
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["compacted", "superseded"]);
      const won = outcomes.find((outcome) => outcome.kind === "compacted");
      const lost = outcomes.find((outcome) => outcome.kind === "superseded");
      expect(lost).toEqual({ kind: "superseded", standing: won?.kind === "compacted" ? won.summary : undefined });
      expect(await briefOf(log, 1_000)).toEqual(["[t1 t2 t3 t4] t5 t6 news", 13 + 12, 0]);
    });

    test("C2: also when both have looked before either has written", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 6);
      let isLost = false;
      const entries = tapped(opened.stores.entries, async (method) => {
        if (isLost || method !== "transact") return;
        isLost = true;
        await log.compact({ keepLast: 1, summarize: () => "the other's" });
      });
      const outcome = await logOn({ ...opened.stores, entries }).compact({ keepLast: 2, summarize: () => "mine" });
      expect(outcome).toMatchObject({ kind: "superseded", standing: { covers: 5_000 } });
      expect((await log.window({ tokens: 100, countTokens })).summary?.text).toBe("the other's");
    });
  });
}
