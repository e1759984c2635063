// What a run and the runs that are its children say to each other.
//
//   C1. A child's id is that of no other run: it names the parent with its workflow, the order and the attempt.
//   C2. What a parent says moves its own child alone, not another run of that id.
//   C3. A parent that gives up a child hears how that ended, whatever has become of it: it is under way, is over, or has
//       never begun. So it may say it again.

import type { TurnContext } from "../actors/context.ts";
import { defineActor, handler } from "../actors/definition.ts";
import { invariant } from "../core/errors.ts";
import type { Command, Ended, Outcome, Plan, Run, RunParent } from "./run.ts";
import { isOver } from "./run.ts";
import { runDoor } from "./run-door.ts";
import { internalSchema } from "./task-order.ts";
import { spotAt } from "./tree.ts";

type Turn = TurnContext<Run>;

export interface ChildStart {
  readonly input?: unknown;
  readonly parent: RunParent;
}

export interface GivenUp {
  readonly parent: RunParent;
}

export const childStart = internalSchema<ChildStart>("parent");
export const givenUp = internalSchema<GivenUp>("parent");

/** Digits of an order and of an attempt, with what stands before them. Unit: bytes. */
const numbersBytesMax = ".9999999.99999".length;

/** Longest id of a run of this workflow, if those of its children are to fit. Unit: bytes less than the longest id. */
export function childIdBytes({ name, tree }: Plan): number {
  const hasChildren = [...tree.spots.values()].some(({ node }) => node.kind === "child");
  return hasChildren ? name.length + 1 + numbersBytesMax : 0;
}

type ChildCommand = Command & { readonly kind: "child" | "cancel-child" };

export function tellChild(ctx: Turn, plan: Plan, parent: RunParent, command: ChildCommand): void {
  const id = `${plan.name}.${parent.id}.${parent.order}.${parent.attempt}`; // C1
  const child = ctx.actor(childRuns(plan, parent.path), id).tell;
  if (command.kind === "child") child.startAsChild({ input: command.input, parent });
  else child.giveUp({ parent });
}

/** What a parent's giving up comes to. */
export type GivingUp = "cancel" | "never-begun" | "over" | "nothing";

export function givingUp(run: Run, parent: RunParent): GivingUp {
  if (run.phase === "new") return "never-begun";
  const own = run.parent;
  const isIts = own?.type === parent.type && own.id === parent.id && own.order === parent.order;
  if (!isIts || own.attempt !== parent.attempt) return "nothing"; // C2
  if (isOver(run.phase)) return "over";
  return run.marks[""]?.is === "compensating" ? "nothing" : "cancel";
}

/** Stays like this, so that a start that comes late begins nothing. */
export function neverBegun(run: Run, parent: RunParent): Run {
  const failure = { code: "CANCELLED", message: "its parent gave it up before it began" };
  return { ...run, phase: "cancelled", failure, parent, changes: 1 };
}

export function outcomeOf(run: Run): Outcome {
  if (run.phase === "completed") return { kind: "ok", ...(run.result === undefined ? {} : { result: run.result }) };
  const { code = "FAILED", message = run.phase } = run.failure ?? {};
  return { kind: "failed", failure: { code, message, ...(run.failure === undefined ? {} : { data: run.failure }) } };
}

export function tellParent(ctx: Turn, { type, id, pool, path, order, attempt }: RunParent, outcome: Outcome): void {
  const ended: Ended = { path, order, attempt, outcome };
  ctx.actor(runDoor(type, pool), id).tell.ended(ended);
}

const childRunsOf = new WeakMap<object, ReturnType<typeof childDoor>>();

/** The runs of a child, as its parent sees them. */
function childRuns(plan: Plan, path: string): ReturnType<typeof childDoor> {
  const node = spotAt(plan.tree, path)?.node;
  invariant(node?.kind === "child", `${path} is a child`);
  const door = childRunsOf.get(node) ?? childDoor(node.runs.type, node.runs.pool);
  childRunsOf.set(node, door);
  return door;
}

function childDoor(type: string, pool: string | undefined) {
  return defineActor(
    type,
    { state: childStart, initial: {} as ChildStart, ...(pool === undefined ? {} : { pool }) },
    { startAsChild: handler(childStart, () => {}), giveUp: handler(givenUp, () => {}) },
  );
}
