// Whether a process that somebody has named by its id still runs.

import { readFileSync } from "node:fs";

/** False of one that has ended, also while nobody has taken note of its end: in many containers the first process never does. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !isZombie(pid);
  } catch (thrown) {
    // It is somebody else's.
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isZombie(pid: number): boolean {
  try {
    // `1234 (name, which may hold anything) Z …`
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.startsWith("Z", stat.lastIndexOf(")") + 2);
  } catch {
    // No such process, or no /proc: what is left behind there is taken over by a process that takes note.
    return false;
  }
}
