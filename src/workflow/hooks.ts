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

/**
 * A class for its getter: V8 makes a hidden class, of the old generation, for each object that is written with one, and that keeps alive what
 * the getter knows, here the whole turn, until the next full collection.
 */
class InTurn implements HookContext<never> {
  readonly #turn: TurnContext<Run>;
  readonly run: string;
  readonly state: DeepReadonly<never>;
  /** May be taken out of the context, as a hook does that writes `({ actor })`. */
  readonly actor: HookContext<never>["actor"] = (definition, id) => this.#turn.actor(definition, id);

  constructor(turn: TurnContext<Run>, { state }: Run) {
    this.#turn = turn;
    this.run = turn.self.id;
    this.state = state as DeepReadonly<never>;
  }

  /** Made for those who write to it: most turns do not. */
  get log(): Logger {
    return this.#turn.log;
  }
}

/** Calls what listens, one after the other. A promise only when one of them is. */
export function observe(
  { hooks, progress }: Observers,
  turn: TurnContext<Run>,
  plan: Plan,
  run: Run,
  transitions: readonly Transition[],
): undefined | Promise<undefined> {
  const ctx = new InTurn(turn, run);
  const calls: (readonly [hook: string, call: () => unknown])[] = [];
  const { beforeTask, afterTask, onTransition, onFailure } = hooks;
  for (const transition of transitions) {
    const { path, from, to, attempt = 1, failure } = transition;
    noteInSpan("workflow.transition", () => ({
      path,
      from,
      to,
      ...(failure === undefined ? {} : { code: failure.code }),
    }));
    const isTask = path !== "";
    if (beforeTask && isTask && to === "running") calls.push(["beforeTask", () => beforeTask(ctx, { path, attempt })]);
    if (afterTask && isTask && (from === "running" || from === "left") && to !== "left" && to !== "running") {
      calls.push(["afterTask", () => afterTask(ctx, { path, failure })]);
    }
    if (onTransition) calls.push(["onTransition", () => onTransition(ctx, transition)]);
    if (onFailure && failure !== undefined) calls.push(["onFailure", () => onFailure(ctx, failure, path)]);
  }
  if (progress !== undefined) {
    const made = progressOf(plan, ctx.run, run, turn.messageId, turn.now());
    calls.push(["progress", () => progress.write(ctx, made)]);
  }
  return calls.length === 0 ? undefined : callAll(calls, turn);
}

function callAll(
  calls: readonly (readonly [hook: string, call: () => unknown])[],
  turn: TurnContext<Run>,
): undefined | Promise<undefined> {
  for (const [at, [hook, call]] of calls.entries()) {
    const warn = (thrown: unknown) =>
      turn.log.warn({ hook, error: messageOf(thrown) }, "a hook of the workflow failed");
    try {
      const called = call();
      if (!(called instanceof Promise)) continue;
      return called.catch(warn).then(() => callAll(calls.slice(at + 1), turn));
    } catch (thrown) {
      warn(thrown);
    }
  }
  return undefined;
}
