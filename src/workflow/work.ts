// One advance under way: the run that is being made from the one before, and what is still to be looked at. It holds no
// decisions; those stand in `enter.ts`, `finish.ts`, `fail.ts` and `compensate.ts`, and lead to each other by the queue alone, so
// that a definition of any depth takes no depth of calls.

import { create } from "mutative";
import { invariant } from "../core/errors.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { Failure } from "./failure.ts";
import { failureOf } from "./failure.ts";
import type { Node, OrderNode, Place } from "./node.ts";
import type { Again, Command, Compensation, KeptSignal, Mark, Phase, Plan, Run, Transition } from "./run.ts";
import { isOver } from "./run.ts";
import { isWithin, ownerOf, spotAt } from "./tree.ts";

/** What is to be looked at next. */
export type Action =
  | { readonly kind: "begin"; readonly block: string }
  | { readonly kind: "enter"; readonly path: string }
  | { readonly kind: "end"; readonly path: string }
  /** `again`: what a retry of it would go on with. */
  | { readonly kind: "fail"; readonly path: string; readonly failure: Failure; readonly again?: Again }
  | { readonly kind: "settle" };

/** Of what stands in no repetition. */
const nowhere: Place = { item: undefined, index: 0 };

export type Tried<T> = { readonly value: T } | { readonly failure: Failure };

export class Work {
  readonly plan: Plan;
  readonly nowMs: number;
  readonly queue: Action[] = [];
  readonly commands: Command[] = [];
  readonly transitions: Transition[] = [];
  readonly marks: Map<string, Mark>;
  readonly #before: Run;
  state: unknown;
  phase: Phase;
  paused: boolean;
  compensations: readonly Compensation[];
  signals: readonly KeptSignal[];
  orders: number;
  failure: Failure | undefined;
  result: unknown;

  constructor(plan: Plan, run: Run, nowMs: number) {
    this.plan = plan;
    this.nowMs = nowMs;
    this.#before = run;
    this.marks = new Map(Object.entries(run.marks));
    this.state = run.state;
    this.phase = run.phase;
    this.paused = run.paused === true;
    this.compensations = run.compensations ?? [];
    this.signals = run.signals ?? [];
    this.orders = run.orders ?? 0;
    this.failure = run.failure;
    this.result = run.result;
  }

  /** The run as it is to be stored: empty parts left out, the user's state first. */
  toRun(): Run {
    const { version, hash, parent } = this.#before;
    const run = { state: this.state, phase: this.phase } as { -readonly [Part in keyof Run]: Run[Part] };
    if (this.paused) run.paused = true;
    if (version !== undefined) run.version = version;
    if (hash !== undefined) run.hash = hash;
    if (this.failure !== undefined) run.failure = this.failure;
    if (this.result !== undefined) run.result = this.result;
    run.marks = Object.fromEntries(this.marks);
    if (this.compensations.length > 0) run.compensations = this.compensations;
    if (this.signals.length > 0) run.signals = this.signals;
    if (this.orders > 0) run.orders = this.orders;
    if (parent !== undefined) run.parent = parent;
    return run;
  }

  node(path: string): Node {
    const spot = spotAt(this.plan.tree, path);
    invariant(spot !== undefined, `a run of this version has no node ${path}`);
    return spot.node;
  }

  orderNode(path: string): OrderNode {
    const node = this.node(path);
    invariant(node.kind === "task" || node.kind === "child", `${path} takes orders`);
    return node;
  }

  /** Whether what the block stands in still goes on; a run that is held while all of it is undone does not (W4). */
  isLive(blockPath: string): boolean {
    if (blockPath === "") return this.phase === "running" || (this.phase === "held" && !this.marks.has(""));
    const { path, part } = ownerOf(blockPath);
    const mark = this.marks.get(path);
    return mark?.is === "open" && (mark.way === undefined || mark.way === part);
  }

  mark(path: string, mark: Mark): void {
    this.#note(path, mark);
    this.marks.set(path, mark);
  }

  /** `failure`: how it has ended, when that was not well. */
  unmark(path: string, failure?: Failure): void {
    this.#note(path, undefined, failure);
    this.marks.delete(path);
  }

  /**
   * Forgets the marks of what is over: a repetition, or what stands in a node that begins anew. What was given up in it still
   * has to end, and to be undone.
   */
  prune(outer: string): void {
    for (const [path, mark] of this.marks) {
      if (isWithin(path, outer) && mark.is !== "left" && mark.is !== "compensating") this.marks.delete(path);
    }
  }

  pass(phase: Phase): void {
    if (phase === this.phase) return;
    const failure = this.failure === undefined ? {} : { failure: this.failure };
    this.transitions.push({ path: "", from: this.phase, to: phase, ...failure });
    this.phase = phase;
    if (isOver(phase)) this.queue.length = 0;
  }

  next(...actions: readonly Action[]): void {
    this.queue.push(...actions);
  }

  placeOf(path: string): Place {
    if (!path.includes("[")) return nowhere;
    const numbers = [...path.matchAll(/\[(\d+)\]/g)];
    const index = Number(numbers.at(-1)?.[1] ?? 0);
    for (const found of numbers.toReversed()) {
      const owner = path.slice(0, found.index);
      if (this.node(owner).kind !== "each") continue;
      const mark = this.marks.get(owner);
      return { item: mark?.is === "open" ? mark.items?.[Number(found[1])] : undefined, index };
    }
    return { item: undefined, index };
  }

  /** Asks a function of the user's about the state. */
  ask<T>(path: string, what: string, fn: (state: unknown, place: Place) => T): Tried<T> {
    try {
      const value = fn(this.state, this.placeOf(path));
      if (isThenable(value)) return { failure: tooLate(path, what) };
      return { value };
    } catch (thrown) {
      return { failure: { ...failureOf(thrown), path } };
    }
  }

  /** Changes the state by a function of the user's, wholly or not at all. */
  change(path: string, what: string, fn: (state: unknown, place: Place) => unknown): Failure | undefined {
    try {
      const [draft, finalize] = create(this.state as object);
      const returned = fn(draft, this.placeOf(path));
      if (isThenable(returned)) return tooLate(path, what);
      const state: unknown = finalize();
      JSON.stringify(state);
      const fault = faultOfState(this.plan, state);
      if (fault !== undefined) return { code: "STATE_INVALID", message: `after ${what} of ${path}: ${fault}`, path };
      this.state = state;
      return undefined;
    } catch (thrown) {
      return { ...failureOf(thrown), path };
    }
  }

  #note(path: string, mark: Mark | undefined, ended?: Failure): void {
    const from = this.marks.get(path);
    if (from?.is === mark?.is && mark?.is !== "running") return;
    const failure = mark !== undefined && "failure" in mark ? mark.failure : ended;
    this.transitions.push({
      path,
      from: from?.is ?? "absent",
      to: mark?.is ?? "absent",
      ...(mark !== undefined && "attempt" in mark ? { attempt: mark.attempt } : {}),
      ...(failure === undefined ? {} : { failure }),
    });
  }
}

/** Why a state is not what the workflow's schema says; undefined when it is. */
export function faultOfState({ state: schema }: Plan, state: unknown): string | undefined {
  const validation = validate(schema, state);
  if (validation instanceof Promise) return "the schema of a workflow's state has to answer at once";
  return validation.kind === "valid" ? undefined : printIssues(validation.issues);
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

const tooLate = (path: string, what: string): Failure => ({
  code: "DEFINITION_INVALID",
  message: `${what} of ${path} has to answer at once; what takes time is a task`,
  path,
});
