// Workflows: runs by state, one run on its graph, signals.
//
//   GET  /api/workflows                                          WorkflowsView
//   GET  /api/workflows/:name/runs?phase=&search=&limit=&cursor=   RunsPage; phase may be "waiting": for a signal
//   GET  /api/workflows/:name/runs/:run                          RunView
//   POST /api/workflows/:name/runs/:run/signal  { signal, value, at }   Done: `at` is the wait's path
//   POST /api/workflows/:name/runs/:run/(cancel|retry|pause|resume)   Done

import type { Page } from "./page.ts";

export interface WorkflowsView {
  readonly workflows: readonly WorkflowRow[];
  /** False while the server still reads what stands, and when there are more runs than it knows. */
  readonly isComplete: boolean;
}

export interface RunsPage extends Page<RunRow> {
  readonly isComplete: boolean;
}

export interface WorkflowRow {
  readonly name: string;
  /** Of the definition that a worker has registered last; null: none is known. */
  readonly version: number | null;
  /** Runs by phase. */
  readonly phases: Readonly<Record<string, number>>;
  readonly paused: number;
  /** Of those that go on, how many wait for a signal. */
  readonly awaiting: number;
}

export interface RunRow {
  readonly workflow: string;
  readonly run: string;
  readonly phase: string;
  readonly isPaused: boolean;
  /** It takes nothing until its actor is resumed. */
  readonly isStopped: boolean;
  readonly version: number | null;
  readonly startedAtMs: number | null;
  readonly changedAtMs: number;
  /** Paths of nodes that run, or wait. */
  readonly running: readonly string[];
  readonly waiting: readonly string[];
  /** Of those that wait, nodes that wait for a signal. */
  readonly awaiting: readonly string[];
  readonly done: number;
  readonly failed: number;
  readonly failure: { readonly code: string; readonly message: string; readonly path: string | null } | null;
}

export interface RunView extends RunRow {
  /** Since when it takes nothing, and why: until its actor is resumed. */
  readonly stopped: { readonly code: string; readonly message: string; readonly at: string } | null;
  readonly state: unknown;
  readonly result: unknown;
  /** Null: no worker has registered the definition of that version. */
  readonly graph: GraphView | null;
  readonly nodes: readonly NodeView[];
  /** Signals that can be sent now. */
  readonly signals: readonly WaitingSignal[];
  /** Its phases, oldest first, as far as they are kept. */
  readonly past: readonly {
    readonly atMs: number;
    readonly phase: string;
    readonly cause: string | null;
    readonly trace: string | null;
  }[];
}

export interface GraphView {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string | null;
  /** Taken when something failed, or came too late. */
  readonly isDashed: boolean;
}

export interface GraphNode {
  /** The node's path in the definition, without numbers: `refine[]/review`. What is only drawn has a colon in it. */
  readonly id: string;
  readonly label: string;
  /** task, child, change, branch, parallel, each, loop, sleep, wait, attempt, fail; start, end, join. */
  readonly kind: string;
  /** The signal that it waits for, "can be compensated", the type of a child, the code of a failure. */
  readonly note: string | null;
}

/** How a node of the run stands; of a node that runs for several items there are several. */
export interface NodeView {
  readonly path: string;
  /** The node of the graph that it is. */
  readonly id: string;
  readonly is: string;
  readonly attempt: number | null;
  /** The way that a branch has taken, or a join. */
  readonly way: string | null;
  /** What decided it: the run's state when the branch was taken, as far as it is kept. */
  readonly decidedBy: unknown;
  readonly dueMs: number | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

export interface WaitingSignal {
  readonly signal: string;
  readonly path: string;
  readonly untilMs: number | null;
  /** JSON Schema of its value, `{"type":"null"}` when nothing comes with it; null: not known. */
  readonly schema: unknown;
}

/** What a POST answers when it is done. */
export interface Done {
  readonly text: string;
}
