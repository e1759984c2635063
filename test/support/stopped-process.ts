// When SIGSTOP has worked: on a busy machine the thread that is to take the signal waits for its turn, while others of
// the process go on and answer.

import { readdirSync, readFileSync } from "node:fs";

const lookEveryMs = 1;
const looksMax = 10_000;

/** Returns when no thread of the process, which was sent SIGSTOP, runs any more; at once where there is no /proc. */
export function waitUntilStopped({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return; // It never started.
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (let looks = 0; !isStopped(pid); looks += 1) {
    if (looks === looksMax) throw new Error(`process ${pid} still runs ${looksMax * lookEveryMs} ms after SIGSTOP`);
    Atomics.wait(word, 0, 0, lookEveryMs);
  }
}

/** Also true of a process that is gone. */
function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => isThreadStopped(`/proc/${pid}/task/${thread}/stat`));
  } catch {
    // No /proc, or the process is gone.
    return true;
  }
}

function isThreadStopped(path: string): boolean {
  try {
    // `1234 (name, which may hold anything) T …`
    const stat = readFileSync(path, "utf8");
    return /^[TtZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    // The thread has ended.
    return true;
  }
}
