// Which waits of a run a commit has ended, for who listens to the worker's events. Pure.

import type { RuntimeEvent, WaitingFor } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Mark, Run } from "./run.ts";

/** `before`, `after`: the run as it was committed, and as it is now. However a wait has ended: also late, or given up. */
export function endedWaits(
  workflow: string,
  { id: run }: ActorAddress,
  before: Run,
  after: Run,
  nowMs: number,
): readonly RuntimeEvent[] {
  const ended: RuntimeEvent[] = [];
  for (const path of Object.keys(before.marks)) {
    const wait = waitOf(before.marks[path]);
    if (wait === undefined || waitOf(after.marks[path])?.sinceMs === wait.sinceMs) continue;
    const durationMs = Math.max(0, nowMs - wait.sinceMs);
    ended.push({ kind: "waiting-ended", workflow, run, for: wait.for, durationMs });
  }
  return ended;
}

function waitOf(mark: Mark | undefined): { readonly for: WaitingFor; readonly sinceMs: number } | undefined {
  if (mark === undefined || (mark.is !== "sleeping" && mark.is !== "waiting")) return undefined;
  const { is, sinceMs } = mark;
  return sinceMs === undefined ? undefined : { for: is === "sleeping" ? "sleep" : "signal", sinceMs };
}
