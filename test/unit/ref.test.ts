import { expect, test } from "vitest";
import { handler, query } from "../../src/actors/definition.ts";
import { methodTable } from "../../src/actors/ref.ts";

type Table = Readonly<Record<string, (input?: unknown, options?: unknown) => unknown>>;

test("a method may have any name that a definition takes, and reaches its receiver under it", () => {
  const names = [
    "send",
    "ask",
    "tell",
    "type",
    "id",
    "watch",
    "get",
    "apply",
    "call",
    "bind",
    "length",
    "name",
    "Z-9_",
  ];
  const methods = Object.fromEntries(names.map((name) => [name, handler(() => 1)]));
  const table = methodTable(methods, "ask", (method, input, options) => [method, input, options]) as Table;
  for (const name of names) expect(table[name]?.(5, "options")).toEqual([name, 5, "options"]);
});

test("what is told are handlers only, and nothing else answers to a name", () => {
  const methods = { go: handler(() => 1), look: query(() => 1) };
  const tell = methodTable(methods, "tell", (method) => method) as Table;
  const ask = methodTable(methods, "ask", (method) => method) as Table;
  expect([tell.go?.(), tell.look, ask.go?.(), ask.look?.()]).toEqual(["go", undefined, "go", "look"]);
  for (const name of ["then", "toString", "constructor", "__proto__", "missing"]) expect(ask[name]).toBeUndefined();
});

test("tables of one definition do not disturb each other", () => {
  const methods = { go: handler(() => 1) };
  const [first, second] = ["first", "second"].map((name) => methodTable(methods, "ask", () => name) as Table);
  expect([first?.go?.(), second?.go?.()]).toEqual(["first", "second"]);
});
