// The contract of retention: laws N1 to N4 of src/memory/retention*.ts, on every store.

import { describe, expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { Facts } from "../../src/memory/facts.ts";
import { readHead } from "../../src/memory/head.ts";
import { recordKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { applyRetention } from "../../src/memory/retention.ts";
import { planRetention } from "../../src/memory/retention-plan.ts";
import { setRetention } from "../../src/memory/retention-policy.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { keysWith, thrownBy } from "./erasure-support.ts";
import type { OpenMemory } from "./memory-stores-support.ts";

const session: Scope = { user: "anna", session: "s1" };

/** `count` entries, t1 to tN, each said an hour after the one before, the last one now; `perRecord` together. */
async function fill(stores: MemoryStores, count: number, perRecord = 1, scope = session) {
  const log = new ContextLog({ stores, scope });
  const now = stores.clock.now();
  for (let n = 1; n <= count; n += perRecord) {
    await log.append(
      Array.from({ length: Math.min(perRecord, count - n + 1) }, (_, at) => ({
        text: `t${n + at}`,
        atMs: now - (count - n - at) * 3_600_000,
      })),
    );
  }
  return log;
}

async function textsOf(stores: MemoryStores, scope = session): Promise<string> {
  const entries = await new ContextLog({ stores, scope }).read().toArray();
  return entries.map(({ text }) => text).join(" ");
}

/** The store, and something that happens before one of its transactions. */
function beforeTransaction(store: KvStore, transaction: number, act: () => Promise<unknown>): KvStore {
  let count = 0;
  return new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        if (name === "transact") {
          count += 1;
          if (count === transaction) await act();
        }
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}

export function memoryRetentionContract(name: string, open: OpenMemory): void {
  describe(`${name}: retention`, () => {
    test("a plan says what would go and why, and changes nothing", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, 10);
      const hour = 3_600_000;
      const plan = await planRetention(stores, { policy: { entriesMax: 6, ageMsMax: 7 * hour + hour / 2 } });
      expect(plan.scopes).toEqual([
        expect.objectContaining({
          scope: session,
          entries: 4,
          reasons: { age: 2, entries: 4, bytes: 0 },
          from: 1_000,
          to: 4_000,
          staying: 6,
          spared: 0,
          forks: 0,
        }),
      ]);
      expect(plan.scopes[0]?.examples.map(({ text, reasons }) => [text, reasons])).toEqual([
        ["t1", ["age", "entries"]],
        ["t2", ["age", "entries"]],
        ["t3", ["entries"]],
      ]);
      expect(await textsOf(stores)).toBe("t1 t2 t3 t4 t5 t6 t7 t8 t9 t10");
      expect(JSON.parse(JSON.stringify(plan.scopes[0]?.cut))).toEqual({
        before: 4_001,
        upTo: 10_000,
        olderThanMs: plan.atMs - 7 * hour - hour / 2,
      });
    });

    test("what is applied is gone from the store, what stays keeps its position; a second time does nothing", async () => {
      await using memory = await open();
      const { stores } = memory;
      const log = await fill(stores, 10, 3);
      const plan = await planRetention(stores, { policy: { entriesMax: 5 } });
      expect(await applyRetention(stores, plan)).toEqual([
        { scope: session, skipped: undefined, entries: 5, records: 1, rewritten: 1, expiredFacts: 0, strays: 0 },
      ]);
      const entries = await new ContextLog({ stores, scope: session }).read().toArray();
      expect(entries.map(({ text, position }) => [text, position])).toEqual([
        ["t6", 2_002],
        ["t7", 3_000],
        ["t8", 3_001],
        ["t9", 3_002],
        ["t10", 4_000],
      ]);
      expect(await keysWith(stores, '"t3"')).toEqual([]);
      expect((await readHead(stores.entries, session)).head).toMatchObject({ first: 2, floor: 1 });
      expect(await applyRetention(stores, plan)).toEqual([
        expect.objectContaining({ entries: 0, records: 0, rewritten: 0 }),
      ]);
      expect((await planRetention(stores, { policy: { entriesMax: 5 } })).scopes).toEqual([]);
      await log.append({ text: "t11" });
      expect(await textsOf(stores)).toBe("t6 t7 t8 t9 t10 t11");
    });

    test("by bytes and by age; nothing of an empty policy, everything of a bound of 0", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, 6);
      expect((await planRetention(stores, { policy: {} })).scopes).toEqual([]);
      const some = await planRetention(stores, { policy: { bytesMax: 200 } });
      expect(some.scopes[0]?.reasons).toMatchObject({ age: 0, entries: 0, bytes: some.scopes[0]?.entries });
      await applyRetention(stores, some);
      expect(await textsOf(stores)).toBe("t3 t4 t5 t6");
      await applyRetention(stores, await planRetention(stores, { policy: { ageMsMax: 1_800_000 } }));
      expect(await textsOf(stores)).toBe("t6");
      await applyRetention(stores, await planRetention(stores, { policy: { entriesMax: 0 } }));
      expect(await textsOf(stores)).toBe("");
      await new ContextLog({ stores, scope: session }).append({ text: "goes on" });
      expect(await textsOf(stores)).toBe("goes on");
    });

    test("pinned entries and the summary in force stay (N1)", async () => {
      await using memory = await open();
      const { stores } = memory;
      const log = await fill(stores, 4);
      await log.pin(2_000);
      await log.compact({ keepLast: 1, summarize: () => "summary" });
      await log.append([{ text: "t6" }, { text: "t7" }]);
      const plan = await planRetention(stores, { policy: { entriesMax: 1 } });
      expect(plan.scopes[0]).toMatchObject({ entries: 4, spared: 2, staying: 3 });
      await applyRetention(stores, plan);
      expect(await textsOf(stores)).toBe("t2 summary t7");
      const { entries } = await new ContextLog({ stores, scope: session }).window({ tokens: 1_000 });
      expect(entries.map(({ text }) => text)).toEqual(["t2", "summary", "t7"]);
      expect((await readHead(stores.entries, session)).head).toMatchObject({ first: 2 });
    });

    test("what was appended, pinned or erased since the plan is heeded (N1 to N4)", async () => {
      await using memory = await open();
      const { stores } = memory;
      const log = await fill(stores, 6);
      const plan = await planRetention(stores, { policy: { entriesMax: 2 } });
      await log.append([{ text: "t7" }, { text: "t8" }]);
      const pinning = beforeTransaction(stores.entries, 1, () => log.pin(3_000));
      expect(await applyRetention({ ...stores, entries: pinning }, plan)).toEqual([
        expect.objectContaining({ entries: 3 }),
      ]);
      expect(await textsOf(stores)).toBe("t3 t5 t6 t7 t8");
      const next = await planRetention(stores, { policy: { entriesMax: 1 } });
      const far = await memory.openAnother();
      const erasing = beforeTransaction(stores.entries, 1, async () => {
        await eraseScope(far, session);
        await new ContextLog({ stores: far, scope: session }).append([{ text: "new1" }, { text: "new2" }]);
      });
      expect(await applyRetention({ ...stores, entries: erasing }, next)).toEqual([
        expect.objectContaining({ skipped: "erased", entries: 0 }),
      ]);
      expect(await textsOf(stores)).toBe("new1 new2");
    });

    test("appends go on while it is applied, and nothing of them is lost", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, 250);
      const far = await memory.openAnother();
      const log = new ContextLog({ stores: far, scope: session });
      // What is appended before the plan counts among the five that stay.
      const plan = await planRetention(stores, { policy: { entriesMax: 5 } });
      const appending = (async () => {
        for (let n = 1; n <= 20; n += 1) await log.append({ text: `during${n}`, pinned: n % 5 === 0 });
      })();
      await applyRetention(stores, plan);
      await appending;
      const texts = (await textsOf(stores)).split(" ");
      expect(texts.filter((text) => text.startsWith("during"))).toEqual(
        Array.from({ length: 20 }, (_, at) => `during${at + 1}`),
      );
      expect(texts).not.toContain("t240");
    });

    test("who was cut short leaves a whole log, and the plan can be applied again (N3)", async () => {
      await using memory = await open();
      const { stores } = memory;
      await fill(stores, 230);
      const plan = await planRetention(stores, { policy: { entriesMax: 10 } });
      const dying = beforeTransaction(stores.entries, 2, () => Promise.reject(new Error("killed")));
      await expect(applyRetention({ ...stores, entries: dying }, plan)).rejects.toThrow("killed");
      expect((await textsOf(stores)).split(" ")).toHaveLength(130);
      await applyRetention(stores, plan);
      expect((await textsOf(stores)).split(" ")).toHaveLength(10);
      expect(await keysWith(stores, '"t100"')).toEqual([]);
    });

    test("each scope has its own policy, or the first default that matches, or none", async () => {
      await using memory = await open();
      const { stores } = memory;
      const [own, defaulted, free]: Scope[] = [session, { user: "anna", session: "s2" }, { user: "ben" }];
      for (const scope of [own, defaulted, free]) await fill(stores, 4, 1, scope);
      await setRetention(stores, session, { entriesMax: 3 });
      const defaults = [{ pattern: { user: "*" }, under: true, policy: { entriesMax: 1 } }] as const;
      const plan = await planRetention(stores, { pattern: { user: "anna" }, under: true, defaults });
      expect(plan.scopes.map(({ scope, entries }) => [scope, entries])).toEqual([
        [own, 1],
        [defaulted, 3],
      ]);
      expect((await planRetention(stores, { pattern: session })).scopes).toHaveLength(1);
      await setRetention(stores, session, undefined);
      expect((await planRetention(stores)).scopes).toEqual([]);
      for (const policy of [{ entriesMax: -1 }, { ageMsMax: 0.5 }, { days: 3 } as object]) {
        expect(await thrownBy(setRetention(stores, session, policy))).toMatchObject({ code: "OPTION_INVALID" });
        expect(await thrownBy(planRetention(stores, { policy }))).toMatchObject({ code: "OPTION_INVALID" });
      }
    });

    test("expired facts go with their history, and those that were written again stay", async () => {
      await using memory = await open();
      let lateMs = 0;
      const clock = { ...memory.stores.clock, now: () => memory.stores.clock.now() + lateMs };
      const stores = { ...memory.stores, clock };
      const facts = new Facts({ stores, scope: session });
      for (const fact of ["mortal", "renewed"]) {
        await facts.set(fact, "before");
        await facts.set(fact, "secret", { ttlMs: 60_000 });
      }
      await facts.set("immortal", "x");
      lateMs = 120_000; // By this clock alone: the server takes nothing away meanwhile.
      const plan = await planRetention(stores, { pattern: session });
      expect(plan.scopes).toEqual([expect.objectContaining({ expiredFacts: 2, entries: 0 })]);
      await facts.set("renewed", "again");
      expect(await applyRetention(stores, plan)).toEqual([expect.objectContaining({ expiredFacts: 1 })]);
      expect(await stores.facts.history("user.anna.session.s1.fact.mortal")).toEqual([
        expect.objectContaining({ operation: "delete" }),
      ]);
      expect((await facts.get("renewed"))?.value).toBe("again");
      expect((await facts.get("immortal"))?.value).toBe("x");
    });

    test("records that something cut short has left before the first one go", async () => {
      await using memory = await open();
      const { stores } = memory;
      const log = await fill(stores, 5);
      await log.truncate({ before: 4_000 });
      await stores.entries.put(recordKey(session, 2), encodeText('{"text":"stray","id":"x"}'));
      const plan = await planRetention(stores, { pattern: session });
      expect(plan.scopes).toEqual([expect.objectContaining({ strays: 1, entries: 0 })]);
      expect(await applyRetention(stores, plan)).toEqual([expect.objectContaining({ strays: 1 })]);
      expect(await keysWith(stores, "stray")).toEqual([]);
      expect(await textsOf(stores)).toBe("t4 t5");
    });

    test("a fork's policy is for its own entries; what the parent lets go, the fork loses, as the plan says", async () => {
      await using memory = await open();
      const { stores } = memory;
      const log = await fill(stores, 4);
      const fork: Scope = { session: "fork" };
      await log.fork(fork);
      const forked = new ContextLog({ stores, scope: fork });
      for (const text of ["f1", "f2", "f3"]) await forked.append({ text });
      const ofFork = await planRetention(stores, { pattern: fork, policy: { entriesMax: 2 } });
      expect(ofFork.scopes[0]).toMatchObject({ entries: 1, staying: 2 });
      await applyRetention(stores, ofFork);
      expect(await textsOf(stores, fork)).toBe("t1 t2 t3 t4 f2 f3");
      const ofParent = await planRetention(stores, { pattern: session, policy: { entriesMax: 1 } });
      expect(ofParent.scopes[0]).toMatchObject({ entries: 3, forks: 1 });
      await applyRetention(stores, ofParent);
      expect(await textsOf(stores, fork)).toBe("t4 f2 f3");
      expect(await textsOf(stores)).toBe("t4");
    });
  });
}
