// Runs of workflows, for a program and for a person.

import { count } from "../../core/amounts.ts";
import type { Mark, Phase, Run } from "../../workflow/run.ts";
import type { StoredRun } from "../runs/read-runs.ts";
import type { Paint, Style } from "../text.ts";
import { printable, printJson, printTable } from "../text.ts";

export interface RunRow {
  readonly workflow: string;
  readonly id: string;
  readonly phase: Phase;
  readonly paused: boolean;
  /** Since when it takes nothing, and why: until `troupe resume`. */
  readonly stopped: { readonly code: string; readonly message: string; readonly at: string } | null;
  readonly version: number | null;
  /** The nodes that something goes on in, with what. */
  readonly at: readonly string[];
  readonly changedAt: string;
  readonly failure: string | null;
}

const styles: Readonly<Record<Phase, Style>> = {
  new: "dim",
  running: "cyan",
  held: "yellow",
  compensating: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "dim",
};

/** What runs can be told apart by; one that is stopped is in one of the others too. */
export const phases: readonly string[] = [...Object.keys(styles), "stopped"];

export function rowOf({ workflow, id, run, snapshot, writtenAtMs }: StoredRun): RunRow {
  return {
    ...{ workflow, id, phase: run.phase, paused: run.paused === true, stopped: stoppedOf(snapshot) },
    version: run.version ?? null,
    at: leavesOf(run),
    changedAt: new Date(writtenAtMs).toISOString(),
    failure: run.failure?.code ?? null,
  };
}

function stoppedOf({ stopped }: StoredRun["snapshot"]): RunRow["stopped"] {
  if (stopped === undefined) return null;
  const { code, message, at } = stopped;
  return { code, message, at };
}

/** What of a run is neither over nor only around something else. */
function leavesOf({ marks, compensations = [] }: Run): readonly string[] {
  const passive: readonly Mark["is"][] = ["open", "done", "failed", "compensated", "compensating"];
  const active = Object.entries(marks).flatMap(([path, { is }]) => (passive.includes(is) ? [] : [`${path} (${is})`]));
  const undone = compensations.flatMap(({ path, order }) => (order === undefined ? [] : [`${path} (compensating)`]));
  return [...active, ...undone];
}

export function printRunRows(rows: readonly RunRow[], total: number, paint: Paint, width: number): string {
  if (total === 0) return "No run of a workflow.";
  const cells = rows.map(({ workflow, id, phase, paused, stopped, failure, at }) => [
    ...[workflow, id, [phase, ...(paused ? ["paused"] : []), ...(stopped === null ? [] : ["stopped"])].join(", ")],
    [...(stopped === null ? [] : [stopped.code]), ...(failure === null ? [] : [failure]), ...at].join(", "),
  ]);
  const shown = rows.length < total ? `, ${rows.length} shown (--limit)` : "";
  return [
    printTable(["WORKFLOW", "ID", "PHASE", "AT"], cells, paint, width),
    paint("dim", `${count(total, "run")}${shown}`),
  ].join("\n");
}

export function runJson({ workflow, id, run, snapshot }: StoredRun): object {
  const { phase, paused = false, version = null, state, marks, signals = [], failure = null, result = null } = run;
  const stopped = stoppedOf(snapshot);
  return { workflow, id, phase, paused, stopped, version, state, nodes: marks, signals, failure, result };
}

export function printRun({ workflow, id, run, snapshot }: StoredRun, paint: Paint): string {
  const { phase, paused = false, state, marks, signals = [], failure, result, version } = run;
  const stopped = stoppedOf(snapshot);
  const name = paint("bold", printable(`${workflow} ${id}`));
  const title = `${name}  ${paint(styles[phase], phase)}${paused ? ", paused" : ""}  ${paint("dim", `version ${version ?? "-"}`)}`;
  const nodes = Object.entries(marks).flatMap(([path, mark]) =>
    path === "" ? [] : [`  ${printable(path)}  ${paint("dim", printMark(mark))}`],
  );
  return [
    title,
    ...(stopped === null ? [] : [paint("red", printStopped(workflow, id, stopped))]),
    ...(failure === undefined ? [] : [paint("red", printable(`${failure.code}: ${failure.message}`))]),
    printJson(state, 2),
    ...nodes,
    ...signals.map(({ name, data }) => `  signal ${printable(name)} came early  ${printJson(data)}`),
    ...(result === undefined ? [] : [`result ${printJson(result)}`]),
  ].join("\n");
}

function printStopped(workflow: string, id: string, { code, message, at }: NonNullable<RunRow["stopped"]>): string {
  const why = printable(`stopped since ${at}: ${message} (${code})`);
  return `${why}; remove the cause, then \`troupe resume workflow-${workflow} ${printable(id)}\``;
}

function printMark(mark: Mark): string {
  switch (mark.is) {
    case "running":
      return mark.attempt > 1 ? `running, attempt ${mark.attempt}` : "running";
    case "backing-off":
      return `again at ${new Date(mark.dueMs).toISOString()} after ${printable(mark.failure.code)}`;
    case "sleeping":
      return `sleeping until ${new Date(mark.dueMs).toISOString()}`;
    case "waiting": {
      const until = mark.dueMs === undefined ? "" : ` until ${new Date(mark.dueMs).toISOString()}`;
      return `waiting for the signal ${mark.signal}${until}`;
    }
    case "open":
    case "done":
      return mark.way === undefined ? mark.is : `${mark.is}, ${printable(mark.way)}`;
    case "failed":
    case "held":
    case "compensating":
      return `${mark.is}, ${printable(mark.failure.code)}`;
    case "ready":
    case "left":
    case "compensated":
      return mark.is;
  }
}
