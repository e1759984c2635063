// The thread of loop-beat.ts, which sees whether the event loop of its process turns.

import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { parentPort, workerData } from "node:worker_threads";

const { beats, beatMs, stillMsMax, file } = workerData;
/** How long it looks where the process is, and how often. Unit: ms. */
const lookMsMax = 3_000;
const lookEveryMs = 500;

let last = -1;
let stillMs = 0;
// Counted in periods of this thread: a process that was stopped, or whose machine slept, has not stood still.
const watching = setInterval(() => {
  const now = Atomics.load(beats, 0);
  stillMs = now === last ? stillMs + beatMs : 0;
  last = now;
  if (stillMs < stillMsMax) return;
  clearInterval(watching);
  end();
}, beatMs);
parentPort.postMessage("watching");

function end() {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), lookMsMax);
  say(`\n FAIL  ${file}: the event loop of its process has not turned for ${stillMsMax / 1_000} s. It is here:`);
  const urls = new Map();
  const session = new Session();
  session.connectToMainThread();
  session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
  session.on("Debugger.paused", ({ params: { callFrames } }) => {
    for (const { functionName, location } of callFrames) {
      say(`  ${functionName || "(anonymous)"} ${urls.get(location.scriptId)}:${location.lineNumber + 1}`);
    }
    say("");
    session.post("Debugger.resume");
    setTimeout(() => session.post("Debugger.pause"), lookEveryMs);
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}

/** At once: what this thread writes in the usual way goes through the event loop that stands still. */
function say(line) {
  writeSync(2, `${line}\n`);
}
