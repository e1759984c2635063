// Where a command's results and remarks go: results on standard output, all else on standard error.

import type { Paint } from "./text.ts";
import { coloured, plain } from "./text.ts";

export interface Terminal {
  /** `--json`: results are JSON, and nothing else is on standard output. */
  readonly isJson: boolean;
  /** A person watches the results. */
  readonly isWatched: boolean;
  /** Columns; 0 when lines are not to be cut. */
  readonly width: number;
  readonly paint: Paint;
  readonly paintError: Paint;
  /** A line of the result. */
  print(line: string): void;
  /** A remark for people; with `--json` nobody gets it. */
  remark(line: string): void;
  /** What went wrong. */
  complain(line: string): void;
}

export function openTerminal(
  { stdout, stderr }: Pick<NodeJS.Process, "stdout" | "stderr">,
  env: NodeJS.ProcessEnv,
  isJson: boolean,
): Terminal {
  const mayColour = (env.NO_COLOR ?? "") === "";
  const paintOf = (stream: NodeJS.WriteStream): Paint =>
    mayColour && stream.isTTY === true && stream.hasColors() ? coloured : plain;
  const isWatched = stdout.isTTY === true && !isJson;
  return {
    isJson,
    isWatched,
    width: isWatched ? stdout.columns : 0,
    paint: isJson ? plain : paintOf(stdout),
    paintError: isJson ? plain : paintOf(stderr),
    print: (line) => void stdout.write(`${line}\n`),
    remark: (line) => {
      if (!isJson) stderr.write(`${line}\n`);
    },
    complain: (line) => void stderr.write(`${line}\n`),
  };
}
