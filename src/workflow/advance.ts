// What an event makes of a run, and what is to be done about it: one pure function, `advance(plan, run, event, now)`. The run
// is a value that can be stored after each event, and all that is to come follows from it and from the events alone.
//
//   W1. An event that nothing waits for changes nothing: a result of an order that is over, a time that has not come, anything
//       for a run that is over. So events may come late, and more than once.
//   W2. A node begins once in each repetition, when the one before it in its block has ended well; a task that ended well is
//       never ordered again. Of what a person retries a task that failed has the same order as before, with its key and its
//       steps, and as many attempts anew; other nodes begin anew: a loop that was never enough, or an attempt that was
//       undone, with all that stands in it.
//   W3. A mark that says `running` and the command that makes it true are of one advance. A run that is not over waits for
//       something that is bound to come: an order, a time, a signal, or a person who resumes or retries it.
//   W4. What was done is undone in the reverse order of its ending, one at a time, each once; and only when everything that was
//       begun in the scope has ended, so that nothing is done behind the undoing. An attempt whose body failed is undone to its
//       end, also when the join around it is won meanwhile; the run is not completed before. What cannot be undone stands only
//       if a person says so.
//   W5. While a run is paused no order is given. What was given may end and counts.
//   W6. Of a `forEach` at most `concurrency` items are under way, and a loop runs at most `timesMax` times.
//   W7. A change of the state is whole or is none: one that throws, or leaves what the schema refuses, is the node's failure.
//   W8. Of a branch's ways the first whose condition holds is taken; that is decided once, on the state of that moment.
//   W9. The same plan, run, event and time give the same: no clock, no chance, no wait.

import { compensationEnded, dueCompensations, hasLeft, isUndoing, settle } from "./compensate.ts";
import { backOff, enter, giveOrder, takeResult, takeSignal } from "./enter.ts";
import { cancelRun, failAttempt, failNode } from "./fail.ts";
import type { Failure } from "./failure.ts";
import { begin, complete, endNode } from "./finish.ts";
import type { Place } from "./node.ts";
import type { Command, Ended, Plan, Run, RunEvent, Transition } from "./run.ts";
import { isOver } from "./run.ts";
import { blockPathOf } from "./tree.ts";
import type { Action } from "./work.ts";
import { Work } from "./work.ts";

export interface Advance {
  readonly run: Run;
  readonly commands: readonly Command[];
  readonly transitions: readonly Transition[];
}

export function newRun(): Run {
  return { state: {}, phase: "new", marks: {} };
}

export function advance(plan: Plan, run: Run, event: RunEvent, nowMs: number): Advance {
  if (isOver(run.phase) || (run.phase === "new") !== (event.kind === "start")) return unchanged(run); // W1
  const work = new Work(plan, event.kind === "start" ? startedRun(plan, run, event) : run, nowMs);
  take(work, event);
  const isMoved = work.queue.length > 0 || work.transitions.length > 0 || work.commands.length > 0;
  if (!isMoved && work.paused === (run.paused === true) && event.kind !== "signal" && event.kind !== "due") {
    return unchanged(run); // W1
  }
  drain(work);
  return { run: withTimer(work.toRun()), commands: work.commands, transitions: work.transitions };
}

/** Whether something in the run, or what stands at this path, waits for this signal. */
export function isWaitedFor(run: Run, signal: string, at?: string): boolean {
  const marks = at === undefined ? Object.values(run.marks) : [run.marks[at]];
  return marks.some((mark) => mark?.is === "waiting" && mark.signal === signal);
}

const unchanged = (run: Run): Advance => ({ run, commands: [], transitions: [] });

function startedRun(plan: Plan, run: Run, event: RunEvent & { kind: "start" }): Run {
  const { state, parent } = event;
  const pinned = { version: plan.version, hash: plan.tree.hash };
  return { ...run, state, ...pinned, ...(parent === undefined ? {} : { parent }) };
}

function take(work: Work, event: RunEvent): void {
  switch (event.kind) {
    case "start":
      work.pass("running");
      return work.next({ kind: "begin", block: "" });
    case "ended":
      return takeEnded(work, event);
    case "due":
      return takeDue(work);
    case "signal":
      return takeSignalOf(work, event);
    case "cancel":
      return cancelRun(work, event.reason);
    case "pause":
      work.paused = true;
      return;
    case "resume":
      return resume(work);
    case "retry":
      return retry(work);
  }
}

function takeEnded(work: Work, { path, order, attempt, outcome }: Ended): void {
  const mark = work.marks.get(path);
  const isMine = (mark?.is === "running" || mark?.is === "left") && mark.order === order && mark.attempt === attempt;
  if (!isMine) {
    compensationEnded(work, path, order, outcome);
    return;
  }
  const place = mark.is === "left" ? mark.place : work.placeOf(path);
  if (outcome.kind === "ok") keepCompensation(work, path, place, outcome.result);
  if (mark.is === "left") {
    if (outcome.kind === "ok") work.mark(path, { is: "done" });
    else work.unmark(path, { path, ...outcome.failure });
    return work.next({ kind: "settle" }); // W4
  }
  if (outcome.kind === "ok") takeResult(work, path, outcome.result);
  else backOff(work, path, mark, { path, ...outcome.failure }, outcome.steps);
}

/** W4: what was done is remembered in the order of its ending, whether somebody still wants it or not. */
function keepCompensation(work: Work, path: string, place: Place, result: unknown): void {
  if (work.orderNode(path).compensate === undefined) return;
  const entry = { path, place };
  work.compensations = [...work.compensations, result === undefined ? entry : { ...entry, result }];
}

function takeDue(work: Work): void {
  for (const [path, mark] of [...work.marks]) {
    if (!("dueMs" in mark) || mark.dueMs === undefined || mark.dueMs > work.nowMs) continue;
    if (work.marks.get(path) !== mark) continue; // What it stands in was given up.
    if (mark.is === "open") failAttempt(work, path, tooSlow(path));
    else if (mark.is === "sleeping") work.next({ kind: "end", path });
    else if (mark.is === "waiting") beLate(work, path, mark.signal);
    else if (!work.paused) giveOrder(work, path, work.orderNode(path), { ...mark, attempt: mark.attempt + 1 }); // W5
  }
  dueCompensations(work);
}

const tooSlow = (path: string): Failure => ({ code: "ATTEMPT_TIMEOUT", message: `${path} took too long`, path });

function beLate(work: Work, path: string, signal: string): void {
  const node = work.node(path);
  if (node.kind === "wait" && node.late !== undefined) {
    work.mark(path, { is: "open", way: "late" });
    return work.next({ kind: "begin", block: `${path}/late` });
  }
  const failure = { code: "SIGNAL_LATE", message: `the signal ${signal} did not come in time`, path };
  work.next({ kind: "fail", path, failure });
}

/** To the first that waits for it; kept when nothing does, unless it is for one wait alone. */
function takeSignalOf(work: Work, { name, data, at }: RunEvent & { kind: "signal" }): void {
  for (const [path, mark] of work.marks) {
    if (mark.is !== "waiting" || mark.signal !== name || (at !== undefined && path !== at)) continue;
    const node = work.node(path);
    if (node.kind === "wait") return takeSignal(work, path, node, data);
  }
  if (at === undefined) work.signals = [...work.signals, data === undefined ? { name } : { name, data }];
}

function resume(work: Work): void {
  if (!work.paused) return;
  work.paused = false;
  takeDue(work);
}

/** What failed begins anew, and so does an undoing that could not be done. */
function retry(work: Work): void {
  if (work.phase !== "held") return;
  work.failure = undefined;
  const root = work.marks.get("");
  if (root?.is === "compensating") work.failure = root.failure;
  work.pass(root?.is === "compensating" ? "compensating" : "running");
  for (const [path, mark] of [...work.marks]) {
    if (mark.is !== "held") continue;
    work.mark(path, { is: "ready", ...(mark.again === undefined ? {} : { again: mark.again }) });
  }
  work.next({ kind: "settle" });
}

/** Until nothing follows any more; then what was held back begins, as far as it may, and what follows from that. */
function drain(work: Work): void {
  do {
    for (let action = work.queue.shift(); action !== undefined; action = work.queue.shift()) follow(work, action);
    beginReady(work);
    complete(work);
  } while (work.queue.length > 0);
}

function follow(work: Work, action: Action): void {
  switch (action.kind) {
    case "begin":
      if (work.isLive(action.block)) begin(work, action.block);
      break;
    case "enter":
      if (work.isLive(blockPathOf(action.path))) enter(work, action.path);
      break;
    case "end":
      if (work.isLive(blockPathOf(action.path))) endNode(work, action.path);
      break;
    case "fail":
      if (work.isLive(blockPathOf(action.path))) failNode(work, action.path, action.failure, action.again);
      break;
    case "settle":
      settle(work);
      break;
  }
}

/** W3, W4: not before what was given up in it has ended and is undone, so that no node has two orders at a time. */
function beginReady(work: Work): void {
  if (work.paused) return;
  for (const [path, { is }] of work.marks) {
    if (is !== "ready" || !work.isLive(blockPathOf(path))) continue;
    if (hasLeft(work, path) || isUndoing(work, path)) continue;
    work.prune(path);
    work.next({ kind: "enter", path });
  }
}

function withTimer(run: Run): Run {
  const timerMs = nextDueMs(run);
  return timerMs === undefined ? run : { ...run, timerMs };
}

/** The earliest time that the run waits for; none while it is paused, apart from what only lets time pass. */
function nextDueMs(run: Run): number | undefined {
  if (isOver(run.phase)) return undefined;
  let next = Infinity;
  for (const path of Object.keys(run.marks)) {
    const mark = run.marks[path];
    if (mark === undefined || !("dueMs" in mark) || mark.dueMs === undefined) continue;
    if (mark.is !== "backing-off" || !run.paused) next = Math.min(next, mark.dueMs);
  }
  for (const { dueMs } of run.compensations ?? []) if (dueMs !== undefined && !run.paused) next = Math.min(next, dueMs);
  return next === Infinity ? undefined : next;
}
