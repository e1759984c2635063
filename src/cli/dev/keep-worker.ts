// Runs a worker, and another one after each change of its files.
//
//   D1. At most one runs: the next one starts when the one before has drained.
//   D2. A file that does not load, or a worker that dies of its code, ends nothing: the next change tries again. Only what
//       no change of a file can mend does: a server that is not there when the first worker starts.
//   D3. A worker whose process was killed is started again by itself: first soon, then ever later while that goes on.

import { delay, systemClock } from "../../core/clock.ts";
import { restartDelayMs } from "../../kv/restart-delay.ts";
import type { FailureReport } from "../failure.ts";
import { ReportedFailure } from "../failure.ts";
import type { ServingReport } from "../print/serving.ts";
import { FileWatch } from "./file-watch.ts";
import type { WorkerEnd, WorkerRun, WorkerRunOptions } from "./worker-process.ts";
import { startWorkerProcess } from "./worker-process.ts";

export interface KeepWorkerOptions extends Pick<WorkerRunOptions, "args" | "env" | "printsToStandardError"> {
  /** The file of actors: watched from the start, even if it cannot be loaded. */
  readonly file: string;
  readonly signature: string;
  readonly onServing: (report: ServingReport) => void;
  readonly onChanged: (paths: readonly string[]) => void;
  /** The worker's process was killed, and is started again after that time. Unit: ms. */
  readonly onKilled: (signal: NodeJS.Signals, afterMs: number) => void;
  /** The worker was drained from outside; the next change starts another. */
  readonly onDrained: () => void;
  /** The worker has ended by itself; the next change starts another. */
  readonly onFailed: (failure: FailureReport) => void;
  readonly onTrouble: (text: string) => void;
}

/** A worker that lived for longer and is killed is not killed again and again. Unit: ms. */
const calmMsMin = 30_000;

type Event =
  | { readonly kind: "stopped" }
  | { readonly kind: "changed"; readonly paths: readonly string[] }
  | { readonly kind: "ended"; readonly end: WorkerEnd };

/** Resolves when `stop` aborts and the worker has drained. Rejects as D2 says. */
export async function keepWorker(options: KeepWorkerOptions, stop: AbortSignal): Promise<void> {
  using files = new FileWatch(options.onTrouble);
  files.noteLoaded(options.file, options.signature);
  let hasServed = false;
  let kills = 0;
  while (!stop.aborted) {
    files.beginRun();
    const startedAtMs = systemClock.monotonicMs();
    const run = startWorkerProcess({
      ...options,
      onLoaded: (path, signature) => files.noteLoaded(path, signature),
      onServing: (report) => {
        hasServed = true;
        files.endLoading();
        options.onServing(report);
      },
    });
    const event = await nextEvent(run, files, stop);
    if (event.kind === "changed") options.onChanged(event.paths);
    await run.drain(); // D1
    if (event.kind !== "ended" || stop.aborted) continue;
    const { how, failure } = event.end;
    if (typeof how === "string") {
      kills = systemClock.monotonicMs() - startedAtMs > calmMsMin ? 1 : kills + 1;
      const afterMs = Math.round(restartDelayMs(kills, systemClock.random()));
      options.onKilled(how, afterMs);
      await delay(systemClock, afterMs, stop); // D3
      continue;
    }
    if (!hasServed && failure?.code === "SERVER_UNREACHABLE") throw new ReportedFailure(failure); // D2
    if (how === 0 && failure === undefined) options.onDrained();
    else options.onFailed(failure ?? failureOf(how));
    const changed = await files.changes(stop, true);
    if (changed.length > 0) options.onChanged(changed);
  }
}

async function nextEvent(run: WorkerRun, files: FileWatch, stop: AbortSignal): Promise<Event> {
  const over = new AbortController();
  const either = AbortSignal.any([stop, over.signal]);
  try {
    return await Promise.race([
      run.ended.then((end): Event => ({ kind: "ended", end })),
      files
        .changes(either)
        .then((paths): Event => (paths.length > 0 ? { kind: "changed", paths } : { kind: "stopped" })),
    ]);
  } finally {
    over.abort();
  }
}

function failureOf(code: number): FailureReport {
  const message = `the worker has ended (exit code ${code})`;
  return { code: "WORKER_FAILED", message, remedy: "Its last words stand above." };
}
