// The workflow of the simulation: tasks one after the other and side by side, with a step, one that fails at first, one that is undone.
// What each does once leaves an id behind, in the run and in the tally that it tells.

import { z } from "zod";
import type { Snapshot } from "../../src/actors/snapshot.ts";
import { defineWorkflow } from "../../src/workflow/define-workflow.ts";
import type { Run } from "../../src/workflow/run.ts";
import type { TaskContext } from "../../src/workflow/task-context.ts";
import type { Surroundings, TallyActor } from "./actors.ts";

const input = z.object({ id: z.string(), to: z.string() });
const state = z.object({ seen: z.array(z.string()), to: z.string() });
type State = z.infer<typeof state>;

/** What a run leaves in its own state behind its id, and what it tells its tally. */
const savedBy = ["first", "slow", "flaky", "undone", "last"] as const;
const toldBy = [...savedBy, "undo"] as const;

export const flowKey = (id: string) => `workflow-flow.${id}`;
export const isFlowKey = (key: string) => key.startsWith("workflow-flow.");
export const toldIds = (id: string) => toldBy.map((name) => `${id}#${name}`);
/** What no task that failed may have told. */
export const neverTold = (id: string) => `${id}#never`;

export function flowWorkflow(around: Surroundings, tally: TallyActor) {
  const tell = (ctx: TaskContext<State>, what: string) => {
    around.hasBegun(ctx.key);
    ctx.actor(tally, ctx.state.to).tell.note({ id: `${ctx.run}#${what}`, manner: "plain" });
  };
  const once = (name: (typeof savedBy)[number]) => ({
    save: (draft: State) => void draft.seen.push(name),
    retry: { attempts: 3, backoffMs: 20, backoffMsMax: 500 },
  });
  return defineWorkflow(
    "flow",
    { state, input, initial: ({ id, to }) => ({ seen: [id], to }) },
    ({ task, parallel, attempt }) => [
      task("first", (ctx) => tell(ctx, "first"), once("first")),
      parallel("both", {
        slow: task(
          "t",
          async (ctx) => {
            tell(ctx, "slow");
            const call = () => around.dawdle().then(() => `${ctx.run} call ${around.count(`step ${ctx.run}`)}`);
            around.stepGave(ctx.run, await ctx.step("model", call));
            await around.dawdle();
          },
          once("slow"),
        ),
        flaky: task(
          "t",
          (ctx) => {
            tell(ctx, ctx.attempt === 1 ? "never" : "flaky");
            if (ctx.attempt === 1) throw new Error("not yet");
          },
          once("flaky"),
        ),
      }),
      attempt(
        "try",
        [
          task("undone", (ctx) => tell(ctx, "undone"), {
            ...once("undone"),
            compensate: (ctx) => ctx.actor(tally, ctx.state.to).tell.note({ id: `${ctx.run}#undo`, manner: "plain" }),
          }),
          task("bad", () => Promise.reject(Object.assign(new Error("no"), { code: "BAD" })), {
            retry: { attempts: 1 },
          }),
        ],
        { on: { BAD: [] } },
      ),
      task("last", (ctx) => tell(ctx, "last"), once("last")),
    ],
  );
}

/** The keys of the tasks that a committed run has ordered, as `ctx.key` names them. */
export function ordersOf(key: string, { state: run }: Snapshot): readonly string[] {
  const { marks } = run as Run;
  const name = key.replace(".", "/");
  return Object.entries(marks).flatMap(([path, mark]) =>
    mark.is === "running" ? [`${name}/${path}/${mark.order}`] : [],
  );
}

/** Why a run has not come to its end; undefined when it has, with all that it was to leave behind. */
export function openEndOf(id: string, snapshot: Snapshot | undefined): string | undefined {
  const run = snapshot?.state as Run<State> | undefined;
  if (run?.phase !== "completed") return `the run ${id} is ${run?.phase ?? "not there"}`;
  const seen = [...run.state.seen].sort().join();
  return seen === [id, ...savedBy].sort().join() ? undefined : `the run ${id} is over with ${seen}`;
}
