// Workflows: runs by phase, one run on its graph, and what a person may tell it.

import type { Context, Hono } from "hono";
import type { ErrorCode } from "../../../core/errors.ts";
import { errorCatalog, isTroupeError, TroupeError } from "../../../core/errors.ts";
import { checkName, keyOf } from "../../../core/ids.ts";
import type { KvStore } from "../../../kv/store.ts";
import { openStateStore } from "../../../memory/state-store.ts";
import type { Committed } from "../../../runtime/changes.ts";
import { readHistory } from "../../../runtime/changes.ts";
import { outlinedTypes, readOutlineOf } from "../../../runtime/type-registry.ts";
import { readOutline } from "../../../workflow/outline.ts";
import { workflowProgress, workflowProgressId } from "../../../workflow/progress.ts";
import type { Run } from "../../../workflow/run.ts";
import type { RunSummary } from "../../run-index.ts";
import { readRun } from "../../run-index.ts";
import { bodyOf, boundedBody, perform } from "../action.ts";
import type { RunsView } from "../api/live.ts";
import type { RunRow, RunsPage, RunView, WorkflowRow, WorkflowsView } from "../api/workflows.ts";
import { notFound } from "../problem.ts";
import { partOf, textOf, wholeOf } from "../query.ts";
import { runRowOf, runViewOf } from "../run-view.ts";
import type { DashboardSources } from "../sources.ts";

const typePrefix = "workflow-";
const typeOf = (workflow: string): string => `${typePrefix}${checkName("a workflow", workflow)}`;
const limits = { least: 1, most: 500, otherwise: 50 } as const;
/** What a person may tell a run besides a signal. */
const commands = ["cancel", "retry", "pause", "resume"] as const;
/** Runs of one event of the live stream; what is more is in the next. */
const rowsMax = 200;
const publishEveryMs = 250;

export function addWorkflowRoutes(app: Hono, sources: DashboardSources): void {
  const { runs, log } = sources;
  app.get("/api/workflows", async (context) => context.json(await readWorkflows(sources)));
  app.get("/api/workflows/:name/runs", async (context) => {
    const { name } = context.req.param();
    const filter = { phase: textOf(context, "phase"), search: textOf(context, "search") };
    const found = runs.index.find(name, filter, wholeOf(context, "limit", limits), cursorOf(context));
    const rows = await readRows(sources, found.keys);
    const { cursor = null, total } = found;
    return context.json({ rows, cursor, total, isComplete: isComplete(runs) } satisfies RunsPage);
  });
  app.get("/api/workflows/:name/runs/:run", async (context) => {
    const { name } = context.req.param();
    const run = partOf(context, "run");
    return context.json(await readView(sources, name, run));
  });
  app.post("/api/workflows/:name/runs/:run/signal", boundedBody, (context) => {
    const { name } = context.req.param();
    const run = partOf(context, "run");
    return perform(context, log, { action: "signal", on: `${name} ${run}` }, async () => {
      const { signal, value, at } = await bodyOf(context);
      if (typeof signal !== "string") {
        const text = `\`signal\` names what the run waits for, got ${JSON.stringify(signal) ?? "nothing"}`;
        throw new TroupeError("INPUT_INVALID", text);
      }
      const data = value === undefined || value === null ? {} : { data: value };
      return askRun(sources, name, run, "signal", { name: signal, ...data, ...(at === undefined ? {} : { at }) });
    });
  });
  for (const command of commands) {
    app.post(`/api/workflows/:name/runs/:run/${command}`, (context) => {
      const { name } = context.req.param();
      const run = partOf(context, "run");
      const input = command === "cancel" ? { reason: "it was cancelled from the dashboard" } : undefined;
      return perform(context, log, { action: command, on: `${name} ${run}` }, () => {
        return askRun(sources, name, run, command, input);
      });
    });
  }
  sources.live.register<RunsView>("runs", {
    merge: (older, newer) => ({ rows: latestOf([...older.rows, ...newer.rows]) }),
    open: (publish, workflow) => publishRuns(sources, publish, workflow),
  });
}

/** All runs are known that stand. */
const isComplete = ({ isCurrent, index }: DashboardSources["runs"]): boolean => isCurrent && index.left === 0;

/** A revision of the central bucket. Throws OPTION_INVALID. */
function cursorOf(context: Context): number | undefined {
  const cursor = wholeOf(context, "cursor", { least: 1, most: Number.MAX_SAFE_INTEGER, otherwise: 0 });
  return cursor === 0 ? undefined : cursor;
}

async function readWorkflows({ runs, troupe }: DashboardSources): Promise<WorkflowsView> {
  const versions = await outlinedTypes(troupe.ports.cluster);
  const outlined = [...versions.keys()].filter((type) => type.startsWith(typePrefix));
  const names = new Set([...runs.index.workflows, ...outlined.map((type) => type.slice(typePrefix.length))]);
  const workflows = [...names].sort().map((name): WorkflowRow => {
    return { name, version: versions.get(`${typePrefix}${name}`) ?? null, ...runs.index.phasesOf(name) };
  });
  return { workflows, isComplete: isComplete(runs) };
}

async function openCentral({ inspector, troupe }: DashboardSources): Promise<KvStore | undefined> {
  return (await inspector.hasBucket("central")) ? troupe.ports.openCentral() : undefined;
}

async function readRows(sources: DashboardSources, keys: readonly string[]): Promise<readonly RunRow[]> {
  if (keys.length === 0) return [];
  const entries = await (await openCentral(sources))?.getMany(keys);
  return keys.flatMap((key) => {
    const entry = entries?.get(key);
    const summary = entry === undefined ? undefined : readRun(entry);
    return summary === undefined ? [] : [rowOf(sources, summary)];
  });
}

/** Its progress does not know that it is stopped: what its actor is does. */
function rowOf({ actors }: DashboardSources, summary: RunSummary): RunRow {
  const { workflow, run: id } = summary.progress;
  return runRowOf(summary, actors.get(keyOf({ type: `${typePrefix}${workflow}`, id }))?.isStopped === true);
}

/** Rejects with NOT_FOUND, and as reading does. */
async function readView(sources: DashboardSources, workflow: string, id: string): Promise<RunView> {
  const { cluster, state } = sources.troupe.ports;
  const type = typeOf(workflow);
  const changes = await readHistory(state, keyOf({ type, id }));
  const kept = changes.flatMap((change) => (change.kind === "committed" ? [change] : []));
  const last = kept.at(-1);
  if (last === undefined || changes.at(-1)?.kind === "deleted") {
    throw notFound(`the run ${id.slice(0, 100)} of ${workflow}`, "Look at the list of its runs.");
  }
  const run = last.state as Run;
  const [outline, progress] = await Promise.all([
    run.version === undefined ? undefined : readOutlineOf(cluster, type, run.version),
    readProgress(sources, workflow, id),
  ]);
  return runViewOf({
    ...{ workflow, id, run, stopped: stoppedOf(last), changedAtMs: last.committedAt.getTime() },
    kept: kept.map((change) => change.state as Run),
    outline: readOutline(outline),
    ...progress,
  });
}

function stoppedOf({ stopped }: Committed<unknown>): NonNullable<RunView["stopped"]> | undefined {
  return stopped === undefined ? undefined : { code: stopped.code, message: stopped.message, at: stopped.at };
}

interface Progress {
  readonly startedAtMs: number | undefined;
  readonly past: RunView["past"];
}

/** From the central state store, as far as it is kept there. */
async function readProgress(sources: DashboardSources, workflow: string, id: string): Promise<Progress> {
  const kv = await openCentral(sources);
  if (kv === undefined) return { startedAtMs: undefined, past: [] };
  const store = openStateStore({ kv, clock: sources.clock });
  const changes = await store.of(workflowProgress).history(workflowProgressId(workflow, id));
  const states = changes.flatMap((change) => (change.kind === "changed" ? [change.state] : []));
  const past = states
    .filter(({ status }, at) => at === 0 || states[at - 1]?.status !== status)
    .map(({ status, changedAtMs, cause, trace }) => {
      return { atMs: changedAtMs, phase: status, cause: cause ?? null, trace: trace ?? null };
    });
  return { startedAtMs: states.at(-1)?.data.startedAtMs, past };
}

/** Asks the run itself, as every client does. Returns what it is at after that. */
async function askRun(
  { troupe }: DashboardSources,
  workflow: string,
  id: string,
  method: string,
  input: unknown,
): Promise<string> {
  try {
    const status = (await troupe.untyped(typeOf(workflow), id).ask(method, input)) as { readonly phase?: string };
    return `${workflow} ${id} is ${status.phase ?? "there"} after ${method}`;
  } catch (thrown) {
    throw refusalOfRun(thrown);
  }
}

/** What the run itself has refused, with its own code: to its asker it is a handler that failed. */
function refusalOfRun(thrown: unknown): unknown {
  if (!isTroupeError(thrown) || thrown.code !== "HANDLER_FAILED") return thrown;
  const { code = "", message = "" } = (thrown.data ?? {}) as { readonly code?: string; readonly message?: string };
  return Object.hasOwn(errorCatalog, code) ? new TroupeError(code as ErrorCode, message, { cause: thrown }) : thrown;
}

/** Sends the runs that have changed, the latest of each, a few times a second while there are any. */
function publishRuns(
  sources: DashboardSources,
  publish: (view: RunsView) => void,
  workflow: string | undefined,
): () => void {
  const { runs, clock } = sources;
  const changed = new Map<string, RunRow>();
  let cancel: (() => void) | undefined;
  const flush = () => {
    const rows = [...changed.values()].slice(0, rowsMax);
    for (const key of [...changed.keys()].slice(0, rowsMax)) changed.delete(key);
    cancel = changed.size > 0 ? clock.after(publishEveryMs, flush) : undefined;
    publish({ rows });
  };
  const stop = runs.listen((summary) => {
    if (workflow !== undefined && summary.progress.workflow !== workflow) return;
    // What waits is bounded: a run that is not sent now is sent when it changes again, or is asked for.
    if (changed.size >= 10 * rowsMax && !changed.has(summary.key)) return;
    changed.set(summary.key, rowOf(sources, summary));
    cancel ??= clock.after(publishEveryMs, flush);
  });
  return () => {
    stop();
    cancel?.();
  };
}

/** Of rows of the same run the last. */
function latestOf(rows: readonly RunRow[]): readonly RunRow[] {
  const byRun = new Map(rows.map((row) => [`${row.workflow}/${row.run}`, row]));
  return [...byRun.values()].slice(-rowsMax);
}
