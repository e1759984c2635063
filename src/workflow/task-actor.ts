// The actor of a task, in workflows that give their tasks a pool: it carries out orders of one node of one run, and tells the run how they
// ended.
//
//   T1. An order is carried out by a turn of its own, in an actor of its own: it holds up neither the run nor other tasks, lives
//       in the pool of the tasks, on any of its workers, and is repeated by the runtime when its worker dies (P2).
//   T2. What the task tells others, and how it ended, are sent with one commit or not at all (P3).

import { defineActor, handler } from "../actors/definition.ts";
import { withErrands } from "../actors/errand.ts";
import type { Schema } from "../core/schema.ts";
import type { Ended, Plan } from "./run.ts";
import { runDoor } from "./run-door.ts";
import type { TaskOrder } from "./task-order.ts";
import { internalSchema } from "./task-order.ts";
import { carryOut, changedTask, endedBadly, timeoutMsDefault } from "./task-work.ts";
import type { Migrations } from "./version.ts";
import { mayCarryOut } from "./version.ts";

/** How much longer than the longest task a turn may last: its end is decided by the task's own time. Unit: ms. */
const turnMsSlack = 10_000;
/** Runs of an order that the code here cannot carry out: while code is rolled out that passes by itself. */
const strangeAttemptsMax = 30;
/** It keeps nothing but its inbox. */
const nothing = {};

export interface TaskActorOptions {
  readonly plan: Plan;
  readonly migrations: Migrations;
  readonly runType: string;
  readonly runPool: string | undefined;
  readonly pool: string | undefined;
  readonly type: string;
}

export function defineTaskActor({ plan, migrations, runType, runPool, pool, type }: TaskActorOptions) {
  const report = runDoor(runType, runPool);
  const longest = Math.max(timeoutMsDefault, ...[...plan.tree.spots.values()].map(({ node }) => timeoutOf(node)));
  const actor = defineActor(
    type,
    {
      state: anyObject,
      initial: () => nothing,
      turnMsMax: longest + turnMsSlack,
      retry: { attempts: strangeAttemptsMax },
      onFailure: ({ attempts }) => (attempts < strangeAttemptsMax ? "retry" : "stop"),
      ...(pool === undefined ? {} : { pool }),
    },
    {
      run: handler(internalSchema<TaskOrder>("run", "path", "order", "hash"), async (ctx, order): Promise<void> => {
        const { version, hash } = order;
        if (!mayCarryOut(plan, migrations, version, hash)) {
          throw changedTask(plan, order.run, order, ` by version ${version} (${hash})`);
        }
        const tell = (ended: Ended) => ctx.actor(report, order.run).tell.ended(ended);
        const ended = await carryOut(ctx, plan, { type: runType, run: order.run, state: order.state }, order);
        try {
          tell(ended);
        } catch (thrown) {
          // Too large to be told, as a rule: then the task has not ended well.
          ctx.takeBack();
          tell(endedBadly(order, thrown));
        }
      }),
    },
  );
  return withErrands(actor, { isOver: () => true }); // It is told of one order, as a rule.
}

function timeoutOf(node: { readonly kind: string; readonly timeoutMs?: number | undefined }): number {
  return node.kind === "task" ? (node.timeoutMs ?? 0) : 0;
}

const anyObject: Schema = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) =>
      typeof value === "object" && value !== null ? { value } : { issues: [{ message: "this is no object" }] },
  },
};
