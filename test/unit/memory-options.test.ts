import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { MemoryOptions } from "../../src/actors/memory-options.ts";
import { wordsOf } from "../../src/actors/memory-options.ts";

const define = (memory: unknown) =>
  defineActor(
    "clerk",
    { state: z.object({}), initial: {}, memory: memory as MemoryOptions },
    { hear: handler(z.string(), () => {}), look: query(() => 1) },
  );

test("without `memory` an actor has none; `{}` logs everything of its own and brings nothing", () => {
  expect(defineActor("clerk", { state: z.object({}), initial: {} }, {}).memory).toBeUndefined();
  const self = { type: "clerk", id: "c" };
  const message = { method: "hear", input: "x", caller: { kind: "client" }, messageId: "m" } as const;
  const { memory } = define({});
  expect(memory?.scope(self, message)).toEqual({ agent: self });
  expect(memory?.scopes(self, message)).toEqual([]);
  expect(memory?.log).toMatchObject({ received: true, replies: true, sent: true, methods: undefined });
  expect(memory?.bring).toBeUndefined();
  expect(define({ log: false }).memory?.log).toMatchObject({ received: false, replies: false, sent: false });
  expect(define({ bring: { recall: {} } }).memory?.bring?.recall?.k).toBe(8);
});

test("a faulty `memory` is refused where it is defined, with what it takes", () => {
  const faulty: readonly [unknown, RegExp][] = [
    [null, /object/],
    [{ scop: () => ({}) }, /no option `scop`; it has scope/],
    [{ scope: { agent: "x" } }, /`scope` must be a function/],
    [{ scopes: { shared: "x" } }, /list of scopes/],
    [{ scopes: [{}] }, /`scopes`/],
    [{ log: { recieved: true } }, /no option `recieved`/],
    [{ log: { text: "words" } }, /`log.text` must be a function/],
    [{ log: { methods: ["look"] } }, /names no handler of it: "look"/],
    [{ bring: { windows: {} } }, /no option `windows`/],
    [{ bring: { window: { tokens: 0 } } }, /`bring.window.tokens` must be a whole number from 1/],
    [{ bring: { recall: { k: 101 } } }, /`bring.recall.k` must be a whole number from 1 to 100, got 101/],
    [{ bring: { recall: { query: "x" } } }, /`bring.recall.query`/],
    [{ bring: { facts: "plan" } }, /`bring.facts`/],
    [{ bring: { facts: [""] } }, /`bring.facts`/],
  ];
  for (const [memory, says] of faulty) {
    expect(() => define(memory), JSON.stringify(memory)).toThrow(says);
    expect(() => define(memory)).toThrow(expect.objectContaining({ code: "DEFINITION_INVALID" }));
  }
});

test("a payload in words: a string, its text, message or content, else its JSON", () => {
  expect(wordsOf("as it is")).toBe("as it is");
  expect(wordsOf({ text: "a", message: "b" })).toBe("a");
  expect(wordsOf({ text: 1, message: "b" })).toBe("b");
  expect(wordsOf({ content: "c" })).toBe("c");
  expect(wordsOf({ n: 1 })).toBe('{"n":1}');
  expect(wordsOf(5)).toBe("5");
});
