// The actor of a task: it carries out orders of one node of one run, and tells the run how they ended.
//
//   T1. An order is carried out by a turn of its own, in an actor of its own: it holds up neither the run nor other tasks, may
//       live in another pool, and is repeated by the runtime when its worker dies (P2).
//   T2. What the task tells others, and how it ended, are sent with one commit or not at all (P3).

import { defineActor, handler } from "../actors/definition.ts";
import { TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { failureOf } from "./failure.ts";
import type { OrderNode } from "./node.ts";
import type { Ended, Outcome, Plan } from "./run.ts";
import { runDoor } from "./run-door.ts";
import type { TaskFunction } from "./task-context.ts";
import { runOrder } from "./task-context.ts";
import type { TaskOrder, TaskState } from "./task-order.ts";
import { internalSchema } from "./task-order.ts";
import { spotAt } from "./tree.ts";
import type { Migrations } from "./version.ts";
import { mayCarryOut } from "./version.ts";

/** How much longer than the longest task a turn may last: its end is decided by the task's own time. Unit: ms. */
const turnMsSlack = 10_000;
/** For compensations of children, which have no time of their own. Unit: ms. */
const timeoutMsDefault = 60_000;
/** Runs of an order that the code here cannot carry out: while code is rolled out that passes by itself. */
const strangeAttemptsMax = 30;

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
  return defineActor(
    type,
    {
      state: anyObject as Schema<unknown, TaskState>,
      initial: (): TaskState => ({}),
      turnMsMax: longest + turnMsSlack,
      retry: { attempts: strangeAttemptsMax },
      onFailure: ({ attempts }) => (attempts < strangeAttemptsMax ? "retry" : "stop"),
      ...(pool === undefined ? {} : { pool }),
    },
    {
      run: handler(internalSchema<TaskOrder>("run", "path", "order", "hash"), async (ctx, order): Promise<void> => {
        const node = orderNode(plan, migrations, order);
        const fn = (order.compensates ? node.compensate : node.kind === "task" ? node.run : undefined) as TaskFunction;
        const timeoutMs = node.kind === "task" ? node.timeoutMs : timeoutMsDefault;
        const tell = (outcome: Outcome) => {
          const { path, order: number, attempt } = order;
          const ended: Ended = { path, order: number, attempt, outcome };
          ctx.actor(report, order.run).tell.ended(ended);
        };
        const outcome = await runOrder(ctx, order, fn, timeoutMs);
        try {
          tell(outcome);
        } catch (thrown) {
          // Too large to be told, as a rule: then the task has not ended well.
          ctx.takeBack();
          tell({ kind: "failed", failure: failureOf(thrown) });
        }
      }),
    },
  );
}

function timeoutOf(node: { readonly kind: string; readonly timeoutMs?: number | undefined }): number {
  return node.kind === "task" ? (node.timeoutMs ?? 0) : 0;
}

function orderNode(plan: Plan, migrations: Migrations, order: TaskOrder): OrderNode {
  const node = spotAt(plan.tree, order.path)?.node;
  const isKnown = node?.kind === "task" || (node?.kind === "child" && order.compensates === true);
  if (isKnown && mayCarryOut(plan, migrations, order.version, order.hash)) return node;
  const text = `${order.path} of the run ${plan.name}/${order.run} was ordered by version ${order.version} (${order.hash}); this code has version ${plan.version} (${plan.tree.hash})`;
  throw new TroupeError("WORKFLOW_CHANGED", text);
}

export const anyObject: Schema = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) =>
      typeof value === "object" && value !== null ? { value } : { issues: [{ message: "this is no object" }] },
  },
};
