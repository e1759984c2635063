// What a request gets that cannot be answered: a code, what happened, and what to do.

import type { ErrorCode } from "../../core/errors.ts";
import { isTroupeError, messageOf } from "../../core/errors.ts";
import type { Problem } from "./api/page.ts";

export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 429 | 500 | 502 | 503;

/** Thrown by a route for what is in no catalogue of the runtime: nothing is there, or the asker may not. */
export class Refusal extends Error {
  readonly status: RefusalStatus;
  readonly problem: Problem;

  constructor(status: RefusalStatus, code: string, message: string, remedy: string) {
    super(message);
    this.status = status;
    this.problem = { code, message, remedy };
  }
}

export function notFound(what: string, remedy: string): Refusal {
  return new Refusal(404, "NOT_FOUND", `${what} is not there`, remedy);
}

/** Errors that say that the request itself was wrong. */
const badRequests: readonly ErrorCode[] = [
  ...(["ID_INVALID", "NAME_INVALID", "OPTION_INVALID", "INPUT_INVALID", "INPUT_NOT_JSON", "KEY_INVALID"] as const),
  ...(["SCOPE_INVALID", "SIGNAL_UNKNOWN"] as const),
];

/** What is no error of ours is told without its stack: that is for the log. */
export function refusalOf(thrown: unknown): { readonly status: RefusalStatus; readonly problem: Problem } {
  if (thrown instanceof Refusal) return thrown;
  if (isTroupeError(thrown)) {
    const { code, message, remedy, retry } = thrown;
    const status = badRequests.includes(code) ? 400 : retry === "never" ? 409 : 503;
    return { status, problem: { code, message, remedy } };
  }
  const remedy = "This is a fault of the dashboard: please report it, with what was asked.";
  return { status: 500, problem: { code: "FAILED", message: messageOf(thrown), remedy } };
}
