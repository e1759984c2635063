// One run of the `troupe` command: from its arguments to its exit code.

import { CommanderError } from "commander";
import { exitCodeOf, printFailure, usageFailure } from "./failure.ts";
import { makeProgram } from "./program.ts";
import { openTerminal } from "./terminal.ts";

/** Returns the exit code: 0, 1 (failed), 2 (usage), 3 (cannot reach the server). */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const endOfOptions = args.indexOf("--");
  const isJson = args.slice(0, endOfOptions < 0 ? undefined : endOfOptions).includes("--json");
  const terminal = openTerminal(process, env, isJson);
  // `troupe watch '>' | head` closes the pipe: nobody reads on, so there is nothing more to do.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  let exitCode = 0;
  const program = makeProgram(terminal, env, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const failure = thrown instanceof CommanderError ? usageFailure(thrown) : thrown;
    printFailure(failure, terminal, env);
    return exitCodeOf(failure);
  }
}
