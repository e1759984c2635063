// Runs of workflows, for a program and for a person.

import type { ActorAddress } from "../../core/ids.ts";
import type { Mark, Phase, Run } from "../../workflow/run.ts";
import type { Paint, Style } from "../text.ts";
import { count, printable, printJson, printTable } from "../text.ts";

export interface RunRow {
  readonly workflow: string;
  readonly id: string;
  readonly phase: Phase;
  readonly paused: boolean;
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

export function rowOf({ type, id }: ActorAddress, run: Run, writtenAtMs: number): RunRow {
  return {
    ...{ workflow: type.slice("workflow-".length), id, phase: run.phase, paused: run.paused === true },
    version: run.version ?? null,
    at: leavesOf(run),
    changedAt: new Date(writtenAtMs).toISOString(),
    failure: run.failure?.code ?? null,
  };
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
  const cells = rows.map(({ workflow, id, phase, paused, failure, at }) => [
    ...[workflow, id, paused ? `${phase}, paused` : phase],
    failure === null ? at.join(", ") : [failure, ...at].join(", "),
  ]);
  const shown = rows.length < total ? `, ${rows.length} shown (--limit)` : "";
  return [
    printTable(["WORKFLOW", "ID", "PHASE", "AT"], cells, paint, width),
    paint("dim", `${count(total, "run")}${shown}`),
  ].join("\n");
}

export function runJson(workflow: string, id: string, run: Run): object {
  const { phase, paused = false, version = null, state, marks, failure = null, result = null } = run;
  return { workflow, id, phase, paused, version, state, nodes: marks, failure, result };
}

export function printRun(workflow: string, id: string, run: Run, paint: Paint): string {
  const { phase, paused = false, state, marks, failure, result, version } = run;
  const name = paint("bold", printable(`${workflow} ${id}`));
  const title = `${name}  ${paint(styles[phase], phase)}${paused ? ", paused" : ""}  ${paint("dim", `version ${version ?? "-"}`)}`;
  const nodes = Object.entries(marks).flatMap(([path, mark]) =>
    path === "" ? [] : [`  ${printable(path)}  ${paint("dim", printMark(mark))}`],
  );
  return [
    title,
    ...(failure === undefined ? [] : [paint("red", printable(`${failure.code}: ${failure.message}`))]),
    printJson(state, 2),
    ...nodes,
    ...(result === undefined ? [] : [`result ${printJson(result)}`]),
  ].join("\n");
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
