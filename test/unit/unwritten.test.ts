import fc from "fast-check";
import { expect, test } from "vitest";
import type { Fact } from "../../src/memory/fact.ts";
import { storedFact, toFact } from "../../src/memory/fact.ts";
import type { MemoryWrite, NamedWrite } from "../../src/memory/memory-write.ts";
import { unwrittenEntries, unwrittenFact, unwrittenNames } from "../../src/memory/unwritten.ts";

const scope = { shared: "x" };
const named = (writes: readonly MemoryWrite[]): readonly NamedWrite[] =>
  writes.map((write, at) => ({ id: `a.b:${at}`, write }));
const entry = (text: string, place = "shared.x"): MemoryWrite => ({ in: place, entry: { text, atMs: 5 } });

test("U1, U2: whatever the store has got of them by then, what was written is seen once and in order", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 12 }), fc.nat(12), fc.nat(3), (ours, got, seen) => {
      const writes = named(ours.map((isOurs, at) => entry(String(at), isOurs ? "shared.x" : "shared.other")));
      const mine = writes.filter((_, at) => ours[at] === true);
      const stored = mine.slice(0, got);
      // The reader has seen the newest of what is stored, not all of it.
      const shown = stored.slice(-(seen + 1)).map(({ id }) => id);
      const rest = unwrittenEntries("shared.x", writes, new Set(shown), 7_003);
      expect(rest.map(({ id }) => id)).toEqual(mine.slice(stored.length).map(({ id }) => id));
      expect(rest.every(({ position, revision, key }) => position >= 8_000 && revision === 0 && key === "")).toBe(true);
    }),
  );
});

test("a fact is what the writes that the store does not have yet make of what it has", async () => {
  const change = (kind: "set" | "merge", value: number): MemoryWrite => ({
    ...{ in: "shared.x", fact: "n" },
    change: kind === "set" ? { kind, value } : { kind, value, policy: "sum" as const },
  });
  const writes = named([change("set", 1), change("merge", 2), change("merge", 4), entry("between")]);
  const stands = (value: number, id: string): Fact =>
    toFact(storedFact(value, {}, id, 1, 0), { scope, name: "n", key: "k", revision: 3, writtenAtMs: 0 });
  const seen = async (fact: Fact | undefined, all = writes) =>
    (await unwrittenFact({ scope, text: "shared.x", name: "n" }, fact, all, 9))?.value;
  expect(await seen(undefined)).toBe(7);
  expect(await seen(stands(1, "a.b:0"))).toBe(7);
  expect(await seen(stands(3, "a.b:1"))).toBe(7);
  expect(await seen(stands(7, "a.b:2"))).toBe(7);
  const deleted = named([change("set", 1), { in: "shared.x", fact: "n", change: { kind: "delete" } }]);
  expect(await seen(stands(5, "other"), deleted)).toBeUndefined();
  // What does not fit will be refused, and changes nothing.
  const words: MemoryWrite = { in: "shared.x", fact: "n", change: { kind: "merge", value: "five", policy: "sum" } };
  expect(await seen(stands(5, "other"), named([words]))).toBe(5);
  expect(unwrittenNames("shared.x", writes)).toEqual(["n", "n", "n"]);
  expect(unwrittenNames("shared.y", writes)).toEqual([]);
});
