// Runs a program to its end, within a time, and keeps what it said.

import { spawn } from "node:child_process";
import { messageOf } from "../../core/errors.ts";

export interface RunOptions {
  /** The program is killed when it takes longer. Unit: ms. */
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export type RunOutcome =
  | { readonly kind: "done"; readonly output: string }
  /** Could not be started, was killed for its time, or ended with another code than 0. `reason` fits into one line. */
  | { readonly kind: "failed"; readonly reason: string };

/** Characters of output that are kept: its end, where programs say what went wrong. */
const outputCharsMax = 64 * 1024;
const reasonCharsMax = 300;

/** Never rejects. Standard output and error are read as one text. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<RunOutcome> {
  return new Promise((resolve) => {
    let output = "";
    const keep = (chunk: string) => {
      output = (output + chunk).slice(-outputCharsMax);
    };
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env ?? process.env,
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (error) => resolve({ kind: "failed", reason: `cannot run ${program}: ${messageOf(error)}` }));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve({ kind: "done", output });
      const end =
        signal === null ? `ended with code ${code}` : `was killed by ${signal} (limit ${options.timeoutMs} ms)`;
      const said = lastWords(output);
      resolve({ kind: "failed", reason: `${program} ${end}${said === "" ? "" : `: ${said}`}` });
    });
  });
}

function lastWords(output: string): string {
  const lines = output.trim().split("\n").slice(-3);
  return lines
    .map((line) => line.trim())
    .join(" / ")
    .slice(-reasonCharsMax);
}
