// What a user writes: a workflow's name, the state of its runs, and what they go through. It comes to two actor types: that of
// the runs, and that of tasks that have actors of their own.

import type { AnyActor } from "../actors/definition.ts";
import { TroupeError } from "../core/errors.ts";
import { checkName } from "../core/ids.ts";
import type { OutputOf, Schema } from "../core/schema.ts";
import type { Flow, Steps } from "./flow.ts";
import { flow } from "./flow.ts";
import type { ProgressSink, WorkflowHooks } from "./hooks.ts";
import type { Block, Node } from "./node.ts";
import { blocksOf } from "./node.ts";
import { mirrorOf } from "./progress.ts";
import type { Plan } from "./run.ts";
import type { RunDefinition } from "./run-actor.ts";
import { defineRunActor } from "./run-actor.ts";
import { defineTaskActor } from "./task-actor.ts";
import type { Tree } from "./tree.ts";
import { longestPath, pathBytesMax, treeOf } from "./tree.ts";
import type { Migrations } from "./version.ts";

export interface WorkflowOptions<State, Input extends Schema | undefined, Result> {
  /** Any Standard Schema of an object that answers at once. Checked after each change. */
  readonly state: Schema<unknown, State>;
  /** What a run is started with. Default: nothing is checked. */
  readonly input?: Input;
  /** The state that a run begins with. */
  readonly initial: (input: OutputOf<Input>) => NoInfer<State>;
  /** Raise it by one with each change that runs on their way would notice. Default 1. */
  readonly version?: number;
  /** Lead the state of runs that began with an older version to today's form. Without one they are refused: WORKFLOW_CHANGED. */
  readonly migrations?: Migrations;
  /** What a run comes to: what its parent's `save` is given, and `status` tells. Default: nothing. */
  readonly result?: (state: NoInfer<State>) => Result;
  /**
   * What a failure leads to that nothing in the workflow provides for: everything is compensated and the run fails, or it is
   * held until a person says `retry` or `cancel`. Default "compensate".
   */
  readonly onFailure?: "compensate" | "hold";
  readonly hooks?: WorkflowHooks<NoInfer<State>>;
  /**
   * Where the progress of runs is written to: the central state store (see `workflowProgress`), a sink, or "none", which leaves it
   * in the runs themselves. Default "central".
   */
  readonly progress?: "central" | "none" | ProgressSink;
  /** The pool of workers that runs live in. Default: that of the worker. */
  readonly pool?: string;
  /**
   * Gives each task an actor of its own in this pool, which may be that of the runs: for tasks that need other machines, or more than
   * one. Default: a run's worker carries its tasks out itself, which is quicker.
   */
  readonly taskPool?: string;
}

export interface Workflow<State, Input, Result> {
  readonly name: string;
  readonly version: number;
  /** The actor that a run is: `troupe.actor(triage.run, "i-17").ask.start(input)`. */
  readonly run: RunDefinition<State, Input, Result>;
  /** What a worker has to have, for its children too: `createWorker({ actors: [...triage.actors] })`. */
  readonly actors: readonly AnyActor[];
  readonly plan: Plan;
  /** Only for the types. */
  readonly types?: { readonly input: Input; readonly result: Result };
}

type InputFrom<S> = S extends Schema<infer I, unknown> ? I : undefined;

/**
 * Defines a workflow. Its runs are actors of the type `workflow-<name>`, its tasks, where they have actors of their own, of
 * `workflow-<name>-task`. Names start with a
 * letter and hold letters, digits, `_` and `-`; that of the workflow at most 48. Throws NAME_INVALID or DEFINITION_INVALID.
 */
export function defineWorkflow<State, Input extends Schema | undefined = undefined, Result = undefined>(
  name: string,
  options: WorkflowOptions<State, Input, Result>,
  build: (flow: Flow<State>) => Steps,
): Workflow<State, InputFrom<Input>, Result> {
  checkName("a workflow", name);
  if (name.endsWith("-task")) throw invalid(name, "names that end in `-task` are of another workflow's own");
  if (name.length > nameLengthMax) throw invalid(name, `its name holds at most ${nameLengthMax} characters`);
  const steps = build(flow as unknown as Flow<State>);
  const root: Block = Array.isArray(steps) ? (steps as Block) : [steps as Node];
  checkBlock(name, "", root);
  const { version = 1, onFailure = "compensate", migrations = {}, result } = options;
  if (!Number.isInteger(version) || version < 1) throw invalid(name, `\`version\` is a whole number, got ${version}`);
  if (onFailure !== "compensate" && onFailure !== "hold") throw invalid(name, "`onFailure` is compensate or hold");
  const tree = treeOf(root);
  if (longestPath(tree) > pathBytesMax) throw invalid(name, `a path in it is longer than ${pathBytesMax} characters`);
  const plan: Plan = { name, version, tree, state: options.state, onFailure, result: result as Plan["result"] };
  const type = `workflow-${name}`;
  const { pool, taskPool } = options;
  const common = { plan, migrations, runType: type, runPool: pool, pool: taskPool ?? pool };
  const task = defineTaskActor({ ...common, type: `${type}-task` });
  const { progress = "central" } = options;
  const run = defineRunActor({
    ...{ type, pool, plan, migrations, task: taskPool === undefined ? undefined : task },
    input: options.input,
    initial: options.initial as (input: never) => unknown,
    signals: signalsOf(name, root),
    observers: {
      hooks: (options.hooks ?? {}) as WorkflowHooks<never>,
      progress: typeof progress === "string" ? undefined : progress,
    },
    mirror: progress === "central" ? mirrorOf(plan) : undefined,
  });
  return Object.freeze({
    ...{ name, version, plan },
    run: run as unknown as RunDefinition<State, InputFrom<Input>, Result>,
    actors: [...new Set([run, task, ...childActorsOf(tree)])] as unknown as readonly AnyActor[],
  });
}

const nameLengthMax = 48;

function childActorsOf({ spots }: Tree): readonly AnyActor[] {
  return [...spots.values()].flatMap(({ node }) => (node.kind === "child" ? node.actors : []));
}

/** Names are the paths' parts: each once in its block. */
function checkBlock(name: string, path: string, block: Block): void {
  if (block.length === 0) throw invalid(name, `${path === "" ? "it" : path} has no steps`);
  const names = new Set<string>();
  for (const node of block) {
    if (typeof node?.kind !== "string") throw invalid(name, `something in ${path || "it"} is no node`);
    checkName(`a node of ${name}`, node.name);
    if (names.has(node.name)) throw invalid(name, `two nodes of ${path || "it"} are called ${node.name}`);
    names.add(node.name);
    const parts = blocksOf(node);
    if (new Set(parts.map(([part]) => part)).size < parts.length) {
      throw invalid(name, `two ways of ${node.name} have one name`);
    }
    for (const [part, inner] of parts) {
      if (part.startsWith("/")) checkName(`a way of ${node.name}`, part.slice(1));
      const isEmptyWay =
        inner.length === 0 && (node.kind === "branch" || node.kind === "attempt" || node.kind === "wait");
      if (!isEmptyWay) checkBlock(name, `${path}/${node.name}${part}`, inner);
    }
  }
}

/** The signals that it waits for, with what may come with them: one schema for each name. */
function signalsOf(name: string, root: Block): ReadonlyMap<string, Schema | undefined> {
  const found = new Map<string, Schema | undefined>();
  const look = (block: Block): void => {
    for (const node of block) {
      if (node.kind === "wait") {
        checkName(`a signal of ${name}`, node.signal);
        if (found.has(node.signal) && found.get(node.signal) !== node.schema) {
          throw invalid(name, `the signal ${node.signal} has two schemas`);
        }
        found.set(node.signal, node.schema);
      }
      for (const [, inner] of blocksOf(node)) look(inner);
    }
  };
  look(root);
  return found;
}

function invalid(name: string, what: string): TroupeError {
  return new TroupeError("DEFINITION_INVALID", `workflow ${name}: ${what}`);
}
