// One run as the page shows it: from what is committed, what is kept of its past, and the outline of its definition. Pure.
//
//   R1. The graph of another definition than the one that the run is pinned to is not shown: it would say what is not so.
//   R2. What decided a branch is the run's state in the revision in which the branch was taken. Where the revision before that one
//       is not kept, it is not known which it was, and null is said.

import type { WorkflowOutline } from "../../workflow/outline.ts";
import type { WorkflowProgress } from "../../workflow/progress.ts";
import type { Mark, Run } from "../../workflow/run.ts";
import { withoutNumbers } from "../../workflow/tree.ts";
import type { RunSummary } from "../run-index.ts";
import type { GraphView, NodeView, RunRow, RunView, WaitingSignal } from "./api/workflows.ts";

export interface RunReading {
  readonly workflow: string;
  readonly id: string;
  readonly run: Run;
  readonly stopped: NonNullable<RunView["stopped"]> | undefined;
  readonly changedAtMs: number;
  /** When it was started, where its progress says so. */
  readonly startedAtMs: number | undefined;
  /** Its committed values that are kept, oldest first; the last is `run`. */
  readonly kept: readonly Run[];
  /** What a worker has told of the definition of its version. */
  readonly outline: WorkflowOutline | undefined;
  readonly past: RunView["past"];
}

const pathsMax = 50;

/** A line of a list. */
export function runRowOf({ phase, changedAtMs, progress }: RunSummary, isStopped: boolean): RunRow {
  const { workflow, run, version, isPaused, running, waiting, awaiting, done, failed, failure } =
    progress as Partial<WorkflowProgress> & Pick<WorkflowProgress, "workflow" | "run">;
  return {
    ...{ workflow, run, phase, changedAtMs, isPaused: isPaused === true, isStopped, version: version ?? null },
    startedAtMs: progress.startedAtMs ?? null,
    ...{ running: running ?? [], waiting: waiting ?? [], awaiting: awaiting ?? [] },
    ...{ done: done ?? 0, failed: failed ?? 0 },
    failure: failure === undefined ? null : { ...failure, path: failure.path ?? null },
  };
}

export function runViewOf(reading: RunReading): RunView {
  const { workflow, id, run, stopped = null, changedAtMs, startedAtMs, past } = reading;
  const { phase, paused = false, version, state, marks, failure, result } = run;
  const outline = reading.outline?.hash === run.hash ? reading.outline : undefined; // R1
  const graph = outline === undefined ? null : graphViewOf(outline);
  const known = Object.entries(marks).filter(([path]) => path !== "");
  const pathsOf = (...all: readonly Mark["is"][]) =>
    known.flatMap(([path, { is }]) => (all.includes(is) ? [path] : []));
  return {
    ...{ workflow, run: id, phase, isPaused: paused, isStopped: stopped !== null, stopped, version: version ?? null },
    ...{ startedAtMs: startedAtMs ?? null, changedAtMs },
    running: pathsOf("running", "left").slice(0, pathsMax),
    waiting: pathsOf("ready", "backing-off", "sleeping", "waiting", "held").slice(0, pathsMax),
    awaiting: pathsOf("waiting").slice(0, pathsMax),
    done: pathsOf("done").length,
    failed: pathsOf("failed").length,
    failure:
      failure === undefined ? null : { code: failure.code, message: failure.message, path: failure.path ?? null },
    ...{ state, result: result ?? null, graph, past },
    nodes: known.map(([path, mark]) => nodeViewOf(path, mark, graph, reading)),
    signals: known.flatMap(([path, mark]) => (mark.is === "waiting" ? [signalViewOf(path, mark, outline)] : [])),
  };
}

function graphViewOf({ graph }: WorkflowOutline): GraphView {
  return {
    nodes: graph.nodes.map(({ id, label, kind, note }) => ({ id, label, kind, note: note ?? null })),
    edges: graph.edges.map(({ from, to, label, isDashed }) => {
      return { from, to, label: label ?? null, isDashed: isDashed === true };
    }),
  };
}

function nodeViewOf(path: string, mark: Mark, graph: GraphView | null, { kept }: RunReading): NodeView {
  const id = withoutNumbers(path);
  const way = "way" in mark ? mark.way : undefined;
  const kind = graph?.nodes.find((node) => node.id === id)?.kind;
  const mayBeBranch = kind === undefined || kind === "branch";
  const failure = "failure" in mark ? mark.failure : undefined;
  return {
    ...{ path, id, is: mark.is, way: way ?? null },
    attempt: "attempt" in mark ? mark.attempt : null,
    decidedBy: way !== undefined && mayBeBranch ? (decidedBy(kept, path, way) ?? null) : null,
    dueMs: "dueMs" in mark ? (mark.dueMs ?? null) : null,
    failure: failure === undefined ? null : { code: failure.code, message: failure.message },
  };
}

/** R2. Looked for from the newest: a node may have been taken more than once. */
function decidedBy(kept: readonly Run[], path: string, way: string): unknown {
  const isTaken = (run: Run) => {
    const mark = run.marks[path];
    return mark !== undefined && "way" in mark && mark.way === way;
  };
  let first = kept.length - 1;
  while (first > 0 && isTaken(kept[first - 1] as Run)) first -= 1;
  const taken = kept[first];
  const isBeginning = first > 0 || taken?.changes === 1;
  return taken !== undefined && isTaken(taken) && isBeginning ? taken.state : undefined;
}

function signalViewOf(
  path: string,
  { signal, dueMs }: Extract<Mark, { is: "waiting" }>,
  outline: WorkflowOutline | undefined,
): WaitingSignal {
  const known = outline?.signals[signal];
  const schema = known === undefined ? null : known.hasData ? (known.schema ?? null) : { type: "null" };
  return { signal, path, untilMs: dueMs ?? null, schema };
}
