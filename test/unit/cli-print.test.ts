// What people see: tables, patches, and nothing that steers their terminal.

import { describe, expect, test } from "vitest";
import { changeJson, printChange } from "../../src/cli/print/change.ts";
import { printRun, printRunRows, rowOf, runJson } from "../../src/cli/print/workflow.ts";
import { readStoredRun } from "../../src/cli/runs/read-runs.ts";
import { clip, plain, printable, printJson, printTable, widthOf } from "../../src/cli/text.ts";
import { printBytes, printSpan } from "../../src/core/amounts.ts";
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

describe("runs of workflows", () => {
  const marks = { "": { is: "open" }, t: { is: "running", order: 1, attempt: 1 } };
  const run = { phase: "running", state: { n: 1 }, marks, signals: [{ name: "go", data: 1 }] };
  const stopped = { code: "WORKFLOW_CHANGED", message: "other code", at: "2026-03-02T08:04:00.000Z", seq: 7 };
  const stored = (key: string, value: object) =>
    readStoredRun({ key, value: Buffer.from(JSON.stringify(value)), revision: 1, operation: "put", writtenAtMs: 0 });
  const holding = (state: unknown) => ({ state, schema: 1, epoch: 1, commit: "c", stopped });

  test("one that is stopped is seen so wherever one looks, with the way out; signals that came early are shown", () => {
    const one = stored("workflow-triage.i-1", holding(run));
    if (one === undefined) throw new Error("it is a run");
    expect(rowOf(one)).toMatchObject({ phase: "running", stopped: { code: "WORKFLOW_CHANGED" } });
    expect(printRunRows([rowOf(one)], 1, plain, 0)).toContain("running, stopped  WORKFLOW_CHANGED, t (running)");
    const shown = printRun(one, plain);
    expect(shown).toContain(
      "other code (WORKFLOW_CHANGED); remove the cause, then `troupe resume workflow-triage i-1`",
    );
    expect(shown).toContain("signal go came early  1");
    expect(runJson(one)).toMatchObject({ stopped: { code: "WORKFLOW_CHANGED" }, signals: [{ name: "go" }] });
  });

  test("what is called like a run and is none is not taken for one", () => {
    for (const state of [null, 7, { rpm: 1 }, { phase: 1, marks: {} }, { phase: "running", marks: null }]) {
      expect(stored("workflow-engine.x", holding(state))).toBeUndefined();
    }
    expect(stored("workflow-engine.x", { rpm: 1 })).toBeUndefined();
  });
});
