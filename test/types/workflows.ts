// What must compile of workflows and what must not: checked by `npm run types`.
import { z } from "zod";
import { defineWorkflow } from "../../src/index.ts";
import type { ActorRef } from "../../src/runtime/client.ts";
import type { RunMethods, RunStatus } from "../../src/workflow/run-actor.ts";

const state = z.object({ n: z.number(), names: z.array(z.string()) });
type State = z.infer<typeof state>;

const sum = defineWorkflow(
  "sum",
  { state, input: z.object({ n: z.number() }), initial: ({ n }) => ({ n, names: [] }), result: ({ n }) => n },
  ({ task, change, forEach, waitFor, branch, when, attempt, errorPath }) => [
    task("double", async (ctx) => ({ at: new Date(), n: ctx.state.n * 2 }), {
      save: (s, { at, n }) => {
        s.n = n;
        // What a task returns goes through JSON.
        s.names.push(at.toUpperCase());
      },
      compensate: (ctx, result) => ctx.log.info({ n: result.n }, "again"),
    }),
    task("read", (ctx) => {
      // @ts-expect-error A task sees the state and does not change it.
      ctx.state.n = 1;
    }),
    // @ts-expect-error The result of the task is a number.
    task("wrong", () => 1, { save: (s, result: string) => s.names.push(result) }),
    change("add", (s) => {
      s.n += 1;
    }),
    branch(
      "b",
      when("w", (s) => {
        // @ts-expect-error A condition only looks.
        s.n = 1;
        return true;
      }),
    ),
    forEach("each", { items: (s) => s.names, concurrency: 2 }, (each) =>
      each.task("t", (ctx) => ctx.item.length, {
        save: (s, length, { item, index }) => s.names.push(`${item.trim()}${index + length}`),
      }),
    ),
    waitFor("go", { schema: z.object({ by: z.string() }), save: (s, { by }) => s.names.push(by) }),
    attempt(
      "fix",
      task("t", () => 1),
      {
        on: [
          errorPath(
            "slow",
            ["TASK_TIMEOUT", "BUSY"],
            change("c", () => {}),
          ),
          errorPath("server", ({ code, path }, { n }) => n > 1 && path !== undefined && code.startsWith("HTTP_5")),
          // @ts-expect-error A condition answers yes or no.
          errorPath("wrong", ({ code }) => code),
        ],
      },
    ),
    // What a signal brings goes through JSON, as it may have to wait.
    waitFor("when", { schema: z.object({ at: z.coerce.date() }), save: (s, { at }) => s.names.push(at.toUpperCase()) }),
    // @ts-expect-error Nothing comes with a signal without a schema.
    waitFor("stop", { save: (s, data) => s.names.push(data.by) }),
  ],
);

defineWorkflow("parent", { state, initial: (): State => ({ n: 0, names: [] }) }, ({ child }) => [
  child("ok", sum, {
    input: (s) => ({ n: s.n }),
    save: (s, n) => {
      s.n = n + 1;
    },
  }),
  // @ts-expect-error The child takes a number.
  child("wrong", sum, { input: () => ({ n: "1" }) }),
]);

defineWorkflow(
  "off",
  // @ts-expect-error The initial state is of the schema's type.
  { state, initial: () => ({ n: "0", names: [] }) },
  ({ change }) => change("c", () => {}),
);

declare const run: ActorRef<unknown, RunMethods<State, { n: number }, number>>;
export const started: Promise<RunStatus<State, number>> = run.ask.start({ n: 1 }) as never;
// @ts-expect-error A run is started with what its input says.
run.ask.start({ n: "1" });
run.ask.cancel();
run.ask.cancel({ reason: "enough" });
run.ask.signal({ name: "go", data: { by: "x" } });
// @ts-expect-error A status is asked, not told.
run.tell.status();
