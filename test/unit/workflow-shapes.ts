// Definitions of workflows, and what happens to their runs, as chance makes them.

import fc from "fast-check";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { Flow } from "../../src/workflow/flow.ts";
import type { Node } from "../../src/workflow/node.ts";
import type { PlayState } from "./workflow-play.ts";
import { anyState, planOf } from "./workflow-play.ts";

type AnyFlow = Flow<PlayState, unknown>;
type Shape = (flow: AnyFlow, name: string) => Node;

/** How often it fails, whether it can be undone, and how often that fails first: its name says it. */
const work = fc.record({
  fails: fc.constantFrom(0, 0, 0, 1, 2, 9),
  undoes: fc.constantFrom(undefined, undefined, undefined, 0, 0, 1, 2, 9),
});
const optionsOf = (undoes: number | undefined) => ({
  retry: { attempts: 3, backoffMs: 100 },
  ...(undoes === undefined ? {} : { compensate: () => {} }),
});
const task = work.map(
  ({ fails, undoes }): Shape =>
    (flow, name) =>
      flow.task(`${name}f${fails}u${undoes ?? 0}`, () => {}, optionsOf(undoes)),
);
const kid = defineWorkflow("kid", { state: anyState, initial: () => undefined as never }, ({ waitFor }) =>
  waitFor("go"),
);
const child = work.map(
  ({ fails, undoes }): Shape =>
    (flow, name) =>
      flow.child(`${name}f${fails}u${undoes ?? 0}`, kid, { input: () => undefined, ...optionsOf(undoes) }),
);
const simple: fc.Arbitrary<Shape> = fc.oneof(
  { weight: 6, arbitrary: task },
  { weight: 1, arbitrary: child },
  {
    weight: 1,
    arbitrary: fc.constant<Shape>((flow, name) =>
      flow.change(name, (state) => {
        state.log.push(name);
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Shape>((flow, name) => flow.sleep(`${name}`, 1_000)) },
  { weight: 1, arbitrary: fc.constant<Shape>((flow, name) => flow.waitFor(name, { signal: "go", timeoutMs: 5_000 })) },
  { weight: 1, arbitrary: fc.constant<Shape>((flow, name) => flow.fail(name, { code: "BAD" })) },
);
const join = fc.constantFrom("all" as const, "any" as const, 2);

const { node } = fc.letrec<{ node: Shape; block: Shape[] }>((tie) => ({
  block: fc.array(tie("node"), { minLength: 1, maxLength: 3, depthIdentifier: "wf" }),
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true, depthIdentifier: "wf" },
    { weight: 4, arbitrary: simple },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("block"), tie("block"), join).map(
        ([a, b, how]): Shape =>
          (flow, name) =>
            flow.parallel(name, { a: named(flow, a), b: named(flow, b) }, { join: how }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("block"), join).map(
        ([block, how]): Shape =>
          (flow, name) =>
            flow.forEach(name, { items: () => [0, 1, 2], concurrency: 2, join: how }, (each) =>
              named(each as never, block),
            ),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("block"), fc.constantFrom(1, 1, 9)).map(
        ([block, last]): Shape =>
          (flow, name) =>
            flow.loop(name, { until: (_, { index }) => index === last, timesMax: 2 }, ...named(flow, block)),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(tie("block"), tie("block")).map(
        ([a, b]): Shape =>
          (flow, name) =>
            flow.branch(
              name,
              flow.when("odd", ({ log }) => log.length % 2 === 1, ...named(flow, a)),
              flow.otherwise(...named(flow, b)),
            ),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(tie("block"), tie("block"), fc.boolean(), fc.constantFrom(undefined, undefined, 3_000)).map(
        ([a, b, all, ms]): Shape =>
          (flow, name) =>
            flow.attempt(name, named(flow, a), {
              ...(all ? { otherwise: named(flow, b) } : { on: { BAD: named(flow, b) } }),
              ...(ms === undefined ? {} : { timeoutMs: ms }),
            }),
      ),
    },
  ),
}));

function named(flow: AnyFlow, shapes: readonly Shape[]): Node[] {
  return shapes.map((make, at) => make(flow, `n${at}`));
}

export const anyPlan = fc
  .tuple(fc.array(node, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([shapes, holds]) => planOf((flow) => named(flow as never, shapes), holds ? { onFailure: "hold" } : {}));

/** What happens next: an order ends (by number), an event comes again, time passes, somebody does something. */
export const anyStep = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("repeat" as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.constantFrom<number>(0, 60, 1_000, 5_000) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "signal" as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "pause" as const }, { kind: "resume" as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: "retry" as const }, { kind: "cancel" as const, reason: "chance" as string }),
  },
);
export type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;
