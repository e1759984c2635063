// What makes no sense is refused where it is written.

import { expect, test } from "vitest";
import { z } from "zod";
import type { ErrorCode } from "../../src/core/errors.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { Flow, Steps } from "../../src/workflow/flow.ts";

const state = z.object({ n: z.number() });
type State = z.infer<typeof state>;
const nothing = () => {};

function refusal(build: (flow: Flow<State>) => Steps, name = "w", more: object = {}) {
  try {
    defineWorkflow(name, { state, initial: () => ({ n: 0 }), ...more }, build);
  } catch (thrown) {
    if (!isTroupeError(thrown)) throw thrown;
    return { code: thrown.code, message: thrown.message };
  }
  return undefined;
}

const one = ({ task }: Flow<State>) => task("t", nothing);

const table: readonly [says: string, code: ErrorCode, build: (flow: Flow<State>) => Steps][] = [
  ["has no steps", "DEFINITION_INVALID", () => []],
  ["is no node", "DEFINITION_INVALID", () => [{} as never]],
  ['"a.b" is not a name', "NAME_INVALID", ({ task }) => task("a.b", nothing)],
  ["two nodes of it are called t", "DEFINITION_INVALID", (flow) => [one(flow), one(flow)]],
  ["must be a function, got string", "DEFINITION_INVALID", ({ task }) => task("t", "run" as never)],
  ["`timeoutMs` must be a whole number", "DEFINITION_INVALID", ({ task }) => task("t", nothing, { timeoutMs: 0 })],
  [
    "`timeoutMs` must be a whole number from 1 to 315360000000",
    "DEFINITION_INVALID",
    ({ waitFor }) => waitFor("w", { timeoutMs: 400 * 365 * 86_400_000 }),
  ],
  [
    "`timeoutMs` must be a whole number from 1 to 315360000000",
    "DEFINITION_INVALID",
    ({ task }) => task("t", nothing, { timeoutMs: Number.MAX_SAFE_INTEGER }),
  ],
  [
    "`retry.backoffMsMax` must be",
    "DEFINITION_INVALID",
    ({ task }) => task("t", nothing, { retry: { backoffMsMax: 1e15 } }),
  ],
  ["`retry.attempts`", "DEFINITION_INVALID", ({ task }) => task("t", nothing, { retry: { attempts: 1.5 } })],
  [
    "`join` must be a whole number from 1 to 1",
    "DEFINITION_INVALID",
    (f) => f.parallel("p", { a: one(f) }, { join: 2 }),
  ],
  ["a parallel takes one way", "DEFINITION_INVALID", ({ parallel }) => parallel("p", {})],
  ["from 1 to 256", "DEFINITION_INVALID", (f) => f.forEach("e", { items: () => [], concurrency: 300 }, one as never)],
  ["from 1 to 10000", "DEFINITION_INVALID", (f) => f.loop("l", { until: () => true, timesMax: 0 }, one(f))],
  ["has no steps", "DEFINITION_INVALID", ({ loop }) => loop("l", { until: () => true })],
  [
    "at its end one `otherwise",
    "DEFINITION_INVALID",
    (f) =>
      f.branch(
        "b",
        f.otherwise(one(f)),
        f.when("w", () => true),
      ),
  ],
  [
    "have one name",
    "DEFINITION_INVALID",
    (f) =>
      f.branch(
        "b",
        f.when("w", () => true),
        f.when("w", () => false),
      ),
  ],
  ["`try` is no code", "DEFINITION_INVALID", (f) => f.attempt("a", one(f), { on: { try: one(f) } })],
  [
    "`timeoutMs` must be a whole number",
    "DEFINITION_INVALID",
    (f) => f.attempt("a", one(f), { timeoutMs: Number.POSITIVE_INFINITY }),
  ],
  [
    "`otherwise` is no code",
    "DEFINITION_INVALID",
    (f) => f.attempt("a", one(f), { on: [f.errorPath("otherwise", ["X"])] }),
  ],
  [
    "two ways of a have one name",
    "DEFINITION_INVALID",
    (f) => f.attempt("a", one(f), { on: [f.errorPath("x", ["X"]), f.errorPath("x", ["Y"])] }),
  ],
  ["is for a list of codes", "DEFINITION_INVALID", (f) => f.attempt("a", one(f), { on: [f.errorPath("x", [])] })],
  [
    "the signal go has two schemas",
    "DEFINITION_INVALID",
    ({ waitFor }) => [waitFor("a", { signal: "go", schema: z.string() }), waitFor("b", { signal: "go" })],
  ],
  [
    "longer than 150",
    "DEFINITION_INVALID",
    (f) => f.parallel("p".repeat(60), { ["w".repeat(60)]: f.task("t".repeat(60), nothing) }),
  ],
];

for (const [says, code, build] of table) {
  test(`refused with ${code}: ${says}`, () => {
    const refused = refusal(build);
    expect(refused?.message).toContain(says);
    expect(refused?.code).toBe(code);
  });
}

test("names and options of the workflow itself are checked, and what is right is accepted", () => {
  expect(refusal(one, "a b")?.code).toBe("NAME_INVALID");
  expect(refusal(one, "x".repeat(49))?.message).toContain("at most 48");
  expect(refusal(one, "x-task")?.message).toContain("another workflow's own");
  expect(refusal(one, "w", { version: 0 })?.message).toContain("`version`");
  expect(refusal(one, "w", { onFailure: "stop" })?.message).toContain("compensate or hold");
  expect(refusal(one)).toBeUndefined();
});

test("the hash of a definition changes with its structure, not with its functions", () => {
  const hashOf = (build: (flow: Flow<State>) => Steps) =>
    defineWorkflow("w", { state, initial: () => ({ n: 0 }) }, build).plan.tree.hash;
  expect(hashOf(({ task }) => task("t", () => 1))).toBe(hashOf(({ task }) => task("t", () => 2, { timeoutMs: 5 })));
  const others = [
    ({ task }: Flow<State>) => task("u", nothing),
    ({ task }: Flow<State>) => task("t", nothing, { compensate: nothing }),
    ({ change }: Flow<State>) => change("t", nothing),
    ({ task }: Flow<State>) => [task("t", nothing), task("u", nothing)],
    ({ waitFor }: Flow<State>) => waitFor("t"),
    ({ waitFor }: Flow<State>) => waitFor("t", { signal: "u" }),
  ];
  expect(new Set([one, ...others].map(hashOf)).size).toBe(7);
});
