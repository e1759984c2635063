// One run of the worker as a process of its own.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FailureReport } from "../failure.ts";
import { within } from "../local-server/launch.ts";
import type { ServingReport } from "../print/serving.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

export interface WorkerRunOptions {
  /** What follows `troupe worker`. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What the actors print must not get among our own results. */
  readonly printsToStandardError: boolean;
  readonly onLoaded: (path: string, signature: string) => void;
  readonly onServing: (report: ServingReport) => void;
}

export interface WorkerEnd {
  /** What ended it: an exit code, or the name of a signal. */
  readonly how: number | NodeJS.Signals;
  /** What it has reported. */
  readonly failure: FailureReport | undefined;
}

export interface WorkerRun {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<WorkerEnd>;
  /** Lets it finish what it has begun; by force when that takes too long. */
  drain(): Promise<void>;
}

/** A worker drains for at most 10 s by itself. Unit: ms. */
const drainMsMax = 15_000;
// In the source as in the package.
const binFile = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../bin.ts" : "../bin.js", import.meta.url));

export function startWorkerProcess(options: WorkerRunOptions): WorkerRun {
  const child = fork(binFile, ["worker", ...options.args], {
    env: options.env,
    stdio: ["ignore", options.printsToStandardError ? process.stderr.fd : "inherit", "inherit", "ipc"],
    // In a session of its own: a Ctrl-C in the terminal reaches us alone, and we let it drain.
    detached: true,
  });
  let failure: FailureReport | undefined;
  child.on("message", (message: FromWorker) => {
    if (message.kind === "loaded") options.onLoaded(message.path, message.signature);
    else if (message.kind === "serving") options.onServing(message.report);
    else failure = message.error;
  });
  const ended = new Promise<WorkerEnd>((resolve) => {
    child.once("error", ({ message }) => {
      const remedy = "Look at the message; it is the operating system's.";
      resolve({ how: 1, failure: { code: "WORKER_FAILED", message: `the worker does not start: ${message}`, remedy } });
    });
    child.once("exit", (code, signal) => resolve({ how: signal ?? code ?? 1, failure }));
  });
  return {
    pid: child.pid,
    ended,
    drain: async () => {
      const message: ToWorker = { kind: "drain" };
      // A process that is just ending takes no message any more.
      if (child.connected) child.send(message, () => {});
      if ((await within(drainMsMax, ended)) === "late") child.kill("SIGKILL");
      await ended;
    },
  };
}
