// A node begins.

import { backoffMs } from "./backoff.ts";
import type { BranchNode, EachNode, LoopNode, OrderNode, ParallelNode, SleepNode, WaitNode } from "./node.ts";
import type { Failure, Mark } from "./run.ts";
import { wire } from "./wire.ts";
import type { Work } from "./work.ts";

export function enter(work: Work, path: string): void {
  const node = work.node(path);
  switch (node.kind) {
    case "task":
    case "child":
      if (work.paused) return work.mark(path, { is: "ready" }); // W5
      return giveOrder(work, path, node, nextOrder(work), 1);
    case "change": {
      const failure = work.change(path, "the change", node.change);
      return failure === undefined ? end(work, path) : work.next({ kind: "fail", path, failure });
    }
    case "branch":
      return enterBranch(work, path, node);
    case "parallel":
      return enterParallel(work, path, node);
    case "each":
      return enterEach(work, path, node);
    case "loop":
      return enterLoop(work, path, node);
    case "sleep":
      return enterSleep(work, path, node);
    case "wait":
      return enterWait(work, path, node);
    case "attempt":
      work.mark(path, { is: "open", way: "try" });
      return work.next({ kind: "begin", block: `${path}/try` });
    case "fail": {
      const told = work.ask(path, "the message", node.message);
      const failure = "failure" in told ? told.failure : { code: node.code, message: String(told.value), path };
      return work.next({ kind: "fail", path, failure });
    }
  }
}

export function nextOrder(work: Work): number {
  work.orders += 1;
  return work.orders;
}

/** W3: the mark and the command are made together. */
export function giveOrder(work: Work, path: string, node: OrderNode, order: number, attempt: number): void {
  if (node.kind === "child") {
    const input = work.ask(path, "the input", (state, place) => wire(node.input(state, place)));
    if ("failure" in input) return work.next({ kind: "fail", path, failure: input.failure });
    work.mark(path, { is: "running", order, attempt });
    work.commands.push({ kind: "child", path, order, attempt, input: input.value });
    return;
  }
  work.mark(path, { is: "running", order, attempt });
  work.commands.push({ kind: "task", path, order, attempt, place: work.placeOf(path) });
}

/** False when it has been tried often enough. */
export function tryBackOff(work: Work, path: string, mark: Mark & { is: "running" }, failure: Failure): boolean {
  const { order, attempt } = mark;
  const wait = backoffMs(work.orderNode(path).retry, failure.code, attempt, `${path} ${order}`);
  if (wait === undefined) return false;
  work.mark(path, { is: "backing-off", order, attempt, dueMs: work.nowMs + wait, failure });
  return true;
}

/** W8: the first way whose condition holds, decided once. */
function enterBranch(work: Work, path: string, { ways }: BranchNode): void {
  for (const { name, when } of ways) {
    const answer = when === undefined ? { value: true } : work.ask(path, `the condition of ${name}`, when);
    if ("failure" in answer) return work.next({ kind: "fail", path, failure: answer.failure });
    if (!answer.value) continue;
    work.mark(path, { is: "open", way: name });
    return work.next({ kind: "begin", block: `${path}/${name}` });
  }
  end(work, path);
}

function enterParallel(work: Work, path: string, { ways }: ParallelNode): void {
  work.mark(path, { is: "open", begun: ways.length });
  work.next(...ways.map(({ name }) => ({ kind: "begin", block: `${path}/${name}` }) as const));
}

function enterEach(work: Work, path: string, node: EachNode): void {
  const asked = work.ask(path, "the items", (state, place) => wire(node.items(state, place)));
  if ("failure" in asked) return work.next({ kind: "fail", path, failure: asked.failure });
  const items: unknown = asked.value;
  const wanted = typeof node.join === "number" ? node.join : node.join === "any" ? 1 : 0;
  if (!Array.isArray(items) || items.length < wanted) {
    const message = Array.isArray(items)
      ? `${path} has ${items.length} items, of which ${wanted} are to end well`
      : `the items of ${path} are no array`;
    return work.next({ kind: "fail", path, failure: { code: "JOIN_FAILED", message, path } });
  }
  if (items.length === 0) return end(work, path);
  const begun = Math.min(node.concurrency, items.length); // W6
  work.mark(path, { is: "open", begun, items });
  for (let at = 0; at < begun; at += 1) work.next({ kind: "begin", block: `${path}[${at}]` });
}

function enterLoop(work: Work, path: string, _node: LoopNode): void {
  work.mark(path, { is: "open", begun: 1 });
  work.next({ kind: "begin", block: `${path}[0]` });
}

function enterSleep(work: Work, path: string, node: SleepNode): void {
  const asked = work.ask(path, "the time", node.ms);
  if ("failure" in asked) return work.next({ kind: "fail", path, failure: asked.failure });
  const ms: unknown = asked.value;
  if (typeof ms === "number" && ms >= 0 && ms <= sleepMsMax) {
    return work.mark(path, { is: "sleeping", dueMs: work.nowMs + Math.ceil(ms) });
  }
  const message = `${path} is to sleep for 0 to ${sleepMsMax} ms, got ${String(ms)}`;
  work.next({ kind: "fail", path, failure: { code: "DEFINITION_INVALID", message, path } });
}

/** A signal that came before is taken at once. */
function enterWait(work: Work, path: string, node: WaitNode): void {
  const at = work.signals.findIndex(({ name }) => name === node.signal);
  const kept = work.signals[at];
  if (kept !== undefined) {
    work.signals = work.signals.toSpliced(at, 1);
    return takeSignal(work, path, node, kept.data);
  }
  const due = node.timeoutMs === undefined ? {} : { dueMs: work.nowMs + node.timeoutMs };
  work.mark(path, { is: "waiting", signal: node.signal, ...due });
}

export function takeSignal(work: Work, path: string, { save }: WaitNode, data: unknown): void {
  const failure =
    save === undefined ? undefined : work.change(path, "save", (state, place) => save(state, data, place));
  work.next(failure === undefined ? { kind: "end", path } : { kind: "fail", path, failure });
}

/** Ten years. */
const sleepMsMax = 10 * 365 * 86_400_000;

const end = (work: Work, path: string): void => work.next({ kind: "end", path });
