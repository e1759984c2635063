// A node has failed for good: what stands around it decides, from the inside out. Its own retries came first.
//
//   1. a join that needs fewer than all goes on without it, as long as enough can still end well;
//   2. an attempt undoes what was done in it, and takes its way for the failure's code;
//   3. the run is held for a person (`onFailure: "hold"`), or undoes all that it did.
//
// What is held is the node that failed, not the join that cannot end well without it: what else goes on in the join goes on,
// and a retry begins nothing anew that is under way or done (W2, W3).

import { abandon, remindChild } from "./abandon.ts";
import { giveUpUndoing } from "./compensate.ts";
import type { Failure } from "./failure.ts";
import { beginNextItem, quorumOf } from "./finish.ts";
import type { EachNode, ParallelNode } from "./node.ts";
import type { Again, Mark } from "./run.ts";
import { around, blockPathOf, isWithin, ownerOf } from "./tree.ts";
import type { Work } from "./work.ts";

export function failNode(work: Work, path: string, failure: Failure, again?: Again): void {
  if (work.plan.onFailure === "hold" && path !== "" && !isProvidedFor(work, path)) {
    work.mark(path, { is: "held", failure, ...(again === undefined ? {} : { again }) });
    work.failure = failure;
    return work.pass("held");
  }
  if (path !== "") work.mark(path, { is: "failed", failure });
  failBlock(work, blockPathOf(path), failure);
}

/** The whole run fails: nothing around it decides any more. */
export function failRun(work: Work, failure: Failure): void {
  if (work.marks.get("")?.is === "compensating") return;
  abandon(work, "", "scope");
  work.failure = failure;
  work.marks.set("", { is: "compensating", failure });
  work.pass("compensating");
  work.next({ kind: "settle" });
}

/** What is undone already is not undone again: a cancel then goes on without what keeps the undoing from its end. */
export function cancelRun(work: Work, reason: string): void {
  if (work.marks.get("")?.is !== "compensating") return failRun(work, { code: "CANCELLED", message: reason });
  if (work.phase === "held") return giveUpUndoing(work);
  for (const [path, mark] of work.marks) if (mark.is === "left") remindChild(work, path, mark);
}

/** Whether 1 or 2 is the case. */
function isProvidedFor(work: Work, path: string): boolean {
  let inner = path;
  for (const outer of around(path)) {
    const node = work.node(outer);
    if (node.kind === "attempt" && isWithin(inner, `${outer}/try`)) return true;
    const mark = work.marks.get(outer);
    if ((node.kind === "parallel" || node.kind === "each") && mark?.is === "open") {
      const { all, wanted } = quorumOf(node, mark);
      if (all - (mark.bad ?? 0) - 1 >= wanted) return true;
    }
    inner = outer;
  }
  return false;
}

function failBlock(work: Work, blockPath: string, failure: Failure): void {
  if (blockPath === "") return failRun(work, failure);
  const { path, part } = ownerOf(blockPath);
  const node = work.node(path);
  const mark = work.marks.get(path);
  if (mark?.is !== "open") return;
  switch (node.kind) {
    case "branch":
    case "loop":
    case "wait":
      return failNode(work, path, failure);
    case "parallel":
    case "each":
      return joinBad(work, blockPath, node, mark, failure);
    case "attempt":
      return part === "try" ? failAttempt(work, path, failure) : failNode(work, path, failure);
    case "task":
    case "child":
    case "change":
    case "sleep":
    case "fail":
      return;
  }
}

/** Its body has failed, or has taken too long: what was done in it is undone. */
export function failAttempt(work: Work, path: string, failure: Failure): void {
  abandon(work, path, "scope");
  work.mark(path, { is: "compensating", failure });
  work.next({ kind: "settle" });
}

function joinBad(
  work: Work,
  blockPath: string,
  node: ParallelNode | EachNode,
  mark: Mark & { readonly is: "open" },
  failure: Failure,
): void {
  const { path } = ownerOf(blockPath);
  const bad = (mark.bad ?? 0) + 1;
  const { all, wanted } = quorumOf(node, mark);
  work.mark(path, { ...mark, bad });
  if (all - bad >= wanted) {
    if (node.kind === "each") work.prune(blockPath);
    return beginNextItem(work, path, { ...mark, bad });
  }
  abandon(work, path, "join");
  if (node.join === "all") return failNode(work, path, failure);
  const message = `${bad} of ${all} failed in ${path}, and ${wanted} had to end well; the last: ${failure.message}`;
  failNode(work, path, { code: "JOIN_FAILED", message, data: { last: failure }, path });
}
