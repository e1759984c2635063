// The contract of a context log, part 4: forks (F1, F2 of `log-fork.ts`).

import { describe, expect, test } from "vitest";
import type { ContextLog } from "../../src/memory/context-log.ts";
import type { Entry } from "../../src/memory/entry.ts";
import { readHead } from "../../src/memory/head.ts";
import { codeOf, logOn, readTexts, session, tapped } from "./log-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

async function fill(log: ContextLog, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await log.append({ text: `t${n}` });
}

const joined = (entries: readonly Entry[]): string => entries.map(({ text }) => text).join(" ");
const [branch, twig] = [{ session: "branch" }, { session: "twig" }];

export function logForkContract(name: string, open: OpenMemory): void {
  describe(`${name}: forks of a log`, () => {
    test("a fork shares what lies up to its entry, copies nothing, and both go their own ways", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 3);
      await log.append([{ text: "t4" }, { text: "t5" }]);
      await log.pin(1_000);
      await log.compact({ upTo: 2_000, summarize: joined });
      const keys = await opened.stores.entries.list(">");
      await log.fork(branch, { at: 4_000 });
      await log.fork(twig);
      expect((await opened.stores.entries.list("session.>")).filter((key) => key.includes(".log."))).toHaveLength(2);
      expect(await opened.stores.entries.list("user.>")).toEqual(keys);
      const [fork, whole] = [logOn(opened.stores, branch), logOn(opened.stores, twig)];
      await Promise.all([log.append({ text: "main" }), fork.append({ text: "fork" }), whole.append({ text: "twig" })]);
      expect(await readTexts(fork)).toEqual(["t1", "t2", "t3", "t4", "fork"]);
      expect(await readTexts(whole)).toEqual(["t1", "t2", "t3", "t4", "t5", "t1 t2", "twig"]);
      expect(await readTexts(log)).toEqual(["t1", "t2", "t3", "t4", "t5", "t1 t2", "main"]);
      expect(await fork.get(4_000)).toMatchObject({ text: "t4", scope: session });
      expect(await fork.get(4_001)).toBeUndefined();
      expect((await fork.read({ order: "newest", limit: 2 }).toArray()).map(({ text }) => text)).toEqual([
        "fork",
        "t4",
      ]);
      const windows = await Promise.all([fork, whole].map((one) => one.window({ tokens: 1_000 })));
      expect(windows.map((window) => window.summary?.text)).toEqual([undefined, "t1 t2"]);
      expect(windows[1]?.entries.map(({ text }) => text)).toEqual(["t1", "t1 t2", "t3", "t4", "t5", "twig"]);
      expect((await readHead(opened.stores.entries, session)).head.forks).toEqual(["session.branch", "session.twig"]);
    });

    test("a fork of a fork reads through both; ids of the shared part are known", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await log.append([
        { text: "a", id: "a" },
        { text: "b", id: "b" },
      ]);
      await log.fork(branch);
      const fork = logOn(opened.stores, branch);
      await fork.append({ text: "c", id: "c" });
      await fork.fork(twig, { at: 1_000 });
      await fork.fork({ session: "leaf" });
      const [short, long] = [logOn(opened.stores, twig), logOn(opened.stores, { session: "leaf" })];
      await short.append({ text: "d" });
      await long.append([{ text: "b again", id: "b" }, { text: "c again", id: "c" }, { text: "e" }]);
      expect(await readTexts(short)).toEqual(["a", "d"]);
      expect(await readTexts(long)).toEqual(["a", "b", "c", "e"]);
    });

    test("a fork may be made again, and of nothing; not into what has entries, is a fork, or is itself", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await log.fork(twig);
      await fill(log, 3);
      await log.fork(branch, { at: 2_000 });
      await logOn(opened.stores, branch).append({ text: "mine" });
      await log.fork(branch, { at: 2_000 });
      expect(await readTexts(logOn(opened.stores, branch))).toEqual(["t1", "t2", "mine"]);
      await logOn(opened.stores, { session: "full" }).append({ text: "x" });
      for (const [scope, at] of [
        [branch, 1_000],
        [{ session: "full" }, 1_000],
        [session, 1_000],
        [{ session: "n" }, 3_001],
        [{ session: "n" }, -1],
      ] as const) {
        expect(await codeOf(log.fork(scope, { at })), JSON.stringify([scope, at])).toBe("OPTION_INVALID");
      }
      expect(await readTexts(logOn(opened.stores, twig))).toEqual([]);
      let leaf = logOn(opened.stores, branch);
      for (let depth = 2; depth <= 32; depth += 1) {
        await leaf.fork({ session: `deep-${depth}` });
        leaf = logOn(opened.stores, { session: `deep-${depth}` });
      }
      expect(await codeOf(leaf.fork({ session: "deeper" }))).toBe("OPTION_INVALID");
      expect(await readTexts(leaf)).toEqual(["t1", "t2", "mine"]);
    });

    test("F3: what is appended to a fork of a log that was truncated is read", async () => {
      await using opened = await open();
      const log = logOn(opened.stores);
      await fill(log, 4);
      await log.truncate({ before: 9_000 });
      await log.fork(branch);
      const fork = logOn(opened.stores, branch);
      await fork.append({ text: "fork" });
      expect(await readTexts(fork)).toEqual(["fork"]);
      expect(await readTexts(logOn(opened.stores, branch))).toEqual(["fork"]);
    });

    test("F1: a fork that is cut short has been registered; making it again finishes it", async () => {
      await using opened = await open();
      await fill(logOn(opened.stores), 3);
      const dying = tapped(opened.stores.entries, (method) => {
        if (method === "transact") throw new Error("killed");
      });
      await expect(logOn({ ...opened.stores, entries: dying }).fork(branch)).rejects.toThrow("killed");
      expect((await readHead(opened.stores.entries, session)).head.forks).toEqual(["session.branch"]);
      await logOn(opened.stores).fork(branch);
      expect(await readTexts(logOn(opened.stores, branch))).toEqual(["t1", "t2", "t3"]);
    });

    test("F2: a writer in flight while its scope becomes a fork loses nothing", async () => {
      await using opened = await open();
      await fill(logOn(opened.stores), 3);
      let isForked = false;
      const entries = tapped(opened.stores.entries, async (method) => {
        if (method !== "create" || isForked) return;
        isForked = true;
        await logOn(opened.stores).fork(branch);
      });
      const writer = logOn({ ...opened.stores, entries }, branch);
      await writer.append({ text: "mine" });
      expect(await readTexts(writer)).toEqual(["t1", "t2", "t3", "mine"]);
    });

    test("F2: a fork into a scope that gets an entry at this very moment is refused, and the entry stands", async () => {
      await using opened = await open();
      await fill(logOn(opened.stores), 3);
      const writer = logOn(await opened.openAnother(), branch);
      const entries = tapped(opened.stores.entries, async (method) => {
        if (method === "transact") await writer.append({ text: "mine", id: "once" });
      });
      expect(await codeOf(logOn({ ...opened.stores, entries }).fork(branch))).toBe("OPTION_INVALID");
      expect(await readTexts(logOn(opened.stores, branch))).toEqual(["mine"]);
    });
  });
}
