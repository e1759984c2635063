// What a task is given, and how one run of it comes to an outcome.
//
//   K1. A run that fails sends nothing: what it told before is taken back. How it failed is told all the same.
//   K2. A step that a failed run of the same order has kept is not run again by the next one.
//   K3. When the time is over the run has failed, whatever the function does later.

import type { DeepReadonly } from "../actors/context.ts";
import type { ActorDefinition, MethodTable } from "../actors/definition.ts";
import type { ErrandContext } from "../actors/errand.ts";
import type { TurnRef } from "../actors/ref.ts";
import { printJson } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { SpanRequest } from "../core/trace.ts";
import { isTracing, traced } from "../core/trace.ts";
import type { StateStore } from "../memory/state-store.ts";
import { failureOf } from "./failure.ts";
import type { KeptSteps, Outcome } from "./run.ts";
import type { OwnOrder } from "./task-order.ts";
import { wire } from "./wire.ts";

export interface TaskContext<State, Item = undefined> {
  /**
   * The run's state when this run of the task began: a copy. What the task is to change in it, it returns, and `save` takes it in.
   */
  readonly state: DeepReadonly<State>;
  /** The item of the nearest `forEach` around it. */
  readonly item: Item;
  /** The number of that item, or of the repetition of the nearest `loop`, from 0. */
  readonly index: number;
  /** The run's id. */
  readonly run: string;
  /** The node: `refine[2]/review`. */
  readonly path: string;
  /** 1 in the first run. */
  readonly attempt: number;
  /** Names this task of this run, the same in each attempt, also after a person's `retry`: for idempotency keys of others. */
  readonly key: string;
  /** Aborts when the time is over, or when this worker no longer owns the task. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Another actor: `tell` goes out if and only if this run ends well, once; `ask` waits for the answer. */
  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): TurnRef<M>;
  /** The central state store. What is changed there stands at once, and an attempt that is run again does it again. */
  states(): Promise<StateStore>;
  /**
   * Runs `fn` once and keeps its result (as JSON): neither a crash nor another attempt of the task runs it again. `name` is
   * unique within the task.
   */
  step<T>(name: string, fn: (signal: AbortSignal) => T | Promise<T>): Promise<T>;
}

type AnyContext = TaskContext<unknown, unknown>;
export type TaskFunction = (ctx: AnyContext, result: unknown) => unknown;

/** What one run of a task is about. */
export interface TaskRun {
  /** The type and the id of the run of the workflow. */
  readonly type: string;
  readonly run: string;
  readonly order: OwnOrder;
  /** The run's state. */
  readonly state: unknown;
  readonly fn: TaskFunction;
  readonly timeoutMs: number;
}

/** One run of a task's function, or of its compensation. A promise only when the function is one. Never throws. */
export function runOrder(ctx: ErrandContext, task: TaskRun): Outcome | Promise<Outcome> {
  const { order, fn } = task;
  const context = new RunningTask(ctx, task);
  const failed = (thrown: unknown): Outcome => {
    ctx.takeBack(); // K1
    const { kept } = context;
    const steps = kept === undefined ? {} : { steps: wire(kept) as KeptSteps }; // K2
    return { kind: "failed", failure: failureOf(thrown), ...steps };
  };
  try {
    const run = () => {
      const running = fn(context, order.result);
      return isThenable(running) ? within(ctx, running, task, context) : running;
    };
    const ended = isTracing()
      ? traced(
          () => taskSpan(task),
          async () => run(),
        )
      : run();
    return ended instanceof Promise
      ? ended.then((result) => doneWith(order, result)).catch(failed)
      : doneWith(order, ended);
  } catch (thrown) {
    return failed(thrown);
  }
}

/** Throws RESULT_INVALID. */
function doneWith({ path }: OwnOrder, result: unknown): Outcome {
  const text = printJson(result, "RESULT_INVALID", `what ${path} returned`);
  return text === undefined ? { kind: "ok" } : { kind: "ok", result: JSON.parse(text) as unknown };
}

/** What a task costs that asks for nothing is next to nothing: its parts are made when they are asked for. */
class RunningTask implements AnyContext {
  readonly #ctx: ErrandContext;
  readonly #task: TaskRun;
  #state: { readonly copy: DeepReadonly<unknown> } | undefined;
  #over: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #steps: Steps | undefined;

  constructor(ctx: ErrandContext, task: TaskRun) {
    this.#ctx = ctx;
    this.#task = task;
  }

  get state(): DeepReadonly<unknown> {
    this.#state ??= { copy: wire(this.#task.state) as DeepReadonly<unknown> };
    return this.#state.copy;
  }
  get item(): unknown {
    return this.#task.order.place.item;
  }
  get index(): number {
    return this.#task.order.place.index;
  }
  get run(): string {
    return this.#task.run;
  }
  get path(): string {
    return this.#task.order.path;
  }
  get attempt(): number {
    return this.#task.order.attempt;
  }
  get key(): string {
    const { type, run, order } = this.#task;
    return `${type}/${run}/${order.path}/${order.order}`;
  }
  get signal(): AbortSignal {
    this.#over ??= new AbortController();
    this.#signal ??= AbortSignal.any([this.#ctx.signal, this.#over.signal]);
    return this.#signal;
  }
  get log(): Logger {
    return this.#ctx.log;
  }

  /** What its steps, and those of the attempts before, have kept. */
  get kept(): KeptSteps | undefined {
    return this.#steps === undefined ? this.#task.order.steps : this.#steps.kept;
  }

  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): TurnRef<M> {
    return this.#ctx.actor(definition, id);
  }

  states(): Promise<StateStore> {
    return this.#ctx.states();
  }

  step<T>(name: string, fn: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    this.#steps ??= new Steps(this.#ctx, this.#task.order.steps ?? {});
    return this.#steps.run(name, () => fn(this.signal));
  }

  /** Its time is over (K3). */
  end(error: TroupeError): void {
    this.#over ??= new AbortController();
    this.#over.abort(error);
  }
}

/**
 * `task path`: that a task has failed is told to its run as any other outcome is, so the turn around it does not show it. The
 * numbers of repetitions and items are left out of the name.
 */
function taskSpan({ type, run, order: { path, attempt, compensates = false } }: TaskRun): SpanRequest {
  return {
    name: `${compensates ? "compensate" : "task"} ${path.replaceAll(/\[\d+\]/g, "")}`,
    kind: "internal",
    parent: "active",
    attributes: {
      "troupe.actor.type": type,
      "troupe.workflow.run": run,
      "troupe.workflow.path": path,
      "troupe.workflow.attempt": attempt,
    },
  };
}

/** K3. */
async function within(
  ctx: ErrandContext,
  running: PromiseLike<unknown>,
  { timeoutMs, order }: TaskRun,
  context: RunningTask,
): Promise<unknown> {
  const ended = new AbortController();
  const late = ctx.delay(timeoutMs, ended.signal).then(() => {
    if (ended.signal.aborted) return undefined;
    const error = new TroupeError("TASK_TIMEOUT", `${order.path} took longer than ${timeoutMs} ms`);
    context.end(error);
    throw error;
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    ended.abort();
  }
}

/** The steps of one order, over its attempts (K2). */
class Steps {
  readonly #ctx: ErrandContext;
  readonly #earlier: KeptSteps;
  readonly #done: Record<string, unknown> = {};
  readonly #names = new Set<string>();

  constructor(ctx: ErrandContext, earlier: KeptSteps) {
    this.#ctx = ctx;
    this.#earlier = earlier;
  }

  /** Undefined when there is none. */
  get kept(): KeptSteps | undefined {
    const kept = { ...this.#earlier, ...this.#done };
    return Object.keys(kept).length === 0 ? undefined : kept;
  }

  async run<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    if (this.#names.has(name)) throw new TroupeError("STEP_REPEATED", `the step ${name} has run in this task`);
    this.#names.add(name);
    if (Object.hasOwn(this.#earlier, name)) return wire(this.#earlier[name]) as T;
    const value = await this.#ctx.step(name, fn);
    this.#done[name] = value ?? null;
    return value;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
