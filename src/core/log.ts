// What every room may log with: pino's own shape, so that a team hands in its own logger.

import { createRequire } from "node:module";
import { pino } from "pino";
import { ErrorLines } from "./error-lines.ts";
import { TroupeError } from "./errors.ts";

/** Short lower-case text plus fields. pino's Logger satisfies it. */
export interface Logger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  child(fields: object): Logger;
}

/** A pino logger on standard error. Level: option, then `TROUPE_LOG`, then `info`. Pretty on a terminal, else JSON. */
export function createLogger(options: { level?: string; pretty?: boolean } = {}): Logger {
  const level = options.level ?? process.env.TROUPE_LOG ?? "info";
  if (!Object.hasOwn(pino.levels.values, level) && level !== "silent") {
    const known = [...Object.keys(pino.levels.values), "silent"].join(", ");
    throw new TroupeError("OPTION_INVALID", `there is no log level ${JSON.stringify(level)}; there is ${known}`);
  }
  const isTerminal = process.stderr.isTTY === true;
  const isPretty = options.pretty ?? isTerminal;
  lines ??= new ErrorLines();
  if (!isPretty) return pino({ name: "troupe", level }, lines);
  const print = loadPretty().prettyFactory({ colorize: isTerminal, ignore: "pid,hostname,name" });
  return pino({ name: "troupe", level }, { write: (line) => lines?.write(print(line)) });
}

// One for all loggers of the process, as there is one standard error.
let lines: ErrorLines | undefined;

/** In this thread, not in pino's worker, which keeps a process alive whose standard error is gone. Loaded when needed. */
function loadPretty(): typeof import("pino-pretty") {
  return createRequire(import.meta.url)("pino-pretty");
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
