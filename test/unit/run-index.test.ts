// Runs by phase and in pages, against a model that keeps them all.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { KvChange, KvEntry } from "../../src/kv/store.ts";
import type { RunSummary } from "../../src/monitoring/run-index.ts";
import { RunIndex } from "../../src/monitoring/run-index.ts";

interface Written {
  readonly workflow: string;
  readonly run: string;
  readonly phase: string;
  readonly isPaused: boolean;
  readonly isAwaiting?: boolean;
  readonly how: "put" | "delete" | "gone" | "strange";
}

const written: fc.Arbitrary<Written> = fc.record({
  workflow: fc.constantFrom("triage", "ship"),
  run: fc.constantFrom("r1", "r2", "R3", "x"),
  phase: fc.constantFrom("running", "held", "completed"),
  isPaused: fc.boolean(),
  isAwaiting: fc.boolean(),
  how: fc.oneof({ weight: 6, arbitrary: fc.constant("put" as const) }, fc.constantFrom("delete", "gone", "strange")),
});

function changeOf(
  { workflow, run, phase, isPaused, isAwaiting, how }: Written,
  revision: number,
  isSnapshot = false,
): KvChange {
  const data = { workflow, run, version: 1, number: 1, isPaused, running: [], waiting: [], done: 0, failed: 0 };
  const progress = { ...data, ...(isAwaiting ? { awaiting: ["decision"] } : {}) };
  const stored = { status: phase, data: progress, at: revision, n: 1, id: "w", ...(how === "gone" ? { gone: 1 } : {}) };
  const text = how === "strange" ? "no json" : how === "delete" ? "" : JSON.stringify(stored);
  const operation = how === "delete" ? "delete" : "put";
  const entry: KvEntry = {
    key: `workflow.${workflow}=2F${run}`,
    value: Buffer.from(text),
    revision,
    operation,
    writtenAtMs: 1,
  };
  return { kind: "entry", entry, isSnapshot };
}

test("I1: counts and pages are those of the states that stand, the run that changed last first", () => {
  const search = fc.constantFrom(undefined, "r", "3");
  fc.assert(
    fc.property(fc.array(written, { maxLength: 40 }), search, fc.integer({ min: 1, max: 3 }), (all, wanted, limit) => {
      const index = new RunIndex();
      const standing = new Map<string, Written & { readonly revision: number }>();
      for (const [at, one] of all.entries()) {
        index.take(changeOf(one, at + 1));
        standing.delete(`${one.workflow}/${one.run}`);
        if (one.how === "put") standing.set(`${one.workflow}/${one.run}`, { ...one, revision: at + 1 });
      }
      const triage = [...standing.values()].filter(({ workflow }) => workflow === "triage");
      const phases = Object.fromEntries(
        Map.groupBy(triage, ({ phase }) => phase)
          .entries()
          .map(([phase, those]) => [phase, those.length]),
      );
      const isAwaiting = (one: Written) => one.isAwaiting === true && one.phase !== "completed";
      expect(index.phasesOf("triage")).toEqual({
        ...{ phases, paused: triage.filter(({ isPaused }) => isPaused).length },
        awaiting: triage.filter(isAwaiting).length,
      });
      expect(index.find("triage", { phase: "waiting" }, 50, undefined).total).toBe(triage.filter(isAwaiting).length);
      const needy = [...standing.values()].toSorted((a, b) => a.revision - b.revision);
      for (const [told, those] of [
        [index.awaiting, needy.filter(isAwaiting)],
        [index.held, needy.filter(({ phase }) => phase === "held")],
      ] as const) {
        expect([told.count, told.one?.run]).toEqual([those.length, those[0]?.run]); // I4
      }
      expect([...index.workflows].toSorted()).toEqual(
        [...new Set([...standing.values()].map(({ workflow }) => workflow))].toSorted(),
      );
      const found: string[] = [];
      let cursor: number | undefined;
      do {
        const page = index.find("triage", { search: wanted, phase: undefined }, limit, cursor);
        expect(page.keys.length).toBeLessThanOrEqual(limit);
        found.push(...page.keys);
        cursor = page.cursor === undefined ? undefined : Number(page.cursor);
      } while (cursor !== undefined);
      const model = triage
        .filter(({ run }) => run.toLowerCase().includes(wanted ?? ""))
        .sort((a, b) => b.revision - a.revision);
      expect(found).toEqual(model.map(({ run }) => `workflow.triage=2F${run}`));
    }),
    { numRuns: 300 },
  );
});

test("I3: what changed while the place was lost is told of, what stood is not", () => {
  const heard: string[] = [];
  const index = new RunIndex({ onRun: ({ progress, revision }) => heard.push(`${progress.run}@${revision}`) });
  const put = (run: string, revision: number) =>
    index.take(changeOf({ workflow: "triage", run, phase: "held", isPaused: false, how: "put" }, revision, true));
  put("r1", 1);
  put("r2", 2);
  index.take({ kind: "current", revision: 2 });
  index.take({ kind: "restarted", reason: "it was lost" });
  put("r1", 1);
  put("r2", 3);
  put("x", 4);
  index.take({ kind: "current", revision: 4 });
  expect(heard).toEqual(["r2@3", "x@4"]);
});

test("I2: with more runs than are kept all are counted; those that ended longest ago are not listed any more", () => {
  const writes = fc.array(written, { maxLength: 60 });
  fc.assert(
    fc.property(writes, fc.integer({ min: 4, max: 6 }), (all, runsMax) => {
      const index = new RunIndex({ runsMax });
      const standing = new Map<string, Written & { readonly revision: number }>();
      for (const [at, what] of all.entries()) {
        const one: Written = { ...what, how: what.how === "put" ? "put" : "delete" };
        const name = `${one.workflow}/${one.run}`;
        const before = standing.get(name);
        const going = [...standing].filter(([other, { phase }]) => other !== name && phase !== "completed");
        if (one.how !== "put" && before === undefined) continue;
        if (one.how === "put" && (before?.phase === "completed" || going.length >= runsMax)) continue;
        index.take(changeOf(one, at + 1));
        standing.delete(name);
        if (one.how === "put") standing.set(name, { ...one, revision: at + 1 });
      }
      expect(index.left).toBe(0);
      for (const workflow of ["triage", "ship"]) {
        const runs = [...standing.values()].filter((run) => run.workflow === workflow);
        const counted = Map.groupBy(runs, ({ phase }) => phase)
          .entries()
          .map(([phase, those]) => [phase, those.length]);
        expect(index.phasesOf(workflow).phases).toEqual(Object.fromEntries(counted));
        expect([...index.workflows].includes(workflow)).toBe(runs.length > 0);
        const listed = index.find(workflow, {}, 100, undefined).keys.map((key) => key.split("=2F")[1]);
        const latest = runs.sort((a, b) => b.revision - a.revision);
        // What goes on is listed, and of what has ended what ended last.
        const ofListed = latest.filter(({ run }) => listed.includes(run)).map(({ run }) => run);
        expect(listed).toEqual(ofListed);
        expect(latest.filter(({ phase, run }) => phase !== "completed" && !listed.includes(run))).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
});

test("I2: runs that have not ended beyond the bound are said to be left out; a restart forgets; listeners hear of news alone", () => {
  const heard: string[] = [];
  const index = new RunIndex({ runsMax: 1, onRun: ({ progress }: RunSummary) => heard.push(progress.run) });
  const put = (run: string, revision: number, isSnapshot: boolean) =>
    index.take(changeOf({ workflow: "triage", run, phase: "held", isPaused: false, how: "put" }, revision, isSnapshot));
  put("r1", 1, true);
  put("r2", 2, false);
  put("r1", 3, false);
  expect([index.left, heard]).toEqual([1, ["r2", "r1"]]);
  expect(index.phasesOf("triage").phases).toEqual({ held: 1 });
  index.take({ kind: "restarted", reason: "it was lost" });
  expect([index.left, [...index.workflows]]).toEqual([0, []]);
  index.take({ kind: "current", revision: 3 });
  put("r2", 4, true);
  expect(index.find("triage", { phase: "held" }, 5, undefined)).toEqual({
    keys: ["workflow.triage=2Fr2"],
    total: 1,
    cursor: undefined,
  });
});
