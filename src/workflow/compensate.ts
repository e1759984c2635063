// Undoing what was done, in reverse (W4): of one attempt, or of the whole run (path "").

import { backoffMs } from "./backoff.ts";
import { nextOrder } from "./enter.ts";
import type { Failure } from "./failure.ts";
import type { Compensation, Outcome } from "./run.ts";
import { blockPathOf, isWithin } from "./tree.ts";
import type { Work } from "./work.ts";

/** Goes on with each undoing as far as it can. */
export function settle(work: Work): void {
  for (const [path, mark] of [...work.marks]) {
    if (mark.is === "compensating" && work.marks.get(path) === mark) settleScope(work, path, mark.failure);
  }
}

/** Whether something in the scope that was given up is still under way. */
export function hasLeft(work: Work, scope: string): boolean {
  return [...work.marks].some(([path, { is }]) => is === "left" && isWithin(path, scope));
}

/** Whether an attempt in the scope is being undone. */
export function isUndoing(work: Work, scope: string): boolean {
  return [...work.marks].some(([path, { is }]) => path !== "" && is === "compensating" && isWithin(path, scope));
}

function settleScope(work: Work, scope: string, failure: Failure): void {
  if (hasLeft(work, scope)) return;
  const inner = work.compensations.filter(({ path }) => isWithin(path, scope));
  if (inner.some(({ order }) => order !== undefined)) return;
  const last = inner.at(-1);
  if (last === undefined) return finishScope(work, scope, failure);
  if (work.paused || work.phase === "held" || last.dueMs !== undefined) return; // W5
  giveCompensation(work, last);
}

function giveCompensation(work: Work, undo: Compensation): void {
  const order = nextOrder(work);
  const { path, place, result, attempt = 0 } = undo;
  replace(work, undo, { path, place, result, order, attempt: attempt + 1 });
  work.commands.push({ kind: "compensate", path, order, attempt: attempt + 1, place, result });
}

function finishScope(work: Work, scope: string, failure: Failure): void {
  if (scope === "") {
    work.marks.delete("");
    return work.pass(failure.code === "CANCELLED" ? "cancelled" : "failed");
  }
  if (!work.isLive(blockPathOf(scope))) return work.unmark(scope);
  const way = errorPathOf(work, scope, failure);
  if ("name" in way) {
    work.mark(scope, { is: "open", way: way.name });
    return work.next({ kind: "begin", block: `${scope}/${way.name}` });
  }
  work.mark(scope, { is: "open" });
  work.next({ kind: "fail", path: scope, failure: way.failure });
}

/** W8: the first that fits. A condition that fails is what the attempt fails with. */
function errorPathOf(work: Work, scope: string, failure: Failure): { name: string } | { failure: Failure } {
  const node = work.node(scope);
  for (const { name, fits } of node.kind === "attempt" ? node.ways : []) {
    const asked = work.ask(scope, `the condition of ${name}`, (state, place) => fits(failure, state, place));
    if ("failure" in asked) return asked;
    if (asked.value) return { name };
  }
  return { failure };
}

/** How an undoing ended; nothing when it is not the one that was ordered (W1). */
export function compensationEnded(work: Work, path: string, order: number, outcome: Outcome): boolean {
  const undo = work.compensations.find((each) => each.path === path && each.order === order);
  if (undo === undefined) return false;
  if (outcome.kind === "ok") {
    work.compensations = work.compensations.filter((each) => each !== undo);
    work.mark(path, { is: "compensated" });
  } else retryCompensation(work, undo, outcome.failure);
  work.next({ kind: "settle" });
  return true;
}

function retryCompensation(work: Work, undo: Compensation, failure: Failure): void {
  const { path, place, result, attempt = 1, order } = undo;
  const wait = backoffMs(work.orderNode(path).retry, failure.code, attempt, `${path} ${order}`);
  const rest = { path, place, result };
  if (wait !== undefined) return replace(work, undo, { ...rest, attempt, dueMs: work.nowMs + wait });
  replace(work, undo, rest);
  const message = `what ${path} did could not be undone: ${failure.message}`;
  work.failure = { code: "COMPENSATION_FAILED", message, data: { last: failure }, path };
  work.pass("held");
}

/** What could not be undone is to stand: the rest is undone, and the run has failed for it. */
export function giveUpUndoing(work: Work): void {
  const { failure } = work;
  const undo = work.compensations.findLast(({ path }) => path === failure?.path);
  if (failure === undefined || undo === undefined) return;
  work.compensations = work.compensations.filter((each) => each !== undo);
  work.mark(undo.path, { is: "failed", failure });
  work.marks.set("", { is: "compensating", failure });
  work.pass("compensating");
  work.next({ kind: "settle" });
}

/** The times that have come. */
export function dueCompensations(work: Work): void {
  for (const undo of work.compensations) {
    if (undo.dueMs === undefined || undo.dueMs > work.nowMs) continue;
    const { dueMs: _over, ...rest } = undo;
    replace(work, undo, rest);
  }
  work.next({ kind: "settle" });
}

function replace(work: Work, undo: Compensation, by: Compensation): void {
  const { result, ...rest } = by;
  const kept = result === undefined ? rest : by;
  work.compensations = work.compensations.map((each) => (each === undo ? kept : each));
}
