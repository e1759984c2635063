// Where a run has got to, as a state of the central store that anybody may look at and watch: `workflow.<name>=2F<run>`.
//
//   G1. What stands never goes back: progress with a number that is not higher than what stands changes nothing, so it may come again,
//       late, and from a worker that has lost the run.
//   G2. The phases that a watcher sees follow each other as the table says, also when one turn went through several of them, or
//       news of one was lost.

import { TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { defineState, legalEvents, targetOf } from "../memory/state-model.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { RunProgress } from "./hooks.ts";
import type { Mark, Phase } from "./run.ts";

/** What a run is at. The status is its phase. */
export interface WorkflowProgress {
  readonly workflow: string;
  readonly run: string;
  /** The definition's. */
  readonly version: number;
  /** How many turns have changed the run. */
  readonly number: number;
  readonly isPaused: boolean;
  /** Paths of nodes that others have the order of: the first 50. */
  readonly running: readonly string[];
  /** Paths of nodes that wait, for a signal, a time or a person: the first 50. */
  readonly waiting: readonly string[];
  /** How many nodes have ended well, and how many not well. */
  readonly done: number;
  readonly failed: number;
  /** Why it failed, is held, or was cancelled. */
  readonly failure?: { readonly code: string; readonly message: string; readonly path?: string };
  /** Once it is completed, unless its JSON is longer than 4,096 characters. */
  readonly result?: unknown;
  /** When the first progress was made, and this one, by the worker's clock. Unit: ms since the epoch. */
  readonly startedAtMs: number;
  readonly atMs: number;
}

const members: readonly (keyof WorkflowProgress)[] = ["workflow", "run", "number", "running", "waiting"];

const progressSchema: Schema<unknown, WorkflowProgress> = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) => {
      const isOne = typeof value === "object" && value !== null && members.every((member) => member in value);
      return isOne ? { value: value as WorkflowProgress } : { issues: [{ message: "this is no progress of a run" }] };
    },
  },
};

/**
 * The progress of runs, kept by the runtime: `troupe.states()`, then `.of(workflowProgress)`. The id is `workflowProgressId`; all of one
 * workflow have the prefix `<name>/`.
 */
export const workflowProgress = defineState("workflow", {
  schema: progressSchema,
  initial: "running",
  transitions: {
    running: { complete: "completed", hold: "held", compensate: "compensating" },
    held: { retry: "running", compensate: "compensating" },
    compensating: { hold: "held", fail: "failed", cancel: "cancelled" },
    completed: {},
    failed: {},
    cancelled: {},
  },
});

type Status = keyof typeof workflowProgress.transitions;
type Event = ReturnType<typeof legalEvents<"complete" | "hold" | "compensate" | "retry" | "fail" | "cancel">>[number];

/** The id of a run's progress: `triage/i-17`. */
export const workflowProgressId = (workflow: string, run: string): string => `${workflow}/${run}`;

/** What is told of a run: bounded, whatever the run holds. */
export interface RunNews {
  readonly phase: Exclude<Phase, "new">;
  readonly cause: string;
  readonly data: WorkflowProgress;
}

const pathsMax = 50;
const resultLengthMax = 4_096;
const messageLengthMax = 1_000;
const waits: ReadonlySet<Mark["is"]> = new Set(["ready", "backing-off", "sleeping", "waiting", "held"]);

export function newsOf(progress: RunProgress): RunNews {
  const { workflow, run, version, number, atMs, paused: isPaused, phase, cause, failure, result } = progress;
  const marks = Object.entries(progress.marks).filter(([path]) => path !== "");
  const pathsOf = (fits: (mark: Mark) => boolean) => marks.flatMap(([path, mark]) => (fits(mark) ? [path] : []));
  const isSmall = result !== undefined && (JSON.stringify(result)?.length ?? Infinity) <= resultLengthMax;
  const data: WorkflowProgress = {
    ...{ workflow, run, version, number, isPaused },
    running: pathsOf(({ is }) => is === "running" || is === "left").slice(0, pathsMax),
    waiting: pathsOf(({ is }) => waits.has(is)).slice(0, pathsMax),
    done: pathsOf(({ is }) => is === "done").length,
    failed: pathsOf(({ is }) => is === "failed").length,
    ...(failure === undefined ? {} : { failure: shortened(failure) }),
    ...(isSmall ? { result } : {}),
    ...{ startedAtMs: atMs, atMs },
  };
  return { phase: phase as RunNews["phase"], cause, data };
}

function shortened({ code, message, path }: NonNullable<RunProgress["failure"]>) {
  return { code, message: message.slice(0, messageLengthMax), ...(path === undefined ? {} : { path }) };
}

/** Looks and writes before it gives up: each is one that somebody else was quicker. */
const attemptsMax = 20;
/** What stands is as new (G1). */
class Overtaken extends Error {}

/** Writes where a run has got to. Rejects as `States.update` does. */
export async function writeProgress(states: StateStore, { phase, cause, data }: RunNews): Promise<void> {
  const runs = states.of(workflowProgress);
  const id = workflowProgressId(data.workflow, data.run);
  const isNews = (standing: WorkflowProgress) => standing.number < data.number;
  const over = (standing: WorkflowProgress) => ({ ...data, startedAtMs: standing.startedAtMs });
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const edit = (standing: WorkflowProgress, { status }: { readonly status: Status }) =>
      status === phase && isNews(standing) ? over(standing) : standing;
    const outcome = await runs.update(id, edit, { cause });
    if (outcome.kind === "missing") {
      await runs.create(id, phase === "running" ? data : { ...data, number: 0 }, { cause });
      continue;
    }
    if (outcome.kind === "changed" || !isNews(outcome.state.data)) return; // G1
    const way = wayTo(outcome.state.status, phase);
    try {
      for (const [at, event] of way.entries()) {
        const step = (standing: WorkflowProgress) => {
          if (!isNews(standing)) throw new Overtaken();
          return at === way.length - 1 ? over(standing) : standing;
        };
        const moved = await runs.transition(id, event, { cause, edit: step });
        if (moved.kind !== "changed") break;
      }
    } catch (thrown) {
      if (thrown instanceof Overtaken) return;
      throw thrown;
    }
    if (way.length === 0) return; // What stands is final: nothing comes after it.
  }
  throw new TroupeError("WRITE_CONTENDED", `the progress of ${id} was changed by others ${attemptsMax} times in a row`);
}

/** The shortest way of events from one phase to another (G2); none when there is no way, or nothing to do. */
export function wayTo(from: Status, to: Status): readonly Event[] {
  const ways: { readonly at: string; readonly events: readonly Event[] }[] = [{ at: from, events: [] }];
  const seen = new Set<string>([from]);
  for (const { at, events } of ways) {
    if (at === to) return events;
    for (const event of legalEvents<Event>(workflowProgress, at)) {
      const next = targetOf(workflowProgress as never, at, event);
      if (next === undefined || seen.has(next)) continue;
      seen.add(next);
      ways.push({ at: next, events: [...events, event] });
    }
  }
  return [];
}
