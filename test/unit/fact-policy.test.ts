// How values are brought together (src/memory/fact-policy.ts).

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../../src/core/codec.ts";
import { type MergePolicy, mergeValues } from "../../src/memory/fact-policy.ts";

const fold = (policy: MergePolicy, values: readonly Json[]): Json | undefined =>
  values.reduce<Json | undefined>((present, value) => mergeValues(policy, present, value) as Json, undefined);

const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
const number = fc.integer({ min: -1_000_000, max: 1_000_000 });

/** The list and the same in another order. */
const shuffled = <Value>(value: fc.Arbitrary<Value>) =>
  fc
    .array(value, { minLength: 1, maxLength: 12 })
    .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));

test("sum, max and min come to the same in any order (P1)", () => {
  for (const policy of ["sum", "max", "min"] as const) {
    fc.assert(
      fc.property(shuffled(number), ([list, other]) => {
        expect(fold(policy, list)).toBe(fold(policy, other));
      }),
    );
  }
  fc.assert(
    fc.property(fc.array(number, { minLength: 1 }), (list) => {
      expect(fold("sum", list)).toBe(list.reduce((a, b) => a + b));
      expect([fold("max", list), fold("min", list)]).toEqual([Math.max(...list), Math.min(...list)]);
    }),
  );
});

/** Objects with their keys in order, so that equal ones have one text. */
const textOf = (value: Json): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part) && !("members" in part)
      ? { members: Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)) }
      : part,
  );
const textsOf = (value: Json | undefined): readonly string[] => (value as readonly Json[]).map(textOf);

test("a union holds each element once, in the order in which they came; in any order it is the same set (P1)", () => {
  const elements = fc.oneof(
    json,
    fc.array(json, { maxLength: 3 }),
    fc.constant({ a: 1, b: 2 }),
    fc.constant({ b: 2, a: 1 }),
  );
  fc.assert(
    fc.property(shuffled(elements), ([list, other]) => {
      const texts = textsOf(fold("union", list));
      const all = list.flatMap((value) => (Array.isArray(value) ? (value as Json[]) : [value])).map(textOf);
      expect(texts).toEqual([...new Set(all)]);
      expect(textsOf(fold("union", other)).toSorted()).toEqual(texts.toSorted());
    }),
  );
});

test("a list that is appended to keeps its newest elements, in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(number, { maxLength: 5 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      (lists, itemsMax) => {
        expect(fold({ kind: "append", itemsMax }, lists)).toEqual(lists.flat().slice(-itemsMax));
      },
    ),
  );
});

test("what does not fit is refused, a full union too; nothing goes missing in silence (P2)", () => {
  const refusals: [MergePolicy, Json | undefined, Json][] = [
    ["sum", "1", 1],
    ["sum", 1, "1"],
    ["sum", Number.MAX_VALUE, Number.MAX_VALUE],
    ["max", undefined, null],
    ["max", [1], 1],
    ["min", undefined, "a"],
    ["union", { a: 1 }, 1],
    ["append", "a", "b"],
    [{ kind: "union", itemsMax: 2 }, [1, 2], 3],
  ];
  for (const [policy, present, value] of refusals) {
    expect(() => mergeValues(policy, present, value), JSON.stringify([policy, present, value])).toThrow(
      expect.objectContaining({ code: "FACT_INVALID" }),
    );
  }
  expect(mergeValues({ kind: "union", itemsMax: 2 }, [1, 2], [2, 1])).toEqual([1, 2]);
});
