// How an order of a run is carried out, wherever that is: which function it is, and how its end is told.

import type { ErrandContext } from "../actors/errand.ts";
import { TroupeError } from "../core/errors.ts";
import { failureOf } from "./failure.ts";
import type { Ended, Outcome, Plan } from "./run.ts";
import type { TaskFunction } from "./task-context.ts";
import { runOrder } from "./task-context.ts";
import type { OwnOrder } from "./task-order.ts";
import { spotAt } from "./tree.ts";

/** For compensations of children, which have no time of their own. Unit: ms. */
export const timeoutMsDefault = 60_000;

/** Carries an order out. A promise only when the task is one. Throws WORKFLOW_CHANGED when this code has no such task. */
export function carryOut(
  ctx: ErrandContext,
  plan: Plan,
  { type, run, state }: { readonly type: string; readonly run: string; readonly state: unknown },
  order: OwnOrder,
): Ended | Promise<Ended> {
  const node = spotAt(plan.tree, order.path)?.node;
  const isOne = node?.kind === "task" || (node?.kind === "child" && order.compensates === true);
  if (!isOne) throw changedTask(plan, run, order);
  const fn = (order.compensates ? node.compensate : node.kind === "task" ? node.run : undefined) as TaskFunction;
  const timeoutMs = node.kind === "task" ? node.timeoutMs : timeoutMsDefault;
  const outcome = runOrder(ctx, { type, run, order, state, fn, timeoutMs });
  return outcome instanceof Promise ? outcome.then((settled) => endedOf(order, settled)) : endedOf(order, outcome);
}

/** What the run is told when the end itself can not be. */
export function endedBadly(order: OwnOrder, thrown: unknown): Ended {
  return endedOf(order, { kind: "failed", failure: failureOf(thrown) });
}

export function changedTask(plan: Plan, run: string, { path }: OwnOrder, by = ""): TroupeError {
  const { name, version, tree } = plan;
  const text = `${path} of the run ${name}/${run} was ordered${by}; this code has version ${version} (${tree.hash})`;
  return new TroupeError("WORKFLOW_CHANGED", text);
}

const endedOf = ({ path, order, attempt }: OwnOrder, outcome: Outcome): Ended => ({ path, order, attempt, outcome });
