import { expect, test } from "vitest";
import { z } from "zod";
import { actorDefaults, defineActor, handler, query } from "../../src/actors/definition.ts";

const state = z.object({ n: z.number() });
const initial = { n: 0 };
const refused = (code: string, text: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(text) });

test("what is left out has its default, and a function gives each actor a first state of its own", () => {
  const plain = defineActor("a", { state, initial }, {});
  expect(plain).toMatchObject({ turnMsMax: 60_000, idleMsMax: 600_000, retry: actorDefaults.retry });
  expect(plain.initial("x")).toEqual({ n: 0 });
  const own = defineActor("a", { state, initial: (id) => ({ n: id.length }), retry: { attempts: 1 } }, {});
  expect([own.initial("abc"), own.retry]).toEqual([{ n: 3 }, { ...actorDefaults.retry, attempts: 1 }]);
});

test("a method has a schema and a function, or a function alone, and may have a time of its own", () => {
  const run = () => 1;
  expect(handler(run)).toMatchObject({ kind: "handler", schema: undefined, timeoutMs: undefined });
  expect(handler(run, { timeoutMs: 5 })).toMatchObject({ timeoutMs: 5 });
  const schema = z.string();
  expect(query(schema, run, { timeoutMs: 5 })).toMatchObject({ kind: "query", schema, timeoutMs: 5 });
});

test("bad definitions are refused with a code and the place", () => {
  const method = handler(() => 1);
  const define = (type: unknown, options: object, methods: object = {}) =>
    defineActor(type as string, { state, initial, ...options } as never, methods as never);
  for (const type of ["", "a.b", "1a", "a b", "ä", "x".repeat(65), 5, undefined]) {
    expect(() => define(type, {}), String(type)).toThrow(refused("NAME_INVALID", /actor type/));
  }
  for (const name of ["a.b", "_wake", "", "a b", "0"]) {
    expect(() => define("a", {}, { [name]: method }), name).toThrow(refused("NAME_INVALID", /a method of a/));
  }
  for (const name of ["then", "constructor", "toString", "valueOf", "hasOwnProperty", "prototype"]) {
    expect(() => define("a", {}, { [name]: method }), name).toThrow(refused("DEFINITION_INVALID", new RegExp(name)));
  }
  for (const value of [() => 1, null, undefined, {}, { kind: "other" }]) {
    expect(() => define("a", {}, { go: value })).toThrow(refused("DEFINITION_INVALID", /`go`/));
  }
  expect(() => define("a", { state: {} })).toThrow(refused("DEFINITION_INVALID", /`state`/));
  expect(() => define("a", { initial: undefined })).toThrow(refused("DEFINITION_INVALID", /`initial`/));
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5"]) {
    expect(() => define("a", { turnMsMax: value })).toThrow(refused("DEFINITION_INVALID", /turnMsMax/));
    expect(() => define("a", { idleMsMax: value })).toThrow(refused("DEFINITION_INVALID", /idleMsMax/));
    expect(() => define("a", { retry: { attempts: value } })).toThrow(refused("DEFINITION_INVALID", /retry.attempts/));
    expect(() => handler(() => 1, { timeoutMs: value as number })).toThrow(refused("DEFINITION_INVALID", /timeoutMs/));
  }
  for (const value of [undefined, null, 5, "x", {}]) {
    expect(() => handler(value as never)).toThrow(refused("DEFINITION_INVALID", /takes a schema and a function/));
    expect(() => query(z.string(), value as never)).toThrow(refused("DEFINITION_INVALID", /takes a schema/));
  }
});

test("a definition cannot be changed afterwards", () => {
  const actor = defineActor("a", { state, initial }, { go: handler(() => 1) });
  expect(() => Object.assign(actor, { type: "b" })).toThrow(TypeError);
  expect(() => Object.assign(actor.methods.go, { kind: "query" })).toThrow(TypeError);
});
