// A node or a block has ended well.

import { abandon } from "./abandon.ts";
import { isUndoing } from "./compensate.ts";
import type { EachNode, Join, ParallelNode } from "./node.ts";
import type { Mark } from "./run.ts";
import { blockAt, blockPathOf, ownerOf, pathIn, spotAt } from "./tree.ts";
import { wire } from "./wire.ts";
import type { Work } from "./work.ts";

/** A block begins with its first node. */
export function begin(work: Work, blockPath: string): void {
  const [first] = blockAt(work.plan.tree, blockPath) ?? [];
  if (first === undefined) endBlock(work, blockPath);
  else work.next({ kind: "enter", path: pathIn(blockPath, first.name) });
}

/** A node has ended well, at once and in one go with what it ends around it: the next one of its block begins, or the block has ended. */
export function endNode(work: Work, path: string): void {
  const mark = work.marks.get(path);
  const way = mark?.is === "open" && mark.way !== undefined ? { way: mark.way } : {};
  work.mark(path, { is: "done", ...way });
  const blockPath = blockPathOf(path);
  const next = blockAt(work.plan.tree, blockPath)?.[(spotAt(work.plan.tree, path)?.at ?? 0) + 1];
  if (next === undefined) endBlock(work, blockPath);
  else work.next({ kind: "enter", path: pathIn(blockPath, next.name) });
}

function endBlock(work: Work, blockPath: string): void {
  if (blockPath === "") return;
  const { path } = ownerOf(blockPath);
  const node = work.node(path);
  const mark = work.marks.get(path);
  if (mark?.is !== "open") return;
  switch (node.kind) {
    case "branch":
    case "wait":
    case "attempt":
      return endNode(work, path);
    case "parallel":
      return joinGood(work, path, node, mark);
    case "each":
      work.prune(blockPath);
      return joinGood(work, path, node, mark);
    case "loop":
      return endRepetition(work, path, mark.begun ?? 1);
    case "task":
    case "child":
    case "change":
    case "sleep":
    case "fail":
      return;
  }
}

/** When the last node has ended, and what a way that was given up had begun to undo is undone (W4). */
export function complete(work: Work): void {
  const last = work.plan.tree.root.at(-1)?.name ?? "";
  if (!work.isLive("") || work.marks.get(last)?.is !== "done" || isUndoing(work, "")) return;
  const { result } = work.plan;
  const asked =
    result === undefined ? { value: undefined } : work.ask("", "the result", (state) => wire(result(state)));
  if ("failure" in asked) return work.next({ kind: "fail", path: "", failure: asked.failure });
  work.result = asked.value;
  work.pass("completed");
}

function endRepetition(work: Work, path: string, begun: number): void {
  const node = work.node(path);
  if (node.kind !== "loop") return;
  const last = `${path}[${begun - 1}]`;
  const isEnough = work.ask(`${last}/until`, "the condition", node.until);
  if ("failure" in isEnough) return work.next({ kind: "fail", path, failure: { ...isEnough.failure, path } });
  work.prune(last);
  if (isEnough.value) return endNode(work, path);
  if (begun >= node.timesMax) {
    const message = `${path} has run ${begun} times, and it was never enough`;
    return work.next({ kind: "fail", path, failure: { code: "LOOP_EXHAUSTED", message, path } }); // W6
  }
  work.mark(path, { is: "open", begun: begun + 1 });
  work.next({ kind: "begin", block: `${path}[${begun}]` });
}

type Open = Mark & { readonly is: "open" };

/** How many there are, and how many have to end well. */
export function quorumOf(node: ParallelNode | EachNode, mark: Open): { readonly all: number; readonly wanted: number } {
  const all = node.kind === "parallel" ? node.ways.length : (mark.items?.length ?? 0);
  return { all, wanted: wantedOf(node.join, all) };
}

function wantedOf(join: Join, all: number): number {
  if (join === "all") return all;
  return join === "any" ? 1 : join;
}

function joinGood(work: Work, path: string, node: ParallelNode | EachNode, mark: Open): void {
  const good = (mark.good ?? 0) + 1;
  const { wanted } = quorumOf(node, mark);
  work.mark(path, { ...mark, good });
  if (good < wanted) return beginNextItem(work, path, { ...mark, good });
  abandon(work, path, "join");
  endNode(work, path);
}

/** W6: one item begins when one has ended. */
export function beginNextItem(work: Work, path: string, mark: Open): void {
  const { begun = 0, items } = mark;
  if (items === undefined || begun >= items.length) return;
  work.mark(path, { ...mark, begun: begun + 1 });
  work.next({ kind: "begin", block: `${path}[${begun}]` });
}
