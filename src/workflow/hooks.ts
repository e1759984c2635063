// What is called while a run goes on. A hook is part of the turn whose commit it speaks of: what it tells other actors goes out
// with that commit, once; whatever else it does happens at least once, and may be of a turn that is run again. A hook that fails
// does not fail the run: that is logged.

import type { DeepReadonly, TurnContext } from "../actors/context.ts";
import type { ActorDefinition, MethodTable } from "../actors/definition.ts";
import type { TurnRef } from "../actors/ref.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { Failure, Plan, Run, Transition } from "./run.ts";

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

/** Calls what listens. A promise only when something listens. */
export async function observe(
  { hooks, progress }: Observers,
  turn: TurnContext<Run>,
  plan: Plan,
  run: Run,
  transitions: readonly Transition[],
): Promise<void> {
  const id = turn.self.id;
  const ctx: HookContext<never> = {
    run: id,
    state: run.state as DeepReadonly<never>,
    log: turn.log,
    actor: (definition, actorId) => turn.actor(definition, actorId),
  };
  const call = async (name: string, fn: () => unknown) => {
    try {
      await fn();
    } catch (thrown) {
      turn.log.warn({ hook: name, error: messageOf(thrown) }, "a hook of the workflow failed");
    }
  };
  for (const transition of transitions) {
    const { path, from, to, attempt = 1, failure } = transition;
    if (to === "running" && path !== "") await call("beforeTask", () => hooks.beforeTask?.(ctx, { path, attempt }));
    if (path !== "" && (from === "running" || from === "left") && to !== "left" && to !== "running") {
      await call("afterTask", () => hooks.afterTask?.(ctx, { path, failure }));
    }
    await call("onTransition", () => hooks.onTransition?.(ctx, transition));
    if (failure !== undefined) await call("onFailure", () => hooks.onFailure?.(ctx, failure, path));
  }
  if (progress === undefined) return;
  const { phase, paused = false, marks, failure, result, changes = 0 } = run;
  const about = { workflow: plan.name, version: plan.version, run: id, number: changes };
  const change = { cause: turn.messageId, atMs: turn.now() };
  await call("progress", () => progress.write(ctx, { ...about, ...change, phase, paused, marks, failure, result }));
}
