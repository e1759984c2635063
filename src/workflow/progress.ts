// Where a run has got to, as a state of the central store that anybody may look at and watch: `workflow.<name>=2F<run>`.
//
//   G1. What stands never goes back: progress with a number that is not higher than what stands changes nothing, so it may come again,
//       late, and from a worker that has lost the run.
//   G2. The phases that a watcher sees follow each other as the table says, also when one turn went through several of them, or
//       news of one was lost. What is seen first may be any of them.

import type { Mirror } from "../actors/errand.ts";
import { TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { defineOwnState, legalEvents, targetOf } from "../memory/state-model.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { States } from "../memory/state-table.ts";
import type { RunProgress } from "./hooks.ts";
import { progressOf } from "./hooks.ts";
import type { Mark, Phase, Plan, Run } from "./run.ts";

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
  /** Of these, those that wait for a signal; none stand for none, or for a worker of a version that did not say it. */
  readonly awaiting?: readonly string[];
  /** How many nodes have ended well, and how many not well. */
  readonly done: number;
  readonly failed: number;
  /** Why it failed, is held, or was cancelled. */
  readonly failure?: { readonly code: string; readonly message: string; readonly path?: string };
  /** Once it is completed, unless its JSON is longer than 4,096 characters. */
  readonly result?: unknown;
  /** When the run began, as far as that is known, and when this was so, by the worker's clock. Unit: ms since the epoch. */
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
export const workflowProgress = defineOwnState("workflow", {
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

/** How the progress of the runs of a workflow is shown. */
export function mirrorOf(plan: Plan): Mirror {
  return {
    statusOf: (state) => {
      const { phase, paused } = state as Run;
      return paused === true ? `${phase}, paused` : phase;
    },
    isFirst: (state) => (state as Run).changes === 1,
    write: ({ states, self, state, cause, atMs, before, bornAtMs }) => {
      const made = newsOf(progressOf(plan, self.id, state as Run, cause, atMs), bornAtMs);
      return writeProgress(states, made, bornAtMs === undefined ? (before as Written | undefined) : "nothing");
    },
  };
}

const pathsMax = 50;
const resultLengthMax = 4_096;
const messageLengthMax = 1_000;
const isRunning: ReadonlySet<Mark["is"]> = new Set(["running", "left"]);
const isWaiting: ReadonlySet<Mark["is"]> = new Set(["ready", "backing-off", "sleeping", "waiting", "held"]);

/** `bornAtMs`: when the run began; by default it is taken to begin now. */
export function newsOf(progress: RunProgress, bornAtMs = progress.atMs): RunNews {
  const { workflow, run, version, number, atMs, paused: isPaused, phase, cause, failure, result } = progress;
  const { running, waiting, awaiting, done, failed } = countedOf(progress.marks);
  const isSmall = result !== undefined && (JSON.stringify(result)?.length ?? Infinity) <= resultLengthMax;
  const data: WorkflowProgress = {
    ...{ workflow, run, version, number, isPaused },
    ...{ running, waiting },
    ...(awaiting.length === 0 ? {} : { awaiting }),
    ...{ done, failed },
    ...(failure === undefined ? {} : { failure: shortened(failure) }),
    ...(isSmall ? { result } : {}),
    ...{ startedAtMs: bornAtMs, atMs },
  };
  return { phase: phase as RunNews["phase"], cause, data };
}

/** In one pass: it is done for each turn that is shown. */
function countedOf(marks: Run["marks"]) {
  const running: string[] = [];
  const waiting: string[] = [];
  const awaiting: string[] = [];
  let done = 0;
  let failed = 0;
  for (const path of Object.keys(marks)) {
    const is = path === "" ? undefined : marks[path]?.is;
    if (is === undefined) continue;
    if (is === "done") done += 1;
    else if (is === "failed") failed += 1;
    else if (isRunning.has(is)) addUpTo(pathsMax, running, path);
    else if (isWaiting.has(is)) addUpTo(pathsMax, waiting, path);
    if (is === "waiting") addUpTo(pathsMax, awaiting, path);
  }
  return { running, waiting, awaiting, done, failed };
}

function addUpTo(most: number, paths: string[], path: string): void {
  if (paths.length < most) paths.push(path);
}

function shortened({ code, message, path }: NonNullable<RunProgress["failure"]>) {
  return { code, message: message.slice(0, messageLengthMax), ...(path === undefined ? {} : { path }) };
}

/** Looks and writes before it gives up: each is one that somebody else was quicker. */
const attemptsMax = 20;
/** What stands is as new (G1). */
class Overtaken extends Error {}

/** What this worker has written last of a run: it spares a look. */
export interface Written {
  readonly phase: RunNews["phase"];
}

/** Writes where a run has got to. `before`: "nothing" when nobody has written any. Rejects as `States.update` does. */
export async function writeProgress(states: StateStore, news: RunNews, before?: Written | "nothing"): Promise<Written> {
  const { phase, cause, data } = news;
  const runs = states.of(workflowProgress);
  const id = workflowProgressId(data.workflow, data.run);
  const written: Written = { phase };
  const isCreated = async () => {
    const created = await runs.create(id, data, { cause, through: wayTo(workflowProgress.initial, phase) });
    return created.kind === "created";
  };
  if (before === "nothing" && (await isCreated())) return written;
  // What stands, as far as it is known: it is moved from there, and looked at when it is not so.
  let from: Status | undefined = before === "nothing" ? undefined : before?.phase;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (from === undefined || from === phase) {
      const outcome = await runs.update(id, overwrite(data, phase), { cause });
      if (outcome.kind === "missing") {
        if (await isCreated()) return written;
        continue;
      }
      if (outcome.kind === "changed" || !isNews(data, outcome.state.data)) return written; // G1
      from = outcome.state.status;
    }
    const way = wayTo(from, phase);
    if (way.length === 0) return written; // What stands is final: nothing comes after it.
    try {
      if (await tryFollow(runs, id, way, news)) return written;
    } catch (thrown) {
      if (thrown instanceof Overtaken) return written;
      throw thrown;
    }
    from = undefined;
  }
  throw new TroupeError("WRITE_CONTENDED", `the progress of ${id} was changed by others ${attemptsMax} times in a row`);
}

const isNews = (data: WorkflowProgress, standing: WorkflowProgress) => standing.number < data.number;
const over = (data: WorkflowProgress, standing: WorkflowProgress) => ({ ...data, startedAtMs: standing.startedAtMs });

/** What is older and in the same phase. */
const overwrite =
  (data: WorkflowProgress, phase: Status) =>
  (standing: WorkflowProgress, { status }: { readonly status: Status }) =>
    status === phase && isNews(data, standing) ? over(data, standing) : standing;

/** Goes through the phases (G2), and writes with the last of them. False when one was not legal: something else stands. */
async function tryFollow(
  runs: States<Status, Event, WorkflowProgress>,
  id: string,
  way: readonly Event[],
  { cause, data }: RunNews,
): Promise<boolean> {
  for (const [at, event] of way.entries()) {
    const edit = (standing: WorkflowProgress) => {
      if (!isNews(data, standing)) throw new Overtaken();
      return at === way.length - 1 ? over(data, standing) : standing;
    };
    const moved = await runs.transition(id, event, { cause, edit });
    if (moved.kind !== "changed") return false;
  }
  return true;
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
