// How a workflow is written down: functions that make nodes, typed by the run's state. What makes no sense is refused here.

import type { DeepReadonly } from "../actors/context.ts";
import type { Wire } from "../actors/ref.ts";
import { TroupeError } from "../core/errors.ts";
import type { OutputOf, Schema } from "../core/schema.ts";
import type { StateModel } from "../memory/state-model.ts";
import type { State as CentralState } from "../memory/state-value.ts";
import type { Failure } from "./failure.ts";
import type {
  AttemptNode,
  Block,
  BranchNode,
  ChangeNode,
  ChildNode,
  EachNode,
  ErrorPath,
  FailNode,
  Join,
  LoopNode,
  Node,
  ParallelNode,
  RetryPlan,
  RetryPlans,
  SleepNode,
  TaskNode,
  WaitNode,
  Way,
} from "./node.ts";
import { waitMsMax } from "./node.ts";
import type { TaskContext } from "./task-context.ts";

/** One node, or several that run one after the other. */
export type Steps = Node | readonly Node[];

/** Where a function of the definition is called: the item and the number of the nearest `forEach` or `loop` around it. */
export interface At<Item> {
  readonly item: Item;
  readonly index: number;
}

export type RetryRule = Partial<RetryPlan> & {
  /** Other plans by the failure's code: a `TroupeError`'s, an error's own `code`, else its name. */
  readonly kinds?: Readonly<Record<string, Partial<RetryPlan>>>;
};

export interface TaskOptions<State, Item, Result> {
  /**
   * Takes the result into the state, a draft as in a handler, at the moment the task ends: the state as it is then, with what
   * parallel tasks have saved meanwhile. Has to be quick and synchronous. If it throws, the task has failed.
   */
  readonly save?: (state: State, result: Result, at: At<Item>) => unknown;
  /** Takes back what the task did, when its attempt or its run fails or is cancelled after it. Tried as often as the task. */
  readonly compensate?: (ctx: TaskContext<State, Item>, result: Result) => unknown;
  readonly retry?: RetryRule;
  /** One run fails with TASK_TIMEOUT, and `ctx.signal` aborts, after this. Unit: ms, up to ten years. Default 60,000. */
  readonly timeoutMs?: number;
}

export interface ReadStateOptions<State, Item, Found> {
  readonly id: string | ((state: DeepReadonly<State>, at: At<Item>) => string);
  /** Takes what it wants of it into the state, as that of a task. */
  readonly save: (state: State, found: Found, at: At<Item>) => unknown;
  readonly retry?: RetryRule;
  /** One read fails with TASK_TIMEOUT after this. Unit: ms, up to ten years. Default 60,000. */
  readonly timeoutMs?: number;
}

export interface ForEachOptions<State, Item, Each> {
  /** Read once, when it begins. Values that JSON can carry. */
  readonly items: (state: DeepReadonly<State>, at: At<Item>) => readonly Each[];
  /** Items under way at a time, 1 to 256. Default 8. */
  readonly concurrency?: number;
  /** How many items have to end well: "all", "any" (one) or a number; when so many have, the others are given up. Default "all". */
  readonly join?: Join;
}

export interface LoopOptions<State, Item> {
  /** Asked after each repetition. */
  readonly until: (state: DeepReadonly<State>, at: At<Item>) => boolean;
  /** Repetitions, 1 to 10,000; with the last one the loop fails with LOOP_EXHAUSTED. Default 100. */
  readonly timesMax?: number;
}

export interface WaitForOptions<State, Item, S extends Schema | undefined> {
  /** The signal's name. Default: the node's. */
  readonly signal?: string;
  /** What may come with it; checked when it comes, so that its sender hears of it. Without one nothing may. */
  readonly schema?: S;
  /** Takes what came with it into the state, as JSON carries what the schema made of it. */
  readonly save?: (state: State, data: Wire<OutputOf<S>>, at: At<Item>) => unknown;
  /** Unit: ms, up to ten years. Default: it waits for ever. */
  readonly timeoutMs?: number;
  /** What is done when it did not come in time. Default: the node fails with SIGNAL_LATE. */
  readonly late?: Steps;
}

export interface AttemptOptions {
  /**
   * Error paths, taken once what the body did is compensated: by the failure's code, or made with `errorPath`, the first that fits.
   */
  readonly on?: Readonly<Record<string, Steps>> | readonly ErrorPath[];
  /** The way on after any other failure. Without a way for it the attempt fails. */
  readonly otherwise?: Steps;
  /** Its body fails with ATTEMPT_TIMEOUT after this: what it waits for is given up. Unit: ms, up to ten years. Default: none. */
  readonly timeoutMs?: number;
}

/** What a workflow can have as a child: see `Workflow`. */
export interface ChildWorkflow<Input, Result> {
  readonly run: ChildNode["runs"];
  readonly actors: ChildNode["actors"];
  readonly types?: { readonly input: Input; readonly result: Result };
}

export interface ChildOptions<State, Item, Input, Result> extends Omit<TaskOptions<State, Item, Result>, "timeoutMs"> {
  readonly input: (state: DeepReadonly<State>, at: At<Item>) => Input;
}

/** Makes nodes of a workflow whose runs have this state; `Item` is what the `forEach` around them goes through. */
export interface Flow<State, Item = undefined> {
  /** Runs `run` beside the run, which a long one does not hold up: in the same worker, or in the pool that `taskPool` names. */
  task<Result>(
    name: string,
    run: (ctx: TaskContext<State, Item>) => Result,
    options?: TaskOptions<State, Item, Wire<Awaited<Result>>>,
  ): Node;
  /**
   * Reads a state of the central store with one read, as a task whose result `save` takes in: what the branches and loops after it
   * are decided on stands in the run then, and is the same however often a turn is run again. Undefined when there is no such state.
   * In a `loop` with a `sleep` it waits for a change.
   */
  read<Status extends string, Event extends string, Data>(
    name: string,
    model: StateModel<Status, Event, Data>,
    options: ReadStateOptions<State, Item, Wire<CentralState<Status, Data> | undefined>>,
  ): Node;
  /** Changes the state. Quick and synchronous: it is part of the commit that leads to it. */
  change(name: string, change: (state: State, at: At<Item>) => unknown): Node;
  /** Takes the first of `when(...)` whose condition holds, else `otherwise(...)`, else nothing. */
  branch(name: string, ...ways: readonly Way[]): Node;
  when(name: string, condition: (state: DeepReadonly<State>, at: At<Item>) => boolean, ...steps: readonly Node[]): Way;
  otherwise(...steps: readonly Node[]): Way;
  /** Runs all ways at once, and goes on when as many have ended well as `join` says (default "all"). */
  parallel(name: string, ways: Readonly<Record<string, Steps>>, options?: { readonly join?: Join }): Node;
  /** Runs the same for each item. */
  forEach<Each>(
    name: string,
    options: ForEachOptions<State, Item, Each>,
    steps: (each: Flow<State, Each>) => Steps,
  ): Node;
  /** Repeats until a condition holds. */
  loop(name: string, options: LoopOptions<State, Item>, ...steps: readonly Node[]): Node;
  /** Sleeps, however many workers come and go meanwhile. Unit: ms. */
  sleep(name: string, ms: number | ((state: DeepReadonly<State>, at: At<Item>) => number)): Node;
  /** Waits for somebody to `signal` the run, a person as a rule. */
  waitFor<S extends Schema | undefined = undefined>(name: string, options?: WaitForOptions<State, Item, S>): Node;
  /** Runs another workflow, and waits for its end. */
  child<Input, Result>(
    name: string,
    workflow: ChildWorkflow<Input, Result>,
    options: ChildOptions<State, Item, Input, Result>,
  ): Node;
  /** A scope: when its body fails, what was done in it is compensated, in reverse, before a way leads on. */
  attempt(name: string, body: Steps, options?: AttemptOptions): Node;
  /**
   * What an attempt does about failures that fit: of these codes, or for which a function says so. Its place in the list is its priority.
   */
  errorPath(
    name: string,
    fits: readonly string[] | ((failure: Failure, state: DeepReadonly<State>, at: At<Item>) => boolean),
    ...steps: readonly Node[]
  ): ErrorPath;
  /** Fails on purpose. */
  fail(name: string, failure: { readonly code: string; readonly message?: string }): Node;
}

const retryDefaults: RetryPlan = { attempts: 3, backoffMs: 1_000, backoffMsMax: 60_000 };
const timeoutMsDefault = 60_000;
const concurrencyMax = 256;
const timesMaxMax = 10_000;

/** The one implementation: what the types say is checked where they are used. */
export const flow: Flow<never, never> = {
  task: (name, run, { save, compensate, retry, timeoutMs = timeoutMsDefault } = {}) =>
    ({
      kind: "task",
      name,
      run: functionIn(name, "run", run),
      save,
      compensate,
      retry: plansOf(name, retry, retryDefaults.attempts),
      timeoutMs: whole(name, "timeoutMs", timeoutMs, 1, waitMsMax),
    }) as TaskNode,
  read: (name, model, { id, save, ...options }) => {
    const idOf = typeof id === "string" ? () => id : functionIn(name, "id", id as (...given: unknown[]) => string);
    const read = async (ctx: TaskContext<unknown, unknown>) =>
      (await ctx.states()).of(model).get(idOf(ctx.state, { item: ctx.item, index: ctx.index }));
    return flow.task(name, read as never, { ...options, save: functionIn(name, "save", save) as never });
  },
  change: (name, change) => ({ kind: "change", name, change: functionIn(name, "change", change) }) as ChangeNode,
  branch: (name, ...ways) => {
    const at = ways.findIndex(({ when }) => when === undefined);
    if (ways.length === 0 || (at !== -1 && at !== ways.length - 1)) {
      throw invalid(name, "a branch takes one `when(...)` or more, and at its end one `otherwise(...)` or none");
    }
    return { kind: "branch", name, ways } satisfies BranchNode;
  },
  when: (name, condition, ...steps) => ({ name, when: functionIn(name, "when", condition), block: steps }) as Way,
  otherwise: (...steps) => ({ name: "otherwise", when: undefined, block: steps }),
  parallel: (name, ways, { join = "all" } = {}) => {
    const all = Object.entries(ways).map(([way, steps]) => ({ name: way, when: undefined, block: blockOf(steps) }));
    if (all.length === 0) throw invalid(name, "a parallel takes one way or more");
    return { kind: "parallel", name, ways: all, join: joinIn(name, join, all.length) } satisfies ParallelNode;
  },
  forEach: (name, { items, concurrency = 8, join = "all" }, steps) =>
    ({
      kind: "each",
      name,
      items: functionIn(name, "items", items),
      block: blockOf(steps(flow as never)),
      concurrency: whole(name, "concurrency", concurrency, 1, concurrencyMax),
      join: joinIn(name, join, Number.MAX_SAFE_INTEGER),
    }) as EachNode,
  loop: (name, { until, timesMax = 100 }, ...steps) =>
    ({
      kind: "loop",
      name,
      until: functionIn(name, "until", until),
      timesMax: whole(name, "timesMax", timesMax, 1, timesMaxMax),
      block: steps,
    }) as LoopNode,
  sleep: (name, ms) => ({ kind: "sleep", name, ms: typeof ms === "number" ? () => ms : ms }) as SleepNode,
  waitFor: (name, { signal = name, schema, save, timeoutMs, late } = {}) =>
    ({
      kind: "wait",
      name,
      signal,
      schema,
      save,
      timeoutMs: timeoutMs === undefined ? undefined : whole(name, "timeoutMs", timeoutMs, 1, waitMsMax),
      late: late === undefined ? undefined : blockOf(late),
    }) as WaitNode,
  child: (name, { run, actors }, { input, save, compensate, retry }) =>
    ({
      kind: "child",
      name,
      runs: run,
      actors,
      input: functionIn(name, "input", input),
      save,
      compensate,
      retry: plansOf(name, retry, 1),
    }) as ChildNode,
  attempt: (name, body, { on = {}, otherwise, timeoutMs } = {}) => {
    const known = Array.isArray(on)
      ? (on as readonly ErrorPath[])
      : Object.entries(on).map(([code, steps]) => flow.errorPath(code, [code], ...blockOf(steps)));
    const taken = known.find((path) => path.name === "try" || path.name === "otherwise");
    if (taken !== undefined)
      throw invalid(name, `\`${taken.name}\` is no code of a failure, and no name of an error path`);
    const rest = otherwise === undefined ? [] : [{ name: "otherwise", fits: () => true, block: blockOf(otherwise) }];
    return {
      ...{ kind: "attempt", name, block: blockOf(body), ways: [...known, ...rest] },
      timeoutMs: timeoutMs === undefined ? undefined : whole(name, "timeoutMs", timeoutMs, 1, waitMsMax),
    } satisfies AttemptNode;
  },
  errorPath: (name, fits, ...steps) => {
    if (typeof fits === "function") return { name, fits, block: steps } as ErrorPath;
    const codes: readonly string[] = fits;
    if (Array.isArray(codes) && codes.length > 0) {
      return { name, fits: ({ code }) => codes.includes(code), block: steps } satisfies ErrorPath;
    }
    throw invalid(name, `an error path is for a list of codes, or what a function says, got ${JSON.stringify(fits)}`);
  },
  fail: (name, { code, message = code }) => ({ kind: "fail", name, code, message: () => message }) satisfies FailNode,
};

function blockOf(steps: Steps): Block {
  return Array.isArray(steps) ? (steps as Block) : [steps as Node];
}

function plansOf(name: string, rule: RetryRule = {}, attempts: number): RetryPlans {
  const { kinds = {}, ...own } = rule;
  const plan = planOf(name, own, { ...retryDefaults, attempts });
  const byKind = Object.entries(kinds).map(([code, kind]) => [code, planOf(name, kind, plan)] as const);
  return { ...plan, kinds: Object.fromEntries(byKind) };
}

function planOf(name: string, given: Partial<RetryPlan>, defaults: RetryPlan): RetryPlan {
  const { attempts = defaults.attempts, backoffMs = defaults.backoffMs, backoffMsMax = defaults.backoffMsMax } = given;
  return {
    attempts: whole(name, "retry.attempts", attempts, 1),
    backoffMs: whole(name, "retry.backoffMs", backoffMs, 1, waitMsMax),
    backoffMsMax: whole(name, "retry.backoffMsMax", backoffMsMax, 1, waitMsMax),
  };
}

function joinIn(name: string, join: Join, most: number): Join {
  return join === "all" || join === "any" ? join : whole(name, "join", join, 1, most);
}

function whole(name: string, what: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const bound = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  throw invalid(name, `\`${what}\` must be a whole number ${bound}, got ${String(value)}`);
}

function functionIn<Fn>(name: string, what: string, fn: Fn): Fn {
  if (typeof fn === "function") return fn;
  throw invalid(name, `\`${what}\` must be a function, got ${typeof fn}`);
}

function invalid(name: string, what: string): TroupeError {
  return new TroupeError("DEFINITION_INVALID", `node ${JSON.stringify(name)} of a workflow: ${what}`);
}
