// What people see: tables, patches, and nothing that steers their terminal.

import { describe, expect, test } from "vitest";
import { changeJson, printChange } from "../../src/cli/print/change.ts";
import { clip, plain, printable, printBytes, printJson, printSpan, printTable, widthOf } from "../../src/cli/text.ts";
import type { Change } from "../../src/runtime/changes.ts";

const at = new Date("2026-03-02T08:04:00.000Z");

describe("text", () => {
  test("nothing that an actor holds steers the terminal", () => {
    expect(printable("a\u001b[2Jb\n\u202ec")).toBe("a [2Jb c");
    const shown = printJson({ text: "\u001b[2J \u009b \u202e ü" });
    for (const char of "\u001b\u009b\u202e") expect(shown).not.toContain(char);
    expect(JSON.parse(shown)).toEqual({ text: "\u001b[2J \u009b \u202e ü" });
    expect(printJson(undefined)).toBe("null");
  });

  test("columns stay columns in any script, and a line is cut at the terminal's width", () => {
    const table = printTable(
      ["ID", "N"],
      [
        ["日本", "1"],
        ["ada", "22"],
      ],
      plain,
      0,
    ).split("\n");
    expect(table).toEqual(["ID    N", "日本  1", "ada   22"]);
    expect([widthOf("日本"), clip("日本語", 4), clip("abc", 3), clip("abcd", 0)]).toEqual([4, "日…", "abc", "abcd"]);
  });

  test("spans and sizes have units", () => {
    expect([12, 1_200, 65_000, 300_000, 9_000_000, 400_000_000].map(printSpan)).toEqual([
      ...["12 ms", "1.2 s", "65 s", "5 min", "3 h", "5 d"],
    ]);
    expect([12, 2_048, 157_286_400].map(printBytes)).toEqual(["12 B", "2.0 KiB", "150 MiB"]);
  });
});

describe("a change", () => {
  const base = { actor: { type: "counter", id: "c\n1" }, revision: 7, committedAt: at };
  const committed: Change<unknown> = {
    ...{
      ...base,
      kind: "committed",
      state: { n: 2, list: [1] },
      schema: 1,
      traceId: "0af7",
      epoch: 3,
      pendingSends: 0,
      timers: {},
      isSnapshot: false,
    },
    patch: [
      { op: "replace", path: "/n", value: 2 },
      { op: "remove", path: "/old" },
      { op: "add", path: "/list", value: [1] },
    ],
  };

  test("is printed as what it changed", () => {
    expect(printChange(committed, plain, 0).split("\n")).toEqual([
      "2026-03-02T08:04:00.000Z  counter/c 1  #7  0af7",
      "  ~ /n 2",
      "  - /old",
      "  + /list [1]",
    ]);
    expect(printChange({ ...committed, patch: [] }, plain, 0)).toContain("(the same state)");
    expect(printChange({ ...base, kind: "deleted" }, plain, 0)).toMatch(/#7 {2}deleted$/);
  });

  test("has the same fields as JSON, whatever it is", () => {
    expect(changeJson({ ...base, kind: "deleted" })).toEqual({
      ...{ kind: "deleted", type: "counter", id: "c\n1", revision: 7, committedAt: at.toISOString() },
    });
    expect(changeJson(committed)).toMatchObject({ kind: "committed", traceId: "0af7", patch: committed.patch });
  });
});
