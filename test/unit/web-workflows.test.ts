import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { NodeView, RunRow } from "../../src/monitoring/dashboard/api/workflows.ts";
import { heardRuns, listedRuns, noRuns, withRuns } from "../../web/src/workflows/live-runs.ts";
import { RunProgress } from "../../web/src/workflows/run-progress.ts";
import { formOf, readForm } from "../../web/src/workflows/signal-fields.ts";

const view = (path: string, is: string, more: Partial<NodeView> = {}): NodeView => ({
  ...{ path, id: path.replace(/\[\d+\]/g, "[]"), is, attempt: null, way: null, decidedBy: null, dueMs: null },
  failure: null,
  ...more,
});

describe("the progress of a run on its graph", () => {
  test("of a node in a repetition the most urgent is shown, and how many stand where", () => {
    const progress = new RunProgress([
      view("each[0]/read", "done"),
      view("each[1]/read", "done"),
      view("each[2]/read", "held"),
      view("each[3]/read", "running"),
    ]);
    const { is, more, views } = progress.of("each[]/read");
    expect([is, more]).toEqual(["held", "1 held, 1 running, 2 done"]);
    expect(views[0]?.path).toBe("each[2]/read");
  });

  test("attempts beyond the first are said; a node without a mark has not begun; a word that is not known does no harm", () => {
    const progress = new RunProgress([view("a", "backing-off", { attempt: 3 }), view("b", "teleporting")]);
    expect(progress.of("a").more).toBe("attempt 3");
    expect(progress.of("b").is).toBe("absent");
    expect(progress.of("c").is).toBe("absent");
  });

  test("the way that a branch took is taken, also one without nodes; the others are not", () => {
    const progress = new RunProgress([view("ask", "done", { way: "else" }), view("after", "running")]);
    const link = (name: string, to: string | null) => ({ from: "ask", to, way: { owner: "ask", name } });
    expect(progress.hasTaken(link("else", null))).toBe(true);
    expect(progress.hasTaken(link("tell", "ask/tell/mail"))).toBe(false);
    expect(progress.hasTaken({ from: "ask", to: "after", way: null })).toBe(true);
    expect(progress.hasTaken({ from: "after", to: "later", way: null })).toBe(false);
  });
});

const row = (run: string, changedAtMs: number, phase = "running"): RunRow => ({
  ...{ workflow: "triage", run, phase, isPaused: false, isStopped: false, version: 1, startedAtMs: 1, changedAtMs },
  ...{ running: [], waiting: [], awaiting: [], done: 0, failed: 0, failure: null },
});

test("a list of runs takes what is newer to its place, and counts what it does not show", () => {
  const rows = [row("a", 10), row("b", 20)];
  const changed = [row("b", 30, "held"), row("a", 5, "held"), row("c", 40), { ...row("d", 1), workflow: "other" }];
  expect(withRuns(rows, changed).map(({ run, phase }) => `${run} ${phase}`)).toEqual(["a running", "b held"]);
  expect(withRuns(rows, [row("x", 1)])).toBe(rows);
  const { news } = heardRuns(listedRuns(noRuns, rows, 0), changed, "triage", 1);
  expect([...news]).toEqual(["c"]);
});

test("L1, L2: a list that comes late makes nothing older, and what began after it was asked for is announced", () => {
  const shown = listedRuns(noRuns, [row("a", 10, "paused"), row("b", 20)], 100);
  const heard = heardRuns(shown, [row("a", 30), row("c", 31)], "triage", 150);
  expect([...heard.news]).toEqual(["c"]);
  const late = listedRuns(heard, [row("b", 20), row("a", 10, "paused"), row("d", 9)], 140);
  expect(late.rows.map(({ run, phase }) => `${run} ${phase}`)).toEqual(["b running", "a running", "d running"]);
  expect([...late.news]).toEqual(["c"]);
  // It was asked for after that was heard: what it does not show it leaves out.
  expect([...listedRuns(late, [row("a", 30)], 151).news]).toEqual([]);
  expect(listedRuns(late, late.read, 200)).toBe(late);
});

describe("the form of a signal", () => {
  const decision = z.object({ by: z.string(), remedy: z.enum(["restart", "rollback"]).optional() });

  test("is made of the fields of its schema", () => {
    const form = formOf(z.toJSONSchema(decision));
    expect(form).toMatchObject({
      kind: "fields",
      fields: [
        { name: "by", kind: "text", isNeeded: true },
        { name: "remedy", kind: "choice", isNeeded: false, choices: [{ text: "restart" }, { text: "rollback" }] },
      ],
    });
    expect(readForm(form, { by: "ada" })).toEqual({ kind: "value", value: { by: "ada" } });
    expect(readForm(form, { by: "", remedy: "pray" })).toEqual({
      kind: "faults",
      faults: new Map([
        ["by", "This is needed."],
        ["remedy", '"pray" is none of the choices.'],
      ]),
    });
  });

  test("what is written is what the schema takes, whatever it is made of", () => {
    const schema = z.object({
      text: z.string().min(1),
      whole: z.number().int().min(-5).max(5),
      flag: z.boolean(),
      maybe: z.number().nullable(),
      deep: z.array(z.object({ a: z.number() })),
    });
    const form = formOf(z.toJSONSchema(schema));
    const value = fc.record({
      text: fc.string({ minLength: 1 }),
      whole: fc.integer({ min: -5, max: 5 }),
      flag: fc.boolean(),
      maybe: fc.double({ noNaN: true, noDefaultInfinity: true }),
      deep: fc.array(fc.record({ a: fc.integer() }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(value, ({ text, whole, flag, maybe, deep }) => {
        const texts = {
          text,
          whole: `${whole}`,
          flag: flag ? "yes" : "no",
          maybe: `${maybe}`,
          deep: JSON.stringify(deep),
        };
        const written = readForm(form, texts);
        expect(written.kind).toBe("value");
        if (written.kind === "value") expect(schema.safeParse(written.value).success).toBe(true);
      }),
    );
  });

  test("one that is plain is one field, nothing is nothing, and what the schema cannot say is a box for JSON", () => {
    expect(readForm(formOf(z.toJSONSchema(z.number())), { "": "4" })).toEqual({ kind: "value", value: 4 });
    expect(readForm(formOf({ type: "null" }), {})).toEqual({ kind: "value", value: undefined });
    for (const schema of [null, { type: "array" }, z.toJSONSchema(z.record(z.string(), z.number())), "rubbish"]) {
      const form = formOf(schema);
      expect(form.kind).toBe("json");
      expect(readForm(form, { "": "[1]" })).toEqual({ kind: "value", value: [1] });
      expect(readForm(form, { "": "hello" }).kind).toBe("faults");
      expect(readForm(form, { "": " " }).kind).toBe("faults");
    }
  });

  test("numbers that are none, are not whole or lie beyond a bound are said to be so", () => {
    const form = formOf(z.toJSONSchema(z.object({ n: z.number().int().max(9) })));
    const faultOf = (n: string) => {
      const written = readForm(form, { n });
      return written.kind === "faults" ? written.faults.get("n") : undefined;
    };
    expect(faultOf("many")).toContain("number is needed");
    expect(faultOf("1.5")).toContain("whole number");
    expect(faultOf("10")).toBe("At most 9");
    expect(faultOf("9")).toBeUndefined();
  });
});
