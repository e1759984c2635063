// A script of ours in a process of its own, which talks in lines of JSON on standard output.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ScriptRun extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The next line, parsed. Rejects when the script ends before it, or `patienceMs` are over. */
  next(): Promise<unknown>;
  /** What it has written on standard error so far. */
  readonly errors: string;
  /** Its exit code, when it has ended by itself or by a signal that was sent to it. */
  readonly exited: Promise<number | null>;
}

const patienceMs = 30_000;

/** Starts it with this Node. Killed when it is disposed of. */
export function runScript(
  path: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): ScriptRun {
  const { PATH, NODE_OPTIONS } = process.env; // Those make it late by chance: `perturbed.ts`.
  const child = spawn(process.execPath, [...nodeArgs, path, ...args], {
    env: { PATH, NODE_OPTIONS, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    get errors() {
      return errors;
    },
    exited,
    next: async () => {
      const deadline = AbortSignal.timeout(patienceMs);
      const late = once(deadline, "abort").then(() => {
        throw new Error(`${path} said nothing for ${patienceMs} ms; on standard error: ${errors}`);
      });
      const line = await Promise.race([lines.next(), late]);
      if (line.done === true) throw new Error(`${path} ended; on standard error: ${errors}`);
      return JSON.parse(line.value);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
