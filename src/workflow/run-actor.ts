// The actor that a run of a workflow is. It decides, and does nothing else: `advance` says what becomes of the run, and what it
// wants done is told to other actors with the same commit.
//
//   A1. An event, what it makes of the run, and the orders that follow are one turn: one commit (P2, P3).
//   A2. The run has one timer, `due`, for the earliest time that it waits for.
//   A3. Mail that this code cannot deal with is not lost: the run stops (decision 0012) until it is resumed. What a caller has
//       done wrong is his: it changes nothing, and a tell of it is a dead letter.

import { original } from "mutative";
import type { TurnContext } from "../actors/context.ts";
import type { ActorDefinition, Handler, Query } from "../actors/definition.ts";
import { defineActor, handler, query } from "../actors/definition.ts";
import type { FailureVerdict, Failure as TurnFailure } from "../actors/supervision.ts";
import { invariant, TroupeError } from "../core/errors.ts";
import { idBytesMax } from "../core/ids.ts";
import type { Schema, Validation } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import { advance, isWaitedFor, newRun } from "./advance.ts";
import { failureOf } from "./failure.ts";
import type { Observers } from "./hooks.ts";
import { observe } from "./hooks.ts";
import type { Command, Ended, Failure, Outcome, Phase, Plan, Run, RunEvent, RunParent } from "./run.ts";
import { isOver } from "./run.ts";
import { endedSchema, runDoor } from "./run-door.ts";
import type { defineTaskActor } from "./task-actor.ts";
import { internalSchema } from "./task-order.ts";
import { longestPath, spotAt } from "./tree.ts";
import type { Migrations } from "./version.ts";
import { isOwn, pinned } from "./version.ts";
import { faultOfState } from "./work.ts";

/** Signals that came before anything waited for them. */
export const keptSignalsMax = 64;
const attemptsMax = 30;
/** What is wrong with a call, not with the run. */
const callerCodes: readonly unknown[] = ["RUN_PHASE", "SIGNAL_UNKNOWN", "SIGNALS_FULL", "INPUT_INVALID", "ID_INVALID"];

export interface Signal {
  readonly name: string;
  readonly data?: unknown;
}

/** How a run stands, for people and programs. */
export interface RunStatus<State = unknown, Result = unknown> {
  readonly phase: Phase;
  readonly isPaused: boolean;
  readonly state: State;
  /** What each node does that has begun. */
  readonly nodes: Run["marks"];
  /** Signals that something waits for now. */
  readonly waitsFor: readonly string[];
  /** Why it failed, is held, or was cancelled. */
  readonly failure?: Failure;
  /** Once it is completed. */
  readonly result?: Result;
  readonly version?: number;
}

export type RunMethods<State, Input, Result> = {
  /** Begins the run. Rejects with INPUT_INVALID, RUN_PHASE when it has begun, ID_INVALID. */
  readonly start: Handler<Run<State>, Input, Promise<RunStatus<State, Result>>>;
  /** Rejects with SIGNAL_UNKNOWN, INPUT_INVALID, SIGNALS_FULL, RUN_PHASE. */
  readonly signal: Handler<Run<State>, Signal, Promise<RunStatus<State, Result>>>;
  /** Gives up what goes on, waits for what was ordered, compensates what was done. */
  readonly cancel: Handler<Run<State>, { readonly reason?: string } | undefined, Promise<RunStatus<State, Result>>>;
  /** No order is given until `resume`. Those that were given go on, and so does time. */
  readonly pause: Handler<Run<State>, undefined, Promise<RunStatus<State, Result>>>;
  readonly resume: Handler<Run<State>, undefined, Promise<RunStatus<State, Result>>>;
  /** Tries again what the run is held for. */
  readonly retry: Handler<Run<State>, undefined, Promise<RunStatus<State, Result>>>;
  readonly status: Query<Run<State>, undefined, RunStatus<State, Result>>;
};

export type RunDefinition<State, Input, Result> = ActorDefinition<Run<State>, RunMethods<State, Input, Result>>;

export interface RunActorOptions {
  readonly type: string;
  readonly pool: string | undefined;
  readonly plan: Plan;
  readonly input: Schema | undefined;
  readonly initial: (input: never) => unknown;
  readonly signals: ReadonlyMap<string, Schema | undefined>;
  readonly migrations: Migrations;
  readonly observers: Observers;
  readonly task: ReturnType<typeof defineTaskActor>;
}

type Turn = TurnContext<Run>;

export function defineRunActor(options: RunActorOptions) {
  const { type, plan } = options;
  const runs = new Runs(options);
  const move = (event: RunEvent) => handler((ctx: Turn) => runs.move(ctx, event));
  return defineActor(
    type,
    {
      state: runSchema(plan) as Schema<unknown, Run>,
      initial: newRun,
      retry: { attempts: attemptsMax },
      onFailure: verdictOf,
      ...(options.pool === undefined ? {} : { pool: options.pool }),
    },
    {
      start: handler(options.input ?? anyInput, (ctx: Turn, input) => runs.start(ctx, input, undefined)),
      startAsChild: handler(childStart, (ctx: Turn, { input, parent }) => runs.startAsChild(ctx, input, parent)),
      signal: handler(signalSchema, (ctx: Turn, signal) => runs.signal(ctx, signal)),
      cancel: handler(cancelSchema, (ctx: Turn, { reason = "it was cancelled" }) =>
        runs.move(ctx, { kind: "cancel", reason }),
      ),
      pause: move({ kind: "pause" }),
      resume: move({ kind: "resume" }),
      retry: move({ kind: "retry" }),
      ended: handler(endedSchema, (ctx: Turn, ended) => runs.take(ctx, { kind: "ended", ...ended })),
      due: handler(dueSchema, (ctx: Turn, { dueMs }) => runs.take(ctx, { kind: "due" }, dueMs)),
      status: query((ctx): RunStatus => statusOf(ctx.state as Run)),
    },
  );
}

/** A3. */
function verdictOf({ data, attempts }: TurnFailure): FailureVerdict {
  if (callerCodes.includes((data as { code?: unknown } | undefined)?.code)) return "dead-letter";
  return attempts < attemptsMax ? "retry" : "stop";
}

class Runs {
  readonly #options: RunActorOptions;

  constructor(options: RunActorOptions) {
    this.#options = options;
  }

  async start(ctx: Turn, input: unknown, parent: RunParent | undefined): Promise<RunStatus> {
    const { plan, initial } = this.#options;
    const run = original(ctx.state) as Run;
    if (run.phase !== "new") throw new TroupeError("RUN_PHASE", `the run ${ctx.self.id} of ${plan.name} has begun`);
    const bytesMax = idBytesMax - 1 - Math.max(longestPath(plan.tree), plan.name.length);
    if (Buffer.byteLength(ctx.self.id) > bytesMax) {
      const text = `the id of a run of ${plan.name} holds at most ${bytesMax} bytes, so that those of its tasks and of its progress fit`;
      throw new TroupeError("ID_INVALID", `${text}; got ${ctx.self.id}`);
    }
    const state = initial(input as never);
    const fault = faultOfState(plan, state);
    if (fault !== undefined) throw new TroupeError("STATE_INVALID", `the initial state of ${plan.name}: ${fault}`);
    return this.take(ctx, { kind: "start", state, parent });
  }

  /** What the parent gave is wrong for good: it hears of it as a failure. */
  async startAsChild(ctx: Turn, input: unknown, parent: RunParent): Promise<void> {
    try {
      const schema = this.#options.input ?? anyInput;
      const validation = await validate(schema, input);
      if (validation.kind === "invalid") {
        throw new TroupeError("INPUT_INVALID", `the input of ${ctx.self.type}: ${printIssues(validation.issues)}`);
      }
      await this.start(ctx, validation.value, parent);
    } catch (thrown) {
      ctx.takeBack();
      tellParent(ctx, parent, { kind: "failed", failure: failureOf(thrown) });
    }
  }

  async signal(ctx: Turn, { name, data }: Signal): Promise<RunStatus> {
    const { signals, plan } = this.#options;
    if (!signals.has(name)) {
      const known = [...signals.keys()].join(", ") || "none";
      throw new TroupeError("SIGNAL_UNKNOWN", `${plan.name} waits for no signal ${name}; it has ${known}`);
    }
    const schema = signals.get(name);
    const validation = schema === undefined ? faultlessNothing(data) : await validate(schema, data);
    if (validation.kind === "invalid") {
      const text = `the signal ${name} of ${plan.name}: ${printIssues(validation.issues)}`;
      throw new TroupeError("INPUT_INVALID", text, { data: { issues: validation.issues } });
    }
    const run = original(ctx.state) as Run;
    if (!isWaitedFor(run, name) && (run.signals?.length ?? 0) >= keptSignalsMax) {
      throw new TroupeError("SIGNALS_FULL", `${ctx.self.id} keeps ${keptSignalsMax} signals already`);
    }
    return this.move(ctx, { kind: "signal", name, data: validation.value });
  }

  /** An event that somebody sends who wants to know when it comes to nothing. */
  async move(ctx: Turn, event: RunEvent): Promise<RunStatus> {
    const { phase } = original(ctx.state) as Run;
    const isHeldFor = event.kind !== "retry" || phase === "held";
    if (phase !== "new" && !isOver(phase) && isHeldFor) return this.take(ctx, event);
    const text = `the run ${ctx.self.id} of ${this.#options.plan.name} is ${phase}; ${event.kind} does nothing there`;
    throw new TroupeError("RUN_PHASE", text);
  }

  /** A1. */
  async take(ctx: Turn, event: RunEvent, dueMs = 0): Promise<RunStatus> {
    const { plan, migrations, observers } = this.#options;
    const stored = original(ctx.state) as Run;
    if (isOver(stored.phase)) return statusOf(stored);
    const before = pinned(plan, migrations, stored, ctx.self.id);
    const { run: next, commands, transitions } = advance(plan, before, event, Math.max(ctx.now(), dueMs));
    if (next === before) return statusOf(stored);
    const run: Run = { ...next, changes: (stored.changes ?? 0) + 1 };
    ctx.state = run;
    for (const command of commands) this.#give(ctx, run, command);
    this.#setTimer(ctx, stored.timerMs, run.timerMs);
    if (isOver(run.phase) && run.parent !== undefined) tellParent(ctx, run.parent, outcomeOf(run));
    await observe(observers, ctx, plan, run, transitions);
    return statusOf(run);
  }

  #give(ctx: Turn, run: Run, command: Command): void {
    const { plan, task, type, pool } = this.#options;
    const { path, order, attempt } = command;
    switch (command.kind) {
      case "task":
      case "compensate": {
        const { version, tree } = plan;
        const common = { run: ctx.self.id, version, hash: tree.hash, path, order, attempt, place: command.place };
        const undoes = command.kind === "compensate" ? { compensates: true, result: command.result } : {};
        ctx.actor(task, `${ctx.self.id}:${path}`).tell.run({ ...common, state: run.state, ...undoes });
        return;
      }
      case "child": {
        const parent: RunParent = {
          type,
          id: ctx.self.id,
          ...(pool === undefined ? {} : { pool }),
          path,
          order,
          attempt,
        };
        ctx.actor(childRuns(plan, path), childId(ctx, command)).tell.startAsChild({ input: command.input, parent });
        return;
      }
      case "cancel-child":
        ctx.actor(childRuns(plan, path), childId(ctx, command)).tell.cancel({ reason: "its parent gave it up" });
        return;
    }
  }

  /** A2. */
  #setTimer(ctx: Turn, before: number | undefined, wanted: number | undefined): void {
    if (wanted === before) return;
    if (wanted === undefined) ctx.cancelTimer("due");
    else ctx.tellLater("due", { at: wanted, input: { dueMs: wanted } });
  }
}

const childId = (ctx: Turn, { order, attempt }: Command): string => `${ctx.self.id}.${order}.${attempt}`;

function outcomeOf(run: Run): Outcome {
  if (run.phase === "completed") return { kind: "ok", ...(run.result === undefined ? {} : { result: run.result }) };
  const { code = "FAILED", message = run.phase } = run.failure ?? {};
  return { kind: "failed", failure: { code, message, ...(run.failure === undefined ? {} : { data: run.failure }) } };
}

function tellParent(ctx: Turn, { type, id, pool, path, order, attempt }: RunParent, outcome: Outcome): void {
  const ended: Ended = { path, order, attempt, outcome };
  ctx.actor(runDoor(type, pool), id).tell.ended(ended);
}

function statusOf(run: Run): RunStatus {
  const { phase, paused = false, state, marks, failure, result, version } = run;
  const waitsFor = Object.values(marks).flatMap((mark) => (mark.is === "waiting" ? [mark.signal] : []));
  return {
    ...{ phase, isPaused: paused, state, nodes: marks, waitsFor },
    ...(failure === undefined ? {} : { failure }),
    ...(result === undefined ? {} : { result }),
    ...(version === undefined ? {} : { version }),
  };
}

interface ChildStart {
  readonly input?: unknown;
  readonly parent: RunParent;
}

const childStart = internalSchema<ChildStart>("parent");
const dueSchema = internalSchema<{ readonly dueMs: number }>("dueMs");
const signalSchema = internalSchema<Signal>("name");
const cancelSchema: Schema<{ readonly reason?: string } | undefined, { readonly reason?: string }> = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) => {
      const { reason } = (value ?? {}) as { readonly reason?: unknown };
      if (reason === undefined) return { value: {} };
      return typeof reason === "string" ? { value: { reason } } : { issues: [{ message: "`reason` is a string" }] };
    },
  },
};
const anyInput: Schema = { "~standard": { version: 1, vendor: "troupe", validate: (value) => ({ value }) } };

const faultlessNothing = (data: unknown): Validation<unknown> =>
  data === undefined || data === null
    ? { kind: "valid", value: undefined }
    : { kind: "invalid", issues: [{ path: "", message: "nothing comes with it" }] };

/** The user's schema speaks for the state of runs of this version; older ones are led on first. */
function runSchema(plan: Plan): Schema<unknown, Run> {
  const { validate: check } = plan.state["~standard"];
  return {
    "~standard": {
      version: 1,
      vendor: "troupe",
      validate: (value) => {
        const run = value as Run;
        if (typeof value !== "object" || value === null || typeof run.marks !== "object") {
          return { issues: [{ message: "this is no run of a workflow" }] };
        }
        if (run.phase === "new" || !isOwn(plan, run.version, run.hash)) return { value: run };
        const result = check(run.state);
        if (result instanceof Promise) return { issues: [{ message: "the schema has to answer at once" }] };
        return result.issues === undefined ? { value: { ...run, state: result.value } } : result;
      },
    },
  };
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
    { startAsChild: handler(childStart, () => {}), cancel: handler(cancelSchema, () => {}) },
  );
}
