// Brings the lost races that workers count into the map of conflicts: each second's once.

import type { MemoryMonitor } from "./memory-monitor.ts";
import type { WorkerSpan } from "./now-figures.ts";
import type { NowReader } from "./now-reader.ts";

/** By what was written: "state desk", "facts user", "central workflow". Pure. */
export function conflictsIn(spans: readonly WorkerSpan[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { series } of spans) {
    for (const each of series) {
      if (each.name !== "troupe.conflicts" || !("value" in each) || each.value <= 0) continue;
      const what = `${each.labels.bucket} ${each.labels.of}`;
      found.set(what, (found.get(what) ?? 0) + each.value);
    }
  }
  return found;
}

/** Until the reader is closed. */
export function followConflicts(now: Pick<NowReader, "spans" | "onSecond">, monitor: MemoryMonitor): void {
  let taken: readonly WorkerSpan[] | undefined;
  now.onSecond(() => {
    // A second that could not be read is told of too, with what was read before.
    if (now.spans === taken) return;
    taken = now.spans;
    for (const [what, count] of conflictsIn(taken)) monitor.conflicted(what, count);
  });
}
