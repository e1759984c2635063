// What goes wrong, as the caller of a command sees it: a text with a remedy, an exit code, never a bare stack.

import type { CommanderError } from "commander";
import { isTroupeError, messageOf } from "../core/errors.ts";
import type { Terminal } from "./terminal.ts";
import { printable } from "./text.ts";

export type FailureCode =
  | "USAGE"
  | "APP_NOT_FOUND"
  | "ACTOR_NOT_FOUND"
  | "ACTOR_EXISTS"
  | "LETTER_NOT_FOUND"
  | "FILE_UNUSABLE"
  | "SERVER_NOT_FOUND"
  | "WORKER_NOT_FOUND"
  | "WORKER_AMBIGUOUS"
  | "WORKER_UNREACHABLE"
  | "DRAIN_UNFINISHED"
  | "WORKER_FAILED"
  | "WORKER_TOO_OLD";

/** A failure of the command itself. What the runtime rejects with is a TroupeError. */
export class CommandFailure extends Error {
  readonly code: FailureCode;
  readonly remedy: string;

  constructor(code: FailureCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CommandFailure";
    this.code = code;
    this.remedy = remedy;
  }
}

/** A failure that another process has reported. */
export class ReportedFailure extends Error {
  readonly report: FailureReport;

  constructor(report: FailureReport) {
    super(report.message);
    this.report = report;
  }
}

/** As `--json` prints it on standard error, below `error`. */
export interface FailureReport {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** What a handler's error, or a schema, says besides. */
  readonly data?: unknown;
}

/** Codes that say that the command was called wrongly: nothing was sent. */
const usageCodes: readonly string[] = [
  "USAGE",
  "ID_INVALID",
  "NAME_INVALID",
  "KEY_INVALID",
  "OPTION_INVALID",
  "SCOPE_INVALID",
  "INPUT_NOT_JSON",
];

export function usage(message: string, remedy = "See `troupe --help`."): CommandFailure {
  return new CommandFailure("USAGE", message, remedy);
}

/** What the parser of the command line found. */
export function usageFailure({ message }: CommanderError): CommandFailure {
  const isHelp = message === "(outputHelp)";
  return usage(isHelp ? "a command is missing" : message.replace(/^error: /, ""));
}

export function exitCodeOf(thrown: unknown): number {
  const { code } = reportOf(thrown);
  if (code === "SERVER_UNREACHABLE") return 3;
  return usageCodes.includes(code) ? 2 : 1;
}

export function reportOf(thrown: unknown): FailureReport {
  if (thrown instanceof ReportedFailure) return thrown.report;
  if (thrown instanceof CommandFailure) return { code: thrown.code, message: thrown.message, remedy: thrown.remedy };
  if (isTroupeError(thrown)) {
    const { code, message, remedy, data } = thrown;
    return data === undefined ? { code, message, remedy } : { code, message, remedy, data };
  }
  const remedy = "Set TROUPE_DEBUG=1 to see where it comes from.";
  return { code: "FAILED", message: messageOf(thrown), remedy };
}

export function printFailure(thrown: unknown, terminal: Terminal, env: NodeJS.ProcessEnv): void {
  const report = reportOf(thrown);
  if (terminal.isJson) terminal.complain(JSON.stringify({ error: report }));
  else {
    const lines = report.message.split("\n").map(printable);
    terminal.complain(`${terminal.paintError("red", "troupe:")} ${lines.join("\n")} (${report.code})`);
    terminal.complain(report.remedy);
  }
  if (env.TROUPE_DEBUG === "1" && thrown instanceof Error) terminal.complain(thrown.stack ?? "");
}
