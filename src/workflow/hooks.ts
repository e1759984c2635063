// What is called while a run goes on. A hook is part of the turn whose commit it speaks of: what it tells other actors goes out
// with that commit, once; whatever else it does happens at least once, and may be of a turn that is run again. A hook that fails
// does not fail the run: that is logged.

import type { DeepReadonly, TurnContext } from "../actors/context.ts";
import type { ActorDefinition, MethodTable } from "../actors/definition.ts";
import type { TurnRef } from "../actors/ref.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { noteInSpan } from "../core/trace.ts";
import type { Failure } from "./failure.ts";
import type { Plan, Run, Transition } from "./run.ts";

export interface HookContext<State> {
  /** The run's id. */
  readonly run: string;
  /** As this turn leaves it. */
  readonly state: DeepReadonly<State>;
  readonly log: Logger;
  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): TurnRef<M>;
}

/** Each is called at least once for what it is named for, in order. */
export interface WorkflowHooks<State> {
  /** A task, or a child, is ordered; again for each attempt. */
  readonly beforeTask?: (ctx: HookContext<State>, task: { readonly path: string; readonly attempt: number }) => unknown;
  /** A task, or a child, has ended: well, not well, or after nobody wanted it any more. */
  readonly afterTask?: (
    ctx: HookContext<State>,
    task: { readonly path: string; readonly failure: Failure | undefined },
  ) => unknown;
  /** A node, or the run (path ""), has passed from one thing to another. */
  readonly onTransition?: (ctx: HookContext<State>, transition: Transition) => unknown;
  /** A node, or the run (path ""), has failed; also when it will be tried again. */
  readonly onFailure?: (ctx: HookContext<State>, failure: Failure, path: string) => unknown;
}

/** Where a run has got to, as watchers see it. */
export interface RunProgress {
  readonly workflow: string;
  readonly version: number;
  readonly run: string;
  /** How many turns have changed the run: a later one has more. */
  readonly number: number;
  /** The message that led to it. */
  readonly cause: string;
  /** When, by the worker's clock. Unit: ms since the epoch. */
  readonly atMs: number;
  readonly phase: Run["phase"];
  readonly paused: boolean;
  readonly marks: Run["marks"];
  readonly failure: Failure | undefined;
  readonly result: unknown;
}

/**
 * Where the progress of runs is written to, in the turn that made it. Called after the hooks, once for each turn that
 * changed the run; at least once, as they are. What it tells through `ctx.actor` goes out with the commit.
 */
export interface ProgressSink {
  write(ctx: HookContext<unknown>, progress: RunProgress): unknown;
}

/** A hook of any workflow, and where progress goes. */
export interface Observers {
  readonly hooks: WorkflowHooks<never>;
  readonly progress: ProgressSink | undefined;
}

/** Where a run has got to by the change that `cause` names. */
export function progressOf(plan: Plan, id: string, run: Run, cause: string, atMs: number): RunProgress {
  const { phase, paused = false, marks, failure, result, changes = 0 } = run;
  const about = { workflow: plan.name, version: plan.version, run: id, number: changes };
  return { ...about, cause, atMs, phase, paused, marks, failure, result };
}

/** Calls what listens, one after the other. A promise only when one of them is. */
export function observe(
  { hooks, progress }: Observers,
  turn: TurnContext<Run>,
  plan: Plan,
  run: Run,
  transitions: readonly Transition[],
): undefined | Promise<undefined> {
  for (const { path, from, to, failure } of transitions) {
    noteInSpan("workflow.transition", () => ({
      path,
      from,
      to,
      ...(failure === undefined ? {} : { code: failure.code }),
    }));
  }
  const id = turn.self.id;
  const ctx: HookContext<never> = {
    run: id,
    state: run.state as DeepReadonly<never>,
    // Made for those who write to it: most turns do not.
    get log() {
      return turn.log;
    },
    actor: (definition, actorId) => turn.actor(definition, actorId),
  };
  const call = (at: number): unknown => {
    const transition = transitions[Math.floor(at / hookNames.length)];
    const name = hookNames[at % hookNames.length];
    if (transition !== undefined && name !== undefined) return callHook(hooks, name, ctx, transition);
    return progress?.write(ctx, progressOf(plan, id, run, turn.messageId, turn.now()));
  };
  return callFrom(0, transitions.length * hookNames.length + 1, call, turn);
}

/** In the order in which they are called for one transition; at the end comes the progress. */
const hookNames = ["beforeTask", "afterTask", "onTransition", "onFailure"] as const;

function callHook(
  hooks: WorkflowHooks<never>,
  name: (typeof hookNames)[number],
  ctx: HookContext<never>,
  transition: Transition,
): unknown {
  const { path, from, to, attempt = 1, failure } = transition;
  const isTask = path !== "";
  switch (name) {
    case "beforeTask":
      return isTask && to === "running" ? hooks.beforeTask?.(ctx, { path, attempt }) : undefined;
    case "afterTask": {
      const isOver = (from === "running" || from === "left") && to !== "left" && to !== "running";
      return isTask && isOver ? hooks.afterTask?.(ctx, { path, failure }) : undefined;
    }
    case "onTransition":
      return hooks.onTransition?.(ctx, transition);
    case "onFailure":
      return failure === undefined ? undefined : hooks.onFailure?.(ctx, failure, path);
  }
}

function callFrom(
  first: number,
  count: number,
  call: (at: number) => unknown,
  turn: TurnContext<Run>,
): undefined | Promise<undefined> {
  for (let at = first; at < count; at += 1) {
    const name = at === count - 1 ? "progress" : hookNames[at % hookNames.length];
    try {
      const called = call(at);
      if (!(called instanceof Promise)) continue;
      return called
        .catch((thrown: unknown) => warn(turn, name, thrown))
        .then(() => callFrom(at + 1, count, call, turn));
    } catch (thrown) {
      warn(turn, name, thrown);
    }
  }
  return undefined;
}

function warn(turn: TurnContext<Run>, hook: string | undefined, thrown: unknown): void {
  turn.log.warn({ hook, error: messageOf(thrown) }, "a hook of the workflow failed");
}
