// What a task is given, and how one run of it comes to an outcome.
//
//   K1. A run that fails sends nothing: what it told before is taken back. How it failed is told all the same.
//   K2. A step that a failed run of the same order has kept is not run again by the next one.
//   K3. When the time is over the run has failed, whatever the function does later.

import type { DeepReadonly, TurnContext } from "../actors/context.ts";
import type { ActorDefinition, MethodTable } from "../actors/definition.ts";
import type { TurnRef } from "../actors/ref.ts";
import { printJson } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { StateStore } from "../memory/state-store.ts";
import { failureOf } from "./failure.ts";
import type { Outcome } from "./run.ts";
import type { TaskOrder, TaskState } from "./task-order.ts";
import { wire } from "./wire.ts";

export interface TaskContext<State, Item = undefined> {
  /** The run's state when the task was ordered. What the task is to change in it, it returns, and `save` takes it in. */
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
  /** Names this task of this run, the same in each attempt: for idempotency keys of others. */
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

/** One run of a task's function, or of its compensation. Never throws. */
export async function runOrder(
  ctx: TurnContext<TaskState>,
  order: TaskOrder,
  fn: TaskFunction,
  timeoutMs: number,
): Promise<Outcome> {
  const over = new AbortController();
  const signal = AbortSignal.any([ctx.signal, over.signal]);
  const steps = new Steps(ctx, order);
  const key = `${ctx.self.type}/${order.run}/${order.path}/${order.order}`;
  const context: AnyContext = {
    state: order.state as DeepReadonly<unknown>,
    item: order.place.item,
    index: order.place.index,
    ...{ run: order.run, path: order.path, attempt: order.attempt, key, signal, log: ctx.log },
    actor: (definition, id) => ctx.actor(definition, id),
    states: () => ctx.states(),
    step: (name, run) => steps.run(name, () => run(signal)),
  };
  try {
    const result = await within(ctx, fn(context, order.result), timeoutMs, over, order.path);
    const text = printJson(result, "RESULT_INVALID", `what ${order.path} returned`);
    steps.forget();
    return text === undefined ? { kind: "ok" } : { kind: "ok", result: wire(result) };
  } catch (thrown) {
    ctx.takeBack(); // K1
    steps.keep();
    return { kind: "failed", failure: failureOf(thrown) };
  }
}

/** K3. */
async function within(
  ctx: TurnContext<TaskState>,
  running: unknown,
  timeoutMs: number,
  over: AbortController,
  path: string,
): Promise<unknown> {
  const ended = new AbortController();
  const late = ctx.delay(timeoutMs, ended.signal).then(() => {
    if (ended.signal.aborted) return undefined;
    const error = new TroupeError("TASK_TIMEOUT", `${path} took longer than ${timeoutMs} ms`);
    over.abort(error);
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
  readonly #ctx: TurnContext<TaskState>;
  readonly #order: number;
  readonly #earlier: Readonly<Record<string, unknown>>;
  readonly #done: Record<string, unknown> = {};
  readonly #names = new Set<string>();

  constructor(ctx: TurnContext<TaskState>, { order }: TaskOrder) {
    this.#ctx = ctx;
    this.#order = order;
    const { steps } = ctx.state;
    this.#earlier = steps?.of === order ? (wire(steps.done) as Record<string, unknown>) : {};
  }

  async run<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    if (this.#names.has(name)) throw new TroupeError("STEP_REPEATED", `the step ${name} has run in this task`);
    this.#names.add(name);
    if (Object.hasOwn(this.#earlier, name)) return wire(this.#earlier[name]) as T;
    const value = await this.#ctx.step(name, fn);
    this.#done[name] = value ?? null;
    return value;
  }

  keep(): void {
    const done = { ...this.#earlier, ...this.#done };
    if (Object.keys(done).length > 0) this.#ctx.state.steps = { of: this.#order, done };
  }

  forget(): void {
    if (this.#ctx.state.steps !== undefined) delete this.#ctx.state.steps;
  }
}
