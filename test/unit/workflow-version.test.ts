// What a migration may not lead a run into; that it takes runs over is held by the contract.

import fc from "fast-check";
import { expect, test } from "vitest";
import { isTroupeError } from "../../src/core/errors.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { Flow, Steps } from "../../src/workflow/flow.ts";
import type { Outcome } from "../../src/workflow/run.ts";
import type { Migration } from "../../src/workflow/version.ts";
import { pinned } from "../../src/workflow/version.ts";
import type { PlayState } from "./workflow-play.ts";
import { Play, planOf } from "./workflow-play.ts";
import { anyPlan, anyStep, type Step } from "./workflow-shapes.ts";

type Build = (flow: Flow<PlayState>) => Steps;
const nothing = () => {};
const undoing = { compensate: nothing };
const same: Migration = (state) => state;

/** The run after the first version has done as much, in the hands of the second; what it is refused with otherwise. */
function migrated(first: Build, second: Build, play: (play: Play) => void, migration = same) {
  const before = new Play(planOf(first));
  play(before);
  const plan = planOf(second, { version: 2 });
  try {
    return pinned(plan, { 1: migration }, before.run, "r");
  } catch (thrown) {
    if (!isTroupeError(thrown)) throw thrown;
    return { code: thrown.code, message: thrown.message };
  }
}

const two: Build = ({ parallel, waitFor }) => parallel("p", { a: waitFor("ga"), b: waitFor("gb") });
const table: readonly {
  readonly what: string;
  readonly first: Build;
  readonly second: Build;
  readonly play: (play: Play) => void;
  readonly says: string;
}[] = [
  {
    what: "a parallel under way that has a way more",
    first: two,
    second: ({ parallel, waitFor, task }) =>
      parallel("p", { a: waitFor("ga"), b: waitFor("gb"), c: task("t", nothing) }),
    play: nothing,
    says: "is in p, whose ways were others: c",
  },
  {
    what: "a parallel under way that has lost a way that is over",
    first: two,
    second: ({ parallel, waitFor }) => parallel("p", { b: waitFor("gb") }),
    play: (play) => play.signal("ga"),
    says: "is in p, whose ways were others: a",
  },
  {
    what: "a task that has ended and would come once more",
    first: ({ task, waitFor }) => [task("charge", nothing), waitFor("go")],
    second: ({ task, waitFor }) => [waitFor("go"), task("charge", nothing)],
    play: (play) => play.ok("charge"),
    says: "is at go (waiting) and has been at charge, which comes after it now",
  },
  {
    what: "a node of another kind",
    first: ({ sleep }) => sleep("nap", 10),
    second: ({ task }) => task("nap", nothing),
    play: nothing,
    says: "is at nap (sleeping), which is no longer there",
  },
  {
    what: "a task under way that is gone",
    first: ({ task }) => task("a", nothing),
    second: ({ task }) => task("b", nothing),
    play: nothing,
    says: "is at a (running), which is no longer there",
  },
  {
    what: "what may have to be undone, and is gone",
    first: ({ task, waitFor }) => [task("a", nothing, undoing), waitFor("go")],
    second: ({ waitFor }) => waitFor("go"),
    play: (play) => play.ok("a"),
    says: "may have to compensate a, which is gone",
  },
  {
    what: "what may have to be undone, and cannot be any more",
    first: ({ task, waitFor }) => [task("a", nothing, undoing), waitFor("go")],
    second: ({ task, waitFor }) => [task("a", nothing), waitFor("go")],
    play: (play) => play.ok("a"),
    says: "may have to compensate a, which is gone",
  },
];

test.each(table)("V3: refused is $what", ({ first, second, play, says }) => {
  const refused = migrated(first, second, play);
  expect(refused).toMatchObject({ code: "WORKFLOW_CHANGED" });
  expect((refused as { message: string }).message).toContain(says);
});

test("V2: what a migration makes of the state has to be what the schema accepts, and a migration that throws is told", () => {
  const schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) =>
        typeof (value as { n?: unknown }).n === "number"
          ? { value: value as { n: number } }
          : { issues: [{ message: "n is a number" }] },
    },
  } as const;
  const planAt = (version: number) =>
    defineWorkflow("w", { state: schema, initial: () => ({ n: 1 }), version }, ({ waitFor }) => waitFor("go")).plan;
  const { run } = new Play(planAt(1), { log: [], n: 1 });
  const taken = (migration: Migration) => () => pinned(planAt(2), { 1: migration }, run, "r");
  expect(taken(() => ({ n: 2 }))()).toMatchObject({ version: 2, state: { n: 2 } });
  expect(taken(() => ({ n: "two" }))).toThrow(/state that its migration leads to.*n is a number/);
  const broken = () => {
    throw new Error("no such field");
  };
  expect(taken(broken)).toThrow(/migration that throws: no such field/);
});

test("V2: nodes before and after those that the run is at may come and go", () => {
  const run = migrated(
    ({ task, waitFor }) => [task("a", nothing), waitFor("go"), task("b", nothing)],
    ({ task, waitFor }) => [task("new", nothing), waitFor("go"), task("c", nothing), task("b", nothing)],
    (play) => play.ok("a"),
  );
  expect(run).toMatchObject({ version: 2, marks: { go: { is: "waiting" } } });
});

test("V3: an attempt that begins anew has nothing in it that is over, so that a newer version may take it over", () => {
  const build: Build = ({ attempt, task }) =>
    attempt("try", [task("a", nothing), task("b", nothing), task("c", nothing, { retry: { attempts: 1 } })]);
  const play = new Play(planOf(build, { onFailure: "hold" }));
  play.ok("try/try/a");
  play.ok("try/try/b");
  play.fail("try/try/c");
  play.send({ kind: "retry" });
  expect([play.mark("try/try/a"), play.mark("try/try/b")]).toEqual(["running", undefined]);
  expect(pinned(planOf(build, { version: 2 }), { 1: same }, play.run, "r").version).toBe(2);
});

test("V2: whatever a run is at, a newer version of the same structure takes it over", () => {
  const property = fc.property(anyPlan, fc.array(anyStep, { maxLength: 30 }), (plan, steps) => {
    const play = new Play(plan);
    for (const step of steps) {
      take(play, step);
      expect(pinned({ ...plan, version: 2 }, { 1: same }, play.run, "r").marks).toEqual(play.run.marks);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

function take(play: Play, step: Step): void {
  if (step.kind === "repeat" || play.run.phase === "completed") return;
  if (step.kind === "time") return play.pass(step.ms);
  if (step.kind === "signal") return play.signal("go");
  if (step.kind !== "end") return void play.send(step);
  const order = play.orders[step.which % Math.max(1, play.orders.length)];
  if (order === undefined) return;
  play.orders.splice(play.orders.indexOf(order), 1);
  const fails = order.kind === "task" && order.attempt <= Number(/f(\d)$/.exec(order.path)?.[1] ?? 0);
  const outcome: Outcome = fails ? { kind: "failed", failure: { code: "E", message: "" } } : { kind: "ok" };
  const { path, attempt } = order;
  play.send({ kind: "ended", path, order: order.order, attempt, outcome });
}
