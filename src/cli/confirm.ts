// A question to the person at the terminal.

import { createInterface } from "node:readline/promises";
import { usage } from "./failure.ts";

/** Whether the answer is yes. Throws a usage failure where nobody can be asked. */
export async function confirm(question: string): Promise<boolean> {
  const { stdin, stderr } = process;
  if (stdin.isTTY !== true || stderr.isTTY !== true) throw usage("nobody can be asked here", "Say --yes to do it.");
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
