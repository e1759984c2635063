// Loaded by vitest before each test file: where the event loop stands still no timeout of a test ever fires, and one such
// process would hold up all of a run for ever.
//
//   L1. A process of tests whose event loop has not turned for `stillMsMax` says where it is and is killed: the run goes on
//       without it, and has failed.

import { once } from "node:events";
import { url as debuggerUrl } from "node:inspector";
import { Worker } from "node:worker_threads";
import { expect } from "vitest";

/** More than any test may take: what stands still for so long has failed anyway. Unit: ms. */
const stillMsMax = 180_000;
const beatMs = 1_000;

if (debuggerUrl() === undefined) await beat();

async function beat(): Promise<void> {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(beats, 0, 1), beatMs).unref();
  const { testPath: file } = expect.getState();
  // JavaScript, since a thread that has to load what takes the types away costs twice as much, and there is one for each file.
  const thread = new Worker(new URL("./loop-watch.mjs", import.meta.url), {
    workerData: { beats, beatMs, stillMsMax, file },
  });
  // A thread begins with the help of the event loop that it is to watch.
  await once(thread, "message");
  thread.unref();
}
