// A node begins.

import { backoffMs } from "./backoff.ts";
import type { Failure } from "./failure.ts";
import type { BranchNode, EachNode, LoopNode, OrderNode, ParallelNode, SleepNode, WaitNode } from "./node.ts";
import { waitMsMax } from "./node.ts";
import type { KeptSteps, Mark, Order } from "./run.ts";
import { wire } from "./wire.ts";
import type { Work } from "./work.ts";

export function enter(work: Work, path: string): void {
  const node = work.node(path);
  switch (node.kind) {
    case "task":
    case "child":
      return enterOrder(work, path, node);
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
      work.mark(path, { is: "open", way: "try", ...dueAfter(work, node.timeoutMs) });
      return work.next({ kind: "begin", block: `${path}/try` });
    case "fail": {
      const told = work.ask(path, "the message", node.message);
      const failure = "failure" in told ? told.failure : { code: node.code, message: String(told.value), path };
      return work.next({ kind: "fail", path, failure });
    }
  }
}

/** What a person has retried is no new order, and is not run at all when it had ended well (W2). */
function enterOrder(work: Work, path: string, node: OrderNode): void {
  const mark = work.marks.get(path);
  const again = mark?.is === "ready" ? mark.again : undefined;
  if (again?.is === "done") return takeResult(work, path, again.result);
  if (work.paused) return work.mark(path, { is: "ready" }); // W5
  if (again === undefined) return giveOrder(work, path, node, { order: nextOrder(work), attempt: 1 });
  const { order, attempt, steps } = again;
  giveOrder(work, path, node, {
    ...{ order, attempt: attempt + 1, spent: attempt },
    ...(steps === undefined ? {} : { steps }),
  });
}

/** A task or a child has ended well. W7: what `save` cannot take in is its failure. */
export function takeResult(work: Work, path: string, result: unknown): void {
  const { save } = work.orderNode(path);
  const failure = save && work.change(path, "save", (state, place) => save(state, result, place));
  if (failure === undefined) return end(work, path);
  work.next({ kind: "fail", path, failure, again: { is: "done", ...(result === undefined ? {} : { result }) } });
}

export function nextOrder(work: Work): number {
  work.orders += 1;
  return work.orders;
}

/** W3: the mark and the command are made together. */
export function giveOrder(work: Work, path: string, node: OrderNode, given: Order): void {
  const { order, attempt, steps, spent } = given;
  const running = { is: "running", order, attempt, ...(spent === undefined ? {} : { spent }) } as const;
  if (node.kind === "child") {
    const input = work.ask(path, "the input", (state, place) => wire(node.input(state, place)));
    if ("failure" in input) return work.next({ kind: "fail", path, failure: input.failure });
    work.mark(path, running);
    work.commands.push({ kind: "child", path, order, attempt, input: input.value });
    return;
  }
  work.mark(path, running);
  const kept = steps === undefined ? {} : { steps };
  work.commands.push({ kind: "task", path, order, attempt, place: work.placeOf(path), ...kept });
}

/** It is tried again after a while, or has been tried often enough. */
export function backOff(
  work: Work,
  path: string,
  mark: Mark & { is: "running" },
  failure: Failure,
  steps: KeptSteps | undefined,
): void {
  const { is: _is, ...order } = mark;
  const tried = mark.attempt - (mark.spent ?? 0);
  const wait = backoffMs(work.orderNode(path).retry, failure.code, tried, `${path} ${mark.order}`);
  const kept = steps === undefined ? {} : { steps };
  if (wait === undefined) work.next({ kind: "fail", path, failure, again: { is: "failed", ...order, ...kept } });
  else work.mark(path, { is: "backing-off", ...order, dueMs: work.nowMs + wait, failure, ...kept });
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
  if (typeof ms === "number" && ms >= 0 && ms <= waitMsMax) {
    return work.mark(path, { is: "sleeping", dueMs: work.nowMs + Math.ceil(ms), sinceMs: work.nowMs });
  }
  const message = `${path} is to sleep for 0 to ${waitMsMax} ms, got ${String(ms)}`;
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
  const due = dueAfter(work, node.timeoutMs);
  work.mark(path, { is: "waiting", signal: node.signal, ...due, sinceMs: work.nowMs });
}

const dueAfter = (work: Work, ms: number | undefined) => (ms === undefined ? {} : { dueMs: work.nowMs + ms });

export function takeSignal(work: Work, path: string, { save }: WaitNode, data: unknown): void {
  const failure =
    save === undefined ? undefined : work.change(path, "save", (state, place) => save(state, data, place));
  work.next(failure === undefined ? { kind: "end", path } : { kind: "fail", path, failure });
}

const end = (work: Work, path: string): void => work.next({ kind: "end", path });
