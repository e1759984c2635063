import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor } from "../../src/actors/definition.ts";
import { readState, unreadableCodes, upcast } from "../../src/actors/evolution.ts";
import { readSnapshot } from "../../src/actors/snapshot.ts";
import type { Upcasters } from "../../src/core/upcast.ts";
import { readCommitted } from "../../src/runtime/changes.ts";

const state = z.object({ path: z.array(z.number()) });
const define = (schema: number, upcasters: object) =>
  defineActor("walker", { state, initial: { path: [] }, schema, upcasters: upcasters as Upcasters }, {});
const walkTo = (n: number) => (before: { path: number[] }) => ({ path: [...before.path, n] });
const codeOf = (read: () => unknown) =>
  Promise.resolve()
    .then(read)
    .then(
      () => "none",
      (thrown: { code: string }) => thrown.code,
    );

test("E1: a state goes through each upcaster from its own number on, in order, each once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), fc.nat(), (schema, low, from) => {
      const lowest = 1 + (low % Math.max(1, schema - 1));
      const numbers = Array.from({ length: schema - lowest }, (_, at) => lowest + at);
      const definition = define(schema, Object.fromEntries(numbers.map((n) => [n, walkTo(n)])));
      const stored = lowest + (from % (schema - lowest + 1));
      expect(upcast(definition, "walker.w", { state: { path: [] }, schema: stored })).toEqual({
        path: numbers.filter((n) => n >= stored),
      });
    }),
    { examples: [[1, 0, 0]] },
  );
});

test("E1: what the schema of today refuses is STATE_INVALID, with the actor, both numbers and the reason", async () => {
  const definition = define(2, { 1: () => ({ path: ["not a number"] }) });
  await expect(readState(definition, "walker.w", { state: { path: [] }, schema: 1 })).rejects.toMatchObject({
    code: "STATE_INVALID",
    message: expect.stringMatching(/walker\.w, led from schema 1 to 2, .*path\.0/),
    data: { schema: 1, known: 2, issues: [{ path: "path.0" }] },
  });
  const asynchronous = { ...define(1, {}), state: state.refine(async ({ path }) => path.length === 0) };
  expect(await codeOf(() => readState(asynchronous, "walker.w", { state: { path: [1] }, schema: 1 }))).toBe(
    "STATE_INVALID",
  );
});

test("E3: a newer state is refused, and one older than the oldest upcaster, with both numbers", async () => {
  const definition = define(4, { 3: walkTo(3) });
  expect(() => upcast(definition, "walker.w", { state: {}, schema: 5 })).toThrow(
    expect.objectContaining({ code: "STATE_TOO_NEW", retry: "elsewhere", data: { schema: 5, known: 4 } }),
  );
  expect(() => upcast(definition, "walker.w", { state: {}, schema: 2 })).toThrow(
    expect.objectContaining({ code: "STATE_TOO_OLD", data: { schema: 2, known: 4 } }),
  );
});

test("E3: an upcaster that throws, answers later or with nothing is UPCAST_FAILED, and says which", async () => {
  const failures: readonly (readonly [unknown, RegExp])[] = [
    [
      () => {
        throw new RangeError("no count");
      },
      /walker\.w could not be led from schema 2 to 3: no count/,
    ],
    [(before: object) => void Object.assign(before, { path: [] }), /upcaster 2 returned nothing/],
    [async () => ({ path: [] }), /upcaster 2 returned a promise/],
    [() => ({ path: [1n] }), /BigInt/],
    [() => () => 1, /upcaster 2 returned function/],
  ];
  for (const [upcaster, reason] of failures) {
    const definition = define(3, { 1: walkTo(1), 2: upcaster });
    await expect(readState(definition, "walker.w", { state: { path: [] }, schema: 1 })).rejects.toMatchObject({
      ...{
        code: "UPCAST_FAILED",
        retry: "never",
        message: expect.stringMatching(reason),
        data: { schema: 1, known: 3 },
      },
    });
  }
});

test("E4: what an upcaster makes is what JSON can carry of it", async () => {
  const dated = defineActor(
    "dated",
    {
      state: z.object({ at: z.unknown() }),
      initial: { at: "" },
      schema: 2,
      upcasters: { 1: () => ({ at: new Date(0) }) },
    },
    {},
  );
  expect(await readState(dated, "dated.d", { state: {}, schema: 1 })).toEqual({ at: "1970-01-01T00:00:00.000Z" });
});

test("a definition whose upcasters leave a gap, or lead elsewhere, is refused and says which is missing", () => {
  const bad: readonly (readonly [number, object, RegExp])[] = [
    [2, {}, /upcaster 1 is missing/],
    [4, { 1: walkTo(1), 3: walkTo(3) }, /upcaster 2 is missing/],
    [4, { 1: walkTo(1), 2: walkTo(2) }, /upcaster 3 is missing/],
    [2, { 1: walkTo(1), 2: walkTo(2) }, /there is an upcaster 2, but `schema` is 2/],
    [1, { 0: walkTo(0) }, /there is an upcaster 0/],
    [2, { 1: walkTo(1), "1.5": walkTo(1) }, /there is an upcaster 1.5/],
    [2, { 1: "up" }, /upcaster 1 must be a function/],
    [0, {}, /`schema` must be a whole number/],
    [1.5, {}, /`schema` must be a whole number/],
  ];
  for (const [schema, upcasters, text] of bad) {
    expect(() => define(schema, upcasters), JSON.stringify([schema, Object.keys(upcasters)])).toThrow(
      expect.objectContaining({ code: "DEFINITION_INVALID", message: expect.stringMatching(text) }),
    );
  }
  expect(define(4, { 3: walkTo(3) })).toMatchObject({ schema: 4 });
  expect(define(1, {})).toMatchObject({ schema: 1, upcasters: {} });
});

test("a schema number that is none is not guessed", () => {
  for (const schema of ['"2"', "0", "-1", "1.5", "{}"]) {
    const value = Buffer.from(`{"state":{},"schema":${schema},"commit":"c"}`);
    expect(() => readSnapshot("walker.w", value), schema).toThrow(
      expect.objectContaining({ code: "STATE_UNREADABLE" }),
    );
  }
});

test("a committed value tells the number that is stored, and its state as the definition knows it", () => {
  const value = Buffer.from('{"state":{"path":[]},"schema":1,"commit":"c"}');
  const entry = { key: "walker.w", value, revision: 1, operation: "put", writtenAtMs: 0 } as const;
  expect(readCommitted(entry)).toMatchObject({ state: { path: [] }, schema: 1 });
  expect(readCommitted(entry, define(3, { 1: walkTo(1), 2: walkTo(2) }))).toMatchObject({
    state: { path: [1, 2] },
    schema: 1,
  });
});

test("each code of this file says that trying again cannot help", () => {
  expect([...unreadableCodes].sort()).toEqual([
    ...["STATE_INVALID", "STATE_TOO_NEW", "STATE_TOO_OLD", "STATE_UNREADABLE", "UPCAST_FAILED"],
  ]);
});
