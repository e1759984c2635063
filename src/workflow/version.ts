// A run is pinned to the definition that it began with.
//
//   V1. Code of another version, or of another structure under the same version, does not touch a run: WORKFLOW_CHANGED.
//   V2. A newer version with a migration from the run's version takes it over: the state as the migration leads it on, every
//       node that the run is at under the path that it has.
//   V3. What the run could not go on with is refused: a node that it is at and that is no longer there, or of another kind; a
//       parallel under way that has other ways than were begun; a node that is over and would come once more; something that
//       may have to be undone and no longer can be.

import { TroupeError } from "../core/errors.ts";
import { failureOf } from "./failure.ts";
import type { Mark, Plan, Run } from "./run.ts";
import { blockAt, blockPathOf, isWithin, pathIn, spotAt } from "./tree.ts";
import { faultOfState } from "./work.ts";

/** Leads the state of runs of an older version to today's form. */
export type Migration = (state: never) => unknown;
/** By the version that they lead on from. */
export type Migrations = Readonly<Record<number, Migration>>;

/** The run as this code may go on with it (V1, V2). Throws WORKFLOW_CHANGED. */
export function pinned(plan: Plan, migrations: Migrations, run: Run, id: string): Run {
  const { version, hash } = run;
  if (version === undefined || isOwn(plan, version, hash)) return run;
  const migration = version < plan.version && Object.hasOwn(migrations, version) ? migrations[version] : undefined;
  if (migration === undefined) throw changed(plan, id, `began with version ${version} (${hash})`);
  return { ...migrated(plan, migration, run, id), ...pinOf(plan) };
}

/** Whether an order of a run of that version may be carried out by this code. */
export function mayCarryOut(plan: Plan, migrations: Migrations, version: number, hash: string): boolean {
  return isOwn(plan, version, hash) || (version < plan.version && Object.hasOwn(migrations, version));
}

/** Whether a run of that version and structure is one of this code's. */
export function isOwn({ version, tree }: Plan, ofVersion: number | undefined, hash: string | undefined): boolean {
  return version === ofVersion && tree.hash === hash;
}

const pinOf = ({ version, tree }: Plan) => ({ version, hash: tree.hash });

function migrated(plan: Plan, migration: Migration, run: Run, id: string): Run {
  const marks: Record<string, Mark> = {};
  for (const [path, mark] of Object.entries(run.marks)) {
    if (path === "" || isAtHome(plan, path, mark)) marks[path] = mark;
    else if (!isPast(mark)) throw changed(plan, id, `is at ${path} (${mark.is}), which is no longer there`);
  }
  for (const path of Object.keys(marks)) {
    const fault = faultOfPlace(plan, run.marks, path);
    if (fault !== undefined) throw changed(plan, id, fault);
  }
  for (const { path } of run.compensations ?? []) {
    const node = spotAt(plan.tree, path)?.node;
    const isThere = (node?.kind === "task" || node?.kind === "child") && node.compensate !== undefined;
    if (!isThere) throw changed(plan, id, `may have to compensate ${path}, which is gone`);
  }
  return { ...run, state: migratedState(plan, migration, run.state, id), marks };
}

function migratedState(plan: Plan, migration: Migration, before: unknown, id: string): unknown {
  try {
    const state = migration(JSON.parse(JSON.stringify(before)) as never);
    const fault = faultOfState(plan, state);
    if (fault === undefined) return state;
    throw changed(plan, id, `has a state that its migration leads to what the schema refuses: ${fault}`);
  } catch (thrown) {
    const { code, message } = failureOf(thrown);
    throw code === "WORKFLOW_CHANGED" ? thrown : changed(plan, id, `has a migration that throws: ${message}`);
  }
}

/** V3: what is wrong with the order of things around a node that the run is at; undefined when nothing is. */
function faultOfPlace({ tree }: Plan, marks: Run["marks"], path: string): string | undefined {
  const spot = spotAt(tree, path);
  const mark = marks[path];
  if (spot === undefined || mark === undefined || isPast(mark)) return undefined;
  const blockPath = blockPathOf(path);
  const later = blockAt(tree, blockPath)?.slice(spot.at + 1) ?? [];
  const past = later.map(({ name }) => pathIn(blockPath, name)).find((other) => marks[other] !== undefined);
  if (past !== undefined) return `is at ${path} (${mark.is}) and has been at ${past}, which comes after it now`;
  const { node } = spot;
  if (node.kind !== "parallel" || mark.is !== "open") return undefined;
  const begun = Object.keys(marks).flatMap((inner) => (isWithin(inner, path) ? [wayOf(inner, path)] : []));
  const ways = node.ways.map(({ name }) => name);
  const other = ways.find((way) => !begun.includes(way)) ?? begun.find((way) => !ways.includes(way));
  return other === undefined ? undefined : `is in ${path}, whose ways were others: ${other}`;
}

const wayOf = (inner: string, outer: string): string => inner.slice(outer.length + 1).split("/")[0] ?? "";

const isPast = ({ is }: Mark): boolean => is === "done" || is === "failed" || is === "compensated";

/** Whether the node that the run is at is there, of a kind that can be at that. */
function isAtHome(plan: Plan, path: string, mark: Mark): boolean {
  const node = spotAt(plan.tree, path)?.node;
  if (node === undefined) return false;
  switch (mark.is) {
    case "running":
    case "backing-off":
    case "left":
      return node.kind === "task" || node.kind === "child";
    case "sleeping":
      return node.kind === "sleep";
    case "waiting":
      return node.kind === "wait" && node.signal === mark.signal;
    case "compensating":
      return node.kind === "attempt";
    case "open":
      return mark.items !== undefined ? node.kind === "each" : hasPart(node.kind, mark);
    case "ready":
    case "held":
    case "done":
    case "failed":
    case "compensated":
      return true;
  }
}

function hasPart(kind: string, mark: Mark & { readonly is: "open" }): boolean {
  if (mark.way !== undefined) return kind === "branch" || kind === "attempt" || kind === "wait";
  return kind === "parallel" || kind === "loop" || kind === "attempt";
}

function changed({ name, version, tree }: Plan, id: string, what: string): TroupeError {
  const text = `the run ${name}/${id} ${what}; this code has version ${version} (${tree.hash})`;
  return new TroupeError("WORKFLOW_CHANGED", text);
}
