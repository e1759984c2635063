// Ends a process when this one ends, however that happens, kill -9 included.
//
// A shell waits on a pipe whose other end only this process holds. When this process is gone the kernel closes the
// pipe, and the shell kills the guarded process by its id. It stands in a session of its own, so that a Ctrl-C which
// the terminal sends to everybody does not end it first.

import { spawn } from "node:child_process";

const script = 'read -r _; kill -KILL "$1" 2>/dev/null';

/** Guards the process `pid`. Returns the function that ends the guard: call it once `pid` has exited. */
export function guardProcess(pid: number): () => void {
  const guard = spawn("/bin/sh", ["-c", script, "troupe-guard", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", (error) => {
    process.emitWarning(`nats-server (process ${pid}) will not end with this process: ${error.message}`);
  });
  // Neither the guard nor its pipe keeps this process alive.
  guard.unref();
  if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref();
  return () => guard.kill("SIGKILL");
}
