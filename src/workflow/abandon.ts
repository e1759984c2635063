// What stands in a node, or in the whole run, is given up: nothing more begins in it. What was ordered is under way
// and cannot be called back: it is left to end (W4). An attempt that is being undone is undone to its end, unless
// the scope around it is undone as a whole and takes that over.

import type { Mark } from "./run.ts";
import { isWithin } from "./tree.ts";
import type { Work } from "./work.ts";

export function abandon(work: Work, outer: string, by: "join" | "scope"): void {
  const inner = [...work.marks].filter(([path]) => path !== "" && isWithin(path, outer));
  // These first: their items are known as long as what they stand in is open.
  for (const [path, mark] of inner) {
    if (mark.is !== "running") continue;
    const { order, attempt } = mark;
    work.mark(path, { is: "left", order, attempt, place: work.placeOf(path) });
    remindChild(work, path, mark);
  }
  for (const [path, mark] of inner) {
    switch (mark.is) {
      case "ready":
      case "backing-off":
      case "sleeping":
      case "waiting":
      case "open":
        work.unmark(path);
        break;
      case "compensating":
        if (by === "scope") work.unmark(path);
        break;
      case "held":
        work.mark(path, { is: "failed", failure: mark.failure });
        break;
      case "running":
      case "left":
      case "failed":
      case "done":
      case "compensated":
        break;
    }
  }
}

/** A child is told that it is given up; it may have been told so before. */
export function remindChild(work: Work, path: string, { order, attempt }: OrderOut): void {
  if (work.node(path).kind === "child") work.commands.push({ kind: "cancel-child", path, order, attempt });
}

type OrderOut = Mark & { readonly is: "running" | "left" };
