// Undoing what was done, in reverse (W4): of one attempt, or of the whole run (path "").

import { backoffMs } from "./backoff.ts";
import { nextOrder } from "./enter.ts";
import type { Compensation, Failure, Outcome } from "./run.ts";
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
  const node = work.node(scope);
  const ways = node.kind === "attempt" ? node.ways : [];
  const way = ways.find(({ name }) => name === failure.code) ?? ways.find(({ name }) => name === "otherwise");
  if (way === undefined) {
    work.mark(scope, { is: "open" });
    return work.next({ kind: "fail", path: scope, failure });
  }
  work.mark(scope, { is: "open", way: way.name });
  work.next({ kind: "begin", block: `${scope}/${way.name}` });
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
