// The actor that a run of a workflow is. Its turns decide, and do nothing else: `advance` says what becomes of the run, and what it
// wants done is ordered with the same commit: an errand of its own (`run-task.ts`), or a message to the task's actor.
//
//   A1. An event, what it makes of the run, and the orders that follow are one turn: one commit (P2, P3).
//   A2. The run has one timer, `due`, for the earliest time that it waits for.
//   A3. Mail that this code cannot deal with is not lost: the run stops (decision 0012) until it is resumed. What a caller has
//       done wrong is his: it changes nothing, and a tell of it is a dead letter.

import type { TurnContext } from "../actors/context.ts";
import type { ActorDefinition, Handler, Query } from "../actors/definition.ts";
import { defineActor, handler, query } from "../actors/definition.ts";
import type { EventsOf, Mirror } from "../actors/errand.ts";
import { ownTurn, withErrands } from "../actors/errand.ts";
import type { FailureVerdict, Failure as TurnFailure } from "../actors/supervision.ts";
import { TroupeError } from "../core/errors.ts";
import { idBytesMax } from "../core/ids.ts";
import type { Schema, Validation } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import { advance, isWaitedFor, newRun } from "./advance.ts";
import {
  childIdBytes,
  childStart,
  givenUp,
  givingUp,
  neverBegun,
  outcomeOf,
  tellChild,
  tellParent,
} from "./child-run.ts";
import { endedWaits } from "./ended-waits.ts";
import type { Failure } from "./failure.ts";
import { failureOf } from "./failure.ts";
import type { Observers } from "./hooks.ts";
import { observe } from "./hooks.ts";
import { outlineOf } from "./outline.ts";
import type { Command, Phase, Plan, Run, RunEvent, RunParent } from "./run.ts";
import { isOver } from "./run.ts";
import { endedSchema } from "./run-door.ts";
import { taskErrand, taskErrandOf } from "./run-task.ts";
import type { defineTaskActor } from "./task-actor.ts";
import type { OwnOrder } from "./task-order.ts";
import { internalSchema } from "./task-order.ts";
import { longestPath } from "./tree.ts";
import type { Migrations } from "./version.ts";
import { isOwn, pinned } from "./version.ts";
import { wire } from "./wire.ts";
import { faultOfState } from "./work.ts";

/** Signals that came before anything waited for them. */
export const keptSignalsMax = 64;
const attemptsMax = 30;
/** What is wrong with a call, not with the run. */
const callerCodes: readonly unknown[] = ["RUN_PHASE", "SIGNAL_UNKNOWN", "SIGNALS_FULL", "INPUT_INVALID", "ID_INVALID"];

export interface Signal {
  readonly name: string;
  readonly data?: unknown;
  /**
   * The path of the wait that it is for, as `status` has it: `refine[2]/approval`. It counts for that wait alone, and once; when
   * nothing waits there it is refused: RUN_PHASE. Default: it is for whatever waits for its name first, or will.
   */
  readonly at?: string;
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
  readonly start: Handler<Run<State>, Input, Later<RunStatus<State, Result>>>;
  /** Rejects with SIGNAL_UNKNOWN, INPUT_INVALID, SIGNALS_FULL, RUN_PHASE: also when nothing waits where it is `at`. */
  readonly signal: Handler<Run<State>, Signal, Later<RunStatus<State, Result>>>;
  /**
   * Gives up what goes on, waits for what was ordered, compensates what was done. Of a run that is held for a compensation which
   * cannot be done it lets that stand.
   */
  readonly cancel: Handler<Run<State>, { readonly reason?: string } | undefined, Later<RunStatus<State, Result>>>;
  /** No order is given until `resume`. Those that were given go on, and so does time. */
  readonly pause: Handler<Run<State>, undefined, Later<RunStatus<State, Result>>>;
  readonly resume: Handler<Run<State>, undefined, Later<RunStatus<State, Result>>>;
  /** Tries again what the run is held for: a task by the order that it had, with its key and its steps. */
  readonly retry: Handler<Run<State>, undefined, Later<RunStatus<State, Result>>>;
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
  /** How its progress is shown. */
  readonly mirror: Mirror | undefined;
  /** Where its tasks have actors of their own. */
  readonly task: ReturnType<typeof defineTaskActor> | undefined;
}

type Turn = TurnContext<Run>;

export function defineRunActor(options: RunActorOptions) {
  const { type, plan } = options;
  const runs = new Runs(options);
  const move = (event: RunEvent) => handler((ctx: Turn) => runs.move(ctx, event));
  const run = defineActor(
    type,
    {
      state: runSchema(plan) as Schema<unknown, Run>,
      initial: newRun,
      retry: { attempts: attemptsMax },
      onFailure: verdictOf,
      outline: { version: plan.version, value: outlineOf(plan.tree, options.signals) },
      ...(options.pool === undefined ? {} : { pool: options.pool }),
    },
    {
      start: handler(options.input ?? anyInput, (ctx: Turn, input) => runs.start(ctx, input, undefined)),
      startAsChild: handler(childStart, (ctx: Turn, { input, parent }) => runs.startAsChild(ctx, input, parent)),
      giveUp: handler(givenUp, (ctx: Turn, { parent }) => runs.giveUp(ctx, parent)),
      signal: handler(signalSchema, (ctx: Turn, signal) => runs.signal(ctx, signal)),
      cancel: handler(cancelSchema, (ctx: Turn, { reason = "it was cancelled" }) =>
        runs.move(ctx, { kind: "cancel", reason }),
      ),
      pause: move({ kind: "pause" }),
      resume: move({ kind: "resume" }),
      retry: move({ kind: "retry" }),
      ended: handler(endedSchema, (ctx: Turn, ended) => runs.hear(ctx, { kind: "ended", ...ended })),
      due: handler(dueSchema, (ctx: Turn, { dueMs }) => runs.hear(ctx, { kind: "due" }, dueMs)),
      status: query((ctx): RunStatus => statusOf(ctx.state as Run)),
    },
  );
  const errands = { [taskErrand]: taskErrandOf(type, plan, options.migrations) };
  const eventsOf: EventsOf = (self, before, after, nowMs) =>
    endedWaits(plan.name, self, before as Run, after as Run, nowMs);
  const isOverRun = (state: unknown) => isOver((state as Run).phase);
  return withErrands(run, { begins: "start", errands, mirror: options.mirror, eventsOf, isOver: isOverRun });
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

  start(ctx: Turn, input: unknown, parent: RunParent | undefined): Later<RunStatus> {
    const { plan, initial } = this.#options;
    const run = ownTurn(ctx).stateBefore as Run;
    if (run.phase !== "new") throw new TroupeError("RUN_PHASE", `the run ${ctx.self.id} of ${plan.name} has begun`);
    const bytesMax = idBytesMax - Math.max(1 + longestPath(plan.tree), 1 + plan.name.length, childIdBytes(plan));
    if (Buffer.byteLength(ctx.self.id) > bytesMax) {
      const text = `the id of a run of ${plan.name} holds at most ${bytesMax} bytes, so that those of its tasks, children and progress fit`;
      throw new TroupeError("ID_INVALID", `${text}; got ${ctx.self.id}`);
    }
    const state = initial(input as never);
    const fault = faultOfState(plan, state);
    if (fault !== undefined) throw new TroupeError("STATE_INVALID", `the initial state of ${plan.name}: ${fault}`);
    return this.#takeForStatus(ctx, { kind: "start", state, parent });
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

  async signal(ctx: Turn, { name, data, at }: Signal): Promise<RunStatus> {
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
    const run = ownTurn(ctx).stateBefore as Run;
    if (!isWaitedFor(run, name, at)) {
      if (at !== undefined) {
        const text = `nothing waits for the signal ${name} at ${at} in the run ${ctx.self.id} of ${plan.name}`;
        throw new TroupeError("RUN_PHASE", `${text}: it did not come to that yet, or that is over`);
      }
      if ((run.signals?.length ?? 0) >= keptSignalsMax) {
        throw new TroupeError("SIGNALS_FULL", `${ctx.self.id} keeps ${keptSignalsMax} signals already`);
      }
    }
    // As a run that keeps it would give it to `save`, also when it is taken at once.
    const sent = { kind: "signal", name, data: wire(validation.value) } as const;
    return this.move(ctx, at === undefined ? sent : { ...sent, at });
  }

  /** C2, C3. */
  giveUp(ctx: Turn, parent: RunParent): Later<undefined> {
    const run = ownTurn(ctx).stateBefore as Run;
    const what = givingUp(run, parent);
    switch (what) {
      case "cancel":
        return this.hear(ctx, { kind: "cancel", reason: "its parent gave it up" });
      case "never-begun":
      case "over": {
        const ended = what === "over" ? run : neverBegun(run, parent);
        if (ended !== run) ctx.state = ended;
        tellParent(ctx, parent, outcomeOf(ended));
        return;
      }
      case "nothing":
        return;
    }
  }

  /** An event that somebody sends who wants to know when it comes to nothing. */
  move(ctx: Turn, event: RunEvent): Later<RunStatus> {
    const { phase } = ownTurn(ctx).stateBefore as Run;
    const isHeldFor = event.kind !== "retry" || phase === "held";
    if (phase !== "new" && !isOver(phase) && isHeldFor) return this.#takeForStatus(ctx, event);
    const text = `the run ${ctx.self.id} of ${this.#options.plan.name} is ${phase}; ${event.kind} does nothing there`;
    throw new TroupeError("RUN_PHASE", text);
  }

  /** What nobody waits to hear of. */
  hear(ctx: Turn, event: RunEvent, dueMs?: number): Later<undefined> {
    return afterwards(this.take(ctx, event, dueMs), () => undefined);
  }

  #takeForStatus(ctx: Turn, event: RunEvent): Later<RunStatus> {
    const taken = this.take(ctx, event);
    return taken instanceof Promise ? taken.then(statusOf) : statusOf(taken);
  }

  /** A1. The run as the turn leaves it. A promise only when a hook is one. */
  take(ctx: Turn, event: RunEvent, dueMs = 0): Later<Run> {
    const { plan, migrations, observers } = this.#options;
    const stored = ownTurn(ctx).stateBefore as Run;
    if (isOver(stored.phase)) return stored;
    const before = pinned(plan, migrations, stored, ctx.self.id);
    const { run: next, commands, transitions } = advance(plan, before, event, Math.max(ctx.now(), dueMs));
    if (next === before) return stored;
    const run: Run = { ...next, changes: (stored.changes ?? 0) + 1 };
    ctx.state = run;
    for (const command of commands) this.#give(ctx, run, command);
    // The timer that has fired stands no more.
    this.#setTimer(ctx, dueMs === stored.timerMs ? undefined : stored.timerMs, run.timerMs);
    if (isOver(run.phase) && run.parent !== undefined) tellParent(ctx, run.parent, outcomeOf(run));
    return afterwards(observe(observers, ctx, plan, run, transitions), () => run);
  }

  #give(ctx: Turn, run: Run, command: Command): void {
    const { plan, task, type, pool } = this.#options;
    const { path, order, attempt } = command;
    switch (command.kind) {
      case "task":
      case "compensate": {
        const { kind: _kind, ...asked } = command;
        const own: OwnOrder = command.kind === "compensate" ? { ...asked, compensates: true } : asked;
        if (task === undefined) return ownTurn(ctx).errand(taskErrand, own);
        const { version, tree } = plan;
        const about = { run: ctx.self.id, version, hash: tree.hash, state: run.state };
        return void ctx.actor(task, `${ctx.self.id}:${path}`).tell.run({ ...about, ...own });
      }
      case "child":
      case "cancel-child": {
        const own = { type, id: ctx.self.id, ...(pool === undefined ? {} : { pool }) };
        return tellChild(ctx, plan, { ...own, path, order, attempt }, command);
      }
    }
  }

  /** A2. */
  #setTimer(ctx: Turn, before: number | undefined, wanted: number | undefined): void {
    if (wanted === before) return;
    if (wanted === undefined) ctx.cancelTimer("due");
    else ctx.tellLater("due", { at: wanted, input: { dueMs: wanted } });
  }
}

type Later<T> = T | Promise<T>;

function afterwards<T>(done: unknown, make: () => T): Later<T> {
  return done instanceof Promise ? done.then(make) : make();
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

const dueSchema = internalSchema<{ readonly dueMs: number }>("dueMs");
const signalSchema: Schema<Signal, Signal> = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) => {
      const { name, at } = (value ?? {}) as { readonly name?: unknown; readonly at?: unknown };
      const isSignal = typeof name === "string" && (at === undefined || typeof at === "string");
      return isSignal ? { value: value as Signal } : { issues: [{ message: "`name` is a string, and so is `at`" }] };
    },
  },
};
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
