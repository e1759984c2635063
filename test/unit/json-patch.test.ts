import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../../src/core/codec.ts";
import type { JsonPatch } from "../../src/core/json-patch.ts";
import { diff } from "../../src/core/json-patch.ts";

type Mutable = { [key: string]: Mutable } | Mutable[] | null | boolean | number | string;

/** Applies a patch as RFC 6902 says. */
function apply(before: Json | undefined, patch: JsonPatch): Json | undefined {
  let root = before === undefined ? undefined : (structuredClone(before) as Mutable);
  for (const operation of patch) {
    const parts = operation.path.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = parts.pop() ?? "";
    const value = operation.op === "remove" ? undefined : (structuredClone(operation.value) as Mutable);
    if (operation.path === "") {
      if (operation.op !== "add" && root === undefined) throw new Error("nothing stands there");
      root = value;
      continue;
    }
    const holder = parts.slice(1).reduce<Mutable | undefined>((place, part) => memberOf(place, part), root);
    change(holder, last, operation.op, value);
  }
  return root as Json | undefined;
}

function memberOf(place: Mutable | undefined, part: string): Mutable | undefined {
  if (typeof place !== "object" || place === null || !Object.hasOwn(place, part)) throw new Error(`no ${part} there`);
  return Array.isArray(place) ? place[Number(part)] : place[part];
}

function change(holder: Mutable | undefined, name: string, op: string, value: Mutable | undefined): void {
  if (typeof holder !== "object" || holder === null) throw new Error("the path leads nowhere");
  if (Array.isArray(holder)) {
    const at = Number(name);
    if (!Number.isInteger(at) || at < 0 || at > holder.length - (op === "add" ? 0 : 1)) throw new Error(`no ${name}`);
    if (op === "remove") holder.splice(at, 1);
    else if (value !== undefined) holder.splice(at, op === "add" ? 0 : 1, value);
    return;
  }
  if (op !== "add" && !Object.hasOwn(holder, name)) throw new Error(`no ${name}`);
  if (op === "remove") delete holder[name];
  else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

const anyName = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("a/b", "~", "~1", "", "0", "__proto__"));
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, false, 0, 1, "", "a"),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(anyName, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

test("J1: applying the patch to what was before gives what is after", () => {
  fc.assert(
    fc.property(fc.option(anyJson, { nil: undefined }), fc.option(anyJson, { nil: undefined }), (before, after) => {
      expect(apply(before, diff(before, after))).toEqual(after);
      if (before !== undefined) expect(diff(before, structuredClone(before))).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

test("J1: holds for lists that share much, in which something moved, came or went", () => {
  const anyList = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 });
  fc.assert(
    fc.property(anyList, anyList, anyList, anyList, (head, before, after, tail) => {
      const [from, to] = [
        [...head, ...before, ...tail],
        [...head, ...after, ...tail],
      ];
      const patch = diff(from, to);
      expect(apply(from, patch)).toEqual(to);
      expect(patch.length).toBeLessThanOrEqual(Math.max(before.length, after.length));
    }),
    { numRuns: 1_000 },
  );
});

test("patches are short: one operation for one thing that was added, put in front, taken out or changed", () => {
  const cases: readonly (readonly [Json, Json, JsonPatch])[] = [
    [{ a: [1, 2] }, { a: [1, 2, 3] }, [{ op: "add", path: "/a/2", value: 3 }]],
    [[1, 2], [0, 1, 2], [{ op: "add", path: "/0", value: 0 }]],
    [[1, 2, 3], [1, 3], [{ op: "remove", path: "/1" }]],
    [{ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, [{ op: "replace", path: "/a/c", value: 3 }]],
    [{ "x/y~z": 1 }, {}, [{ op: "remove", path: "/x~1y~0z" }]],
    [{ a: 1 }, [1], [{ op: "replace", path: "", value: [1] }]],
  ];
  for (const [before, after, patch] of cases) expect(diff(before, after)).toEqual(patch);
});
