// The contract of facts, part 1: writing and reading them (src/memory/facts.ts, fact-writer.ts; laws F1 to F4).

import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Json } from "../../src/core/codec.ts";
import { decodeText, encodeText } from "../../src/core/codec.ts";
import { Facts, type FactsOptions } from "../../src/memory/facts.ts";
import { changeHead } from "../../src/memory/head.ts";
import { factKey, headKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { type OpenMemory, ShiftedClock } from "./memory-stores-support.ts";

const anna = { user: "anna" };

const factsOf = (stores: MemoryStores, options?: FactsOptions): Facts =>
  new Facts({ stores, scope: anna, ...(options === undefined ? {} : { options }) });

const presentValue = async (facts: Facts, name: string): Promise<Json | undefined> => (await facts.get(name))?.value;

const code = (expected: string) => expect.objectContaining({ code: expected });

export function memoryFactsContract(name: string, open: OpenMemory): void {
  describe(`${name}: facts`, () => {
    test("what is set is there, with where it comes from, readable as it lies in the store", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      expect(await facts.get("likes")).toBeUndefined();
      const trace = "0af7651916cd43dd8448eb211c80319c";
      const outcome = await facts.set("likes", ["tea"], { by: "support/s1", cause: "m1", trace, validFromMs: 1_000 });
      if (outcome.kind !== "written") throw new Error(outcome.kind);
      const fact = await facts.get("likes");
      expect(fact).toMatchObject({ scope: anna, name: "likes", value: ["tea"], by: "support/s1", cause: "m1", trace });
      expect(fact).toMatchObject({ key: "user.anna.fact.likes", revision: outcome.revision, validFromMs: 1_000 });
      const stored = decodeText((await opened.stores.facts.get("user.anna.fact.likes"))?.value ?? new Uint8Array());
      expect(stored).toMatch(/^\{"value":\["tea"\],"from":1000,"by":"support\/s1","cause":"m1",.*"id":"\w{10}"\}$/);
      expect(await new Facts({ stores: opened.stores, scope: { user: "bert" } }).get("likes")).toBeUndefined();
    });

    test("a change that its writer has numbered is made once, whoever has written since", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const add = (writer: string, number: number) =>
        facts.merge("n", 1, { policy: "sum", writeId: `${writer}:${number}`, numbered: { writer, number } });
      await add("a.x", 1);
      for (let number = 1; number <= 20; number += 1) await add("a.y", number);
      expect(await add("a.x", 1)).toMatchObject({ kind: "duplicate" });
      expect(await presentValue(facts, "n")).toBe(21);
      await add("a.x", 2);
      expect(await presentValue(facts, "n")).toBe(22);
    });

    test("values of every form, and names of any characters, come back as they were", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const values: Json[] = [
        null,
        0,
        "",
        false,
        [],
        {},
        "émoji 🙂 \n ~",
        { a: [1, { b: null }] },
        "x".repeat(200_000),
      ];
      const names = ["a", "A b.c", "*", ">", "naïve 🙂", "=2A", "x".repeat(100), "log.00000001", "__proto__"];
      for (const [at, value] of values.entries()) await facts.set(names[at] ?? "", value);
      expect([...(await facts.getMany([...names, "none", "a"]))].map(([key, fact]) => [key, fact.value])).toEqual(
        names.map((each, at) => [each, values[at]]),
      );
      expect((await facts.list()).facts.map((fact) => fact.name)).toEqual(names.toSorted());
    });

    test("what is no name, no value or no option is refused at the door and changes nothing", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      await facts.set("a", 1);
      const refused: (() => Promise<unknown>)[] = [
        () => facts.set("", 1),
        () => facts.get("x".repeat(300)),
        () => facts.set("a", undefined as unknown as Json),
        () => facts.set("a", (() => 1) as unknown as Json),
        () => facts.set("a", 1n as unknown as Json),
        () => facts.set("a", Promise.resolve(2) as unknown as Json),
        () => facts.set("a", 2, { ttlMs: 0 }),
        () => facts.set("a", 2, { validFromMs: 2, validUntilMs: 1 }),
        () => facts.set("a", 2, { by: "" }),
        () => facts.set("a", 2, { trace: "no" }),
        () => facts.set("a", 2, { expected: -1 }),
        () => facts.set("a", 2, { era: 0.5 }),
        () => facts.set("a", 2, { writeId: "" }),
        () => facts.delete("a", { expected: 1.5 }),
        () => facts.merge("a", undefined as unknown as Json),
        () => facts.at("a", { revision: -1 }),
        () => facts.heldAt("a", Number.NaN),
      ];
      for (const each of refused) await expect(each(), String(each)).rejects.toEqual(code("FACT_INVALID"));
      await expect(facts.set("a", "x".repeat(1_100_000))).rejects.toEqual(code("PAYLOAD_TOO_LARGE"));
      await expect(facts.list({ limit: 0 })).rejects.toEqual(code("OPTION_INVALID"));
      await expect(facts.merge("a", 1, { policy: "most" as "sum" })).rejects.toEqual(code("OPTION_INVALID"));
      expect(await facts.history("a")).toHaveLength(1);
    });

    test("with `expected` a write counts only on that revision, and says what stands otherwise", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const first = await facts.set("a", 1, { expected: 0 });
      expect(first.kind).toBe("written");
      const stands = { kind: "conflict", revision: first.revision };
      expect(await facts.set("a", 2, { expected: 0 })).toEqual(stands);
      expect(await facts.set("a", 2, { expected: first.revision + 1 })).toEqual(stands);
      expect(await facts.update("a", () => 2, { expected: 0 })).toEqual(stands);
      expect(await facts.delete("a", { expected: 0 })).toEqual(stands);
      expect(await facts.set("none", 2, { expected: first.revision })).toEqual({ kind: "conflict", revision: 0 });
      expect(await facts.delete("none", { expected: 7 })).toEqual({ kind: "conflict", revision: 0 });
      expect(await presentValue(facts, "a")).toBe(1);
      const second = await facts.set("a", 2, { expected: first.revision });
      expect(await facts.delete("a", { expected: second.revision })).toMatchObject({ kind: "written" });
      const [, , deleted] = await facts.history("a");
      expect(deleted?.fact).toBeUndefined();
      expect(await facts.set("a", 3, { expected: second.revision })).toEqual({ kind: "conflict", revision: 0 });
      expect(await facts.set("a", 3, { expected: deleted?.revision ?? 0 })).toMatchObject({ kind: "written" });
    });

    test("`update` gets what stands and writes what it is made into; what is the same is not written again", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const seen: (Json | undefined)[] = [];
      const add = async (present: Json | undefined) => {
        seen.push(present);
        return { n: ((present as { n: number } | undefined)?.n ?? 0) + 1 };
      };
      await facts.update("a", add);
      const { revision } = await facts.update("a", add);
      expect(seen).toEqual([undefined, { n: 1 }]);
      const unchanged = { kind: "unchanged", revision, value: { n: 2 } };
      expect(await facts.update("a", () => undefined)).toEqual(unchanged);
      expect(await facts.update("a", () => ({ n: 2 }))).toEqual(unchanged);
      expect(await facts.update("none", () => undefined)).toEqual({ kind: "unchanged", revision: 0, value: undefined });
      const changeInPlace = (present: Json | undefined) => Object.assign(present as object, { n: 3 });
      expect(await facts.update("a", changeInPlace)).toMatchObject({ kind: "written", value: { n: 3 } });
      expect(await facts.update("a", () => ({ n: 3 }), { ttlMs: 60_000 })).toMatchObject({ kind: "written" });
      const failing = facts.update("a", () => {
        throw new RangeError("not today");
      });
      await expect(failing).rejects.toThrow(new RangeError("not today"));
      expect(await presentValue(facts, "a")).toEqual({ n: 3 });
    });

    test("`merge` goes by the policy of the name, or the one given; what does not fit changes nothing", async () => {
      await using opened = await open();
      const policies = { visits: "sum", tags: { kind: "union", itemsMax: 3 }, "*": "append" } as const;
      const facts = factsOf(opened.stores, { policies });
      for (const value of [2, 3]) await facts.merge("visits", value);
      for (const value of ["a", ["b", "a"], { c: 1 }, { c: 1 }]) await facts.merge("tags", value);
      for (const value of [1, [2, 3], [[4]]]) await facts.merge("others", value);
      await facts.merge("best", 7, { policy: "max" });
      expect((await facts.merge("best", 5, { policy: "max" })).kind).toBe("unchanged");
      await facts.merge("own", "b", { policy: (present, value) => `${present ?? "a"}${value}` });
      const all = await facts.getMany(["visits", "tags", "others", "best", "own"]);
      expect([...all.values()].map(({ value }) => value)).toEqual([5, ["a", "b", { c: 1 }], [1, 2, 3, [4]], 7, "ab"]);
      for (const [fact, value] of [
        ["visits", "x"],
        ["tags", "d"],
        ["best", null],
      ] as const) {
        const policy = fact === "best" ? { policy: "min" as const } : {};
        await expect(facts.merge(fact, value, policy)).rejects.toEqual(code("FACT_INVALID"));
      }
      await expect(facts.merge("visits", ["x"], { policy: "union" })).rejects.toEqual(code("FACT_INVALID"));
      expect(await facts.history("visits")).toHaveLength(2);
    });

    test("what is deleted is absent and can be set again; a deletion says who made it when it was told", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      await facts.set("a", 1);
      await facts.delete("a");
      expect(await facts.delete("a")).toEqual({ kind: "unchanged", revision: 0, value: undefined });
      expect(await facts.delete("never")).toEqual({ kind: "unchanged", revision: 0, value: undefined });
      expect([await facts.get("a"), (await facts.list()).facts, (await facts.getMany(["a"])).size]).toEqual([
        undefined,
        [],
        0,
      ]);
      expect(await facts.merge("a", 5, { policy: "sum" })).toMatchObject({ kind: "written", value: 5 });
      await facts.delete("a", { by: "anna", cause: "m7" });
      expect([await facts.get("a"), (await facts.list()).facts]).toEqual([undefined, []]);
      const versions = await facts.history("a");
      expect(versions.map(({ fact }) => fact?.value)).toEqual([1, undefined, 5, undefined]);
      expect(versions.at(-1)?.deletion).toMatchObject({ by: "anna", cause: "m7" });
      expect(await facts.set("a", 6, { expected: 0 })).toMatchObject({ kind: "written" });
    });

    test("what has expired is absent for every reader, and for whoever writes (F4)", async () => {
      await using opened = await open();
      const clock = new ShiftedClock();
      const facts = factsOf({ ...opened.stores, clock });
      const { revision } = await facts.set("a", 1, { ttlMs: 60_000 });
      await facts.set("b", 1);
      expect(await presentValue(facts, "a")).toBe(1);
      const wasThere = clock.now();
      clock.aheadMs = 60_001;
      expect(await facts.get("a")).toBeUndefined();
      expect([...(await facts.getMany(["a", "b"])).keys()]).toEqual(["b"]);
      expect((await facts.list({ limit: 1 })).facts.map((fact) => fact.name)).toEqual(["b"]);
      expect(await facts.heldAt("a", wasThere)).toBeUndefined();
      expect(await facts.heldAt("a", wasThere, { asOf: { timeMs: wasThere } })).toMatchObject({ value: 1 });
      expect([await facts.at("a", { timeMs: clock.now() }), await facts.at("a", { timeMs: wasThere })]).toMatchObject([
        undefined,
        { value: 1 },
      ]);
      expect(await facts.delete("a")).toMatchObject({ kind: "unchanged" });
      expect(await facts.set("a", 2, { expected: revision + 9 })).toEqual({ kind: "conflict", revision: 0 });
      expect(await facts.merge("a", 10, { policy: "sum" })).toMatchObject({ kind: "written", value: 10 });
      await facts.set("a", 1, { ttlMs: 60_000 });
      clock.aheadMs += 60_001;
      expect(await facts.set("a", 3, { expected: 0 })).toMatchObject({ kind: "written" });
    });

    test("a write whose id stands in the history is not made again, also after others and after its deletion", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const first = await facts.merge("a", 5, { policy: "sum", writeId: "bot.b1:1" });
      const again = { kind: "duplicate", revision: first.revision };
      expect(await facts.merge("a", 5, { policy: "sum", writeId: "bot.b1:1" })).toEqual(again);
      await facts.merge("a", 2, { policy: "sum" });
      expect(await facts.merge("a", 5, { policy: "sum", writeId: "bot.b1:1" })).toEqual(again);
      expect(await facts.set("a", 7, { writeId: "bot.b1:2" })).toMatchObject({ kind: "written" });
      const deletion = await facts.delete("a", { writeId: "bot.b1:3" });
      expect(deletion.kind).toBe("written");
      expect(await facts.set("a", 7, { writeId: "bot.b1:2" })).toMatchObject({ kind: "duplicate" });
      expect(await facts.get("a")).toBeUndefined();
      await facts.set("a", 8);
      expect(await facts.delete("a", { writeId: "bot.b1:3" })).toEqual({
        kind: "duplicate",
        revision: deletion.revision,
      });
      expect(await presentValue(facts, "a")).toBe(8);
    });

    test("pages are sorted by name, hold a prefix's facts once each, and end", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const names = Array.from({ length: 25 }, (_, at) => `pref.${at % 2 === 0 ? "é" : "e"} ${at}`);
      await Promise.all([...names, "other", "zz"].map((each) => facts.set(each, each)));
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await facts.list({ prefix: "pref.", limit: 7, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.facts.length).toBeLessThanOrEqual(7);
        found.push(...page.facts.map((fact) => fact.name));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(found).toEqual(names.toSorted());
    });

    test("400 facts that are made at once are all made, however they are written", async () => {
      await using opened = await open();
      const facts = factsOf(opened.stores);
      const make = (at: number) =>
        at % 2 === 0 ? facts.set(`f${at}`, at) : facts.merge(`f${at}`, at, { policy: "sum" });
      const outcomes = await Promise.all(Array.from({ length: 400 }, (_, at) => make(at)));
      expect(outcomes.filter(({ kind }) => kind !== "written")).toEqual([]);
      expect((await facts.list({ limit: 500 })).facts).toHaveLength(400);
    });
  });
  describe(`${name}: facts and their form`, () => {
    test("a schema is held to before a write, and for what is read", async () => {
      await using opened = await open();
      const profile = z.object({ age: z.number().int(), name: z.string().default("?") });
      const facts = factsOf(opened.stores, { schemas: { profile, "*": z.number() } });
      const refusal = expect.objectContaining({
        code: "FACT_INVALID",
        data: { issues: [expect.objectContaining({ path: "age" })] },
      });
      await expect(facts.set("profile", { age: "x" })).rejects.toEqual(refusal);
      await expect(facts.set("other", "x")).rejects.toEqual(code("FACT_INVALID"));
      expect(await opened.stores.facts.list(">")).toEqual([]);
      expect(await facts.set("profile", { age: 4 })).toMatchObject({ value: { age: 4, name: "?" } });
      await expect(facts.update("profile", () => ({ age: 0.5 }))).rejects.toEqual(refusal);
      const unbound = factsOf(opened.stores);
      await unbound.set("profile", { age: "old" });
      await expect(facts.get("profile")).rejects.toEqual(refusal);
      await expect(facts.update("profile", () => ({ age: 5 }))).rejects.toEqual(refusal);
      expect(await facts.set("profile", { age: 5 })).toMatchObject({ kind: "written" });
      expect((await facts.history("profile")).map(({ fact }) => fact?.value)).toHaveLength(3);
    });

    test("old values are led to today's number when they are read; newer ones and unreadable ones are refused", async () => {
      await using opened = await open();
      const { stores } = opened;
      await factsOf(stores).set("a", 1);
      const upcasters = { 1: (old: number) => ({ n: old }), 2: ({ n }: { n: number }) => ({ count: n }) };
      const today = factsOf(stores, { version: 3, upcasters });
      expect(await today.get("a")).toMatchObject({ value: { count: 1 }, schema: 3 });
      expect(await today.update("a", (present) => ({ ...(present as object), more: true }))).toMatchObject({
        value: { count: 1, more: true },
      });
      expect((await today.history("a")).map(({ fact }) => fact?.value)).toEqual([
        { count: 1 },
        { count: 1, more: true },
      ]);
      await expect(factsOf(stores).get("a")).rejects.toEqual(code("STATE_TOO_NEW"));
      await factsOf(stores).set("b", 1);
      await expect(factsOf(stores, { version: 3, upcasters: { 2: upcasters[2] } }).get("b")).rejects.toEqual(
        code("STATE_TOO_OLD"),
      );
      expect(() => factsOf(stores, { version: 0 })).toThrow(code("OPTION_INVALID"));
      expect(() => factsOf(stores, { upcasters: { 1: (old: number) => old } })).toThrow(code("OPTION_INVALID"));
      await stores.facts.put(factKey(anna, "c"), encodeText("no fact"));
      await expect(today.get("c")).rejects.toEqual(code("MEMORY_UNREADABLE"));
    });
  });

  describe(`${name}: facts and erasure`, () => {
    const erase = async ({ facts, clock }: MemoryStores, purge: readonly string[]) => {
      const erasing = { id: "e1", atMs: 1 };
      const begin = await changeHead(facts, anna, clock, (head) => ({ ...head, era: head.era + 1, erasing }));
      for (const fact of purge) await facts.delete(factKey(anna, fact));
      return () => changeHead(facts, anna, clock, (head) => ({ ...head, era: begin.head.era, erasing: undefined }));
    };

    test("what was formed before an erasure is refused and does not land, whether it is new or stands (F1, F2)", async () => {
      await using opened = await open();
      const { stores } = opened;
      const writes: [string, (facts: Facts, era: { era?: number }) => Promise<unknown>][] = [
        ["set", (facts, era) => facts.set("set", 1, era)],
        ["expected", (facts, era) => facts.set("expected", 1, { expected: 0, ...era })],
        ["merge", (facts, era) => facts.merge("merge", 1, era)],
        ["stands", (facts, era) => facts.merge("stands", 1, era)],
        ["delete", (facts, era) => facts.delete("stands", era)],
      ];
      const old = await Promise.all(
        writes.map(async () => {
          const facts = factsOf(stores);
          expect(await facts.era()).toBe(1);
          return facts;
        }),
      );
      const idle = factsOf(stores);
      await idle.set("stands", "before");
      const end = await erase(stores, ["stands"]);
      for (const [what, write] of writes) {
        await expect(write(factsOf(stores), {}), what).rejects.toEqual(code("SCOPE_ERASED"));
      }
      await end();
      await factsOf(stores).set("stands", "new");
      for (const [at, [what, write]] of writes.entries()) {
        await expect(write(old[at] ?? factsOf(stores), {}), what).rejects.toEqual(code("SCOPE_ERASED"));
        await expect(write(factsOf(stores), { era: 1 }), what).rejects.toEqual(code("SCOPE_ERASED"));
      }
      expect(await stores.facts.list(">")).toEqual([factKey(anna, "stands"), headKey(anna)].toSorted());
      expect(await presentValue(factsOf(stores), "stands")).toBe("new");
      expect(await old[0]?.set("set", 2), "formed anew").toMatchObject({ kind: "written" });
      expect(await idle.set("stands", 3, { era: 2 }), "formed in the era that stands").toMatchObject({
        kind: "written",
      });
      await expect(idle.set("stands", 4), "formed in the era that it knows").rejects.toEqual(code("SCOPE_ERASED"));
    });

    test("an erasure that comes between what a writer reads and what it writes keeps it out (F1, F2)", async () => {
      await using opened = await open();
      const { stores } = opened;
      await factsOf(stores).set("stands", 1);
      for (const fact of ["stands", "new"]) {
        const began = Promise.withResolvers<void>();
        const erased = Promise.withResolvers<void>();
        const writing = factsOf(stores).update(fact, async () => {
          began.resolve();
          await erased.promise;
          return "from before";
        });
        await began.promise;
        await (await erase(stores, ["stands"]))();
        erased.resolve();
        await expect(writing).rejects.toEqual(code("SCOPE_ERASED"));
        expect(await presentValue(factsOf(stores), fact)).toBeUndefined();
      }
    });

    test("a head that changes without an erasure keeps nobody from writing", async () => {
      await using opened = await open();
      const { facts, clock } = opened.stores;
      const mine = factsOf(opened.stores);
      for (const entriesMax of [1, 2, 3]) {
        await changeHead(facts, anna, clock, (head) => ({ ...head, retention: { entriesMax } }));
        expect(await mine.set("a", entriesMax)).toMatchObject({ kind: "written" });
        expect(await mine.set("b", entriesMax, { writeId: `w${entriesMax}` })).toMatchObject({ kind: "written" });
      }
    });
  });
}
