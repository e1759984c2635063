// How a turn that fails says why.

import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import { printAddress } from "../core/ids.ts";
import type { TurnOutcome, TurnRequest } from "./turn.ts";

export const failed = (error: TroupeError): TurnOutcome => ({ kind: "failed", error });
export const turnOver = () => new TroupeError("TURN_OVER", "this turn has ended");

/** What a handler has thrown, as the error that its asker gets. */
export function failureOf(thrown: unknown, request: Pick<TurnRequest, "self" | "message">): TroupeError {
  if (isTroupeError(thrown) && doorCodes.has(thrown.code)) return thrown;
  const where = `${printAddress(request.self)} ${request.message.method}`;
  const message = messageOf(thrown);
  return new TroupeError("HANDLER_FAILED", `${where} failed: ${message}`, {
    cause: thrown,
    data: { name: typeof thrown, message, ...ownOf(thrown) },
  });
}

/** What a handler's own error says of itself, as far as it lets itself be looked at. */
function ownOf(thrown: unknown): object {
  try {
    const { name, code, data } = (thrown ?? {}) as Record<"name" | "code" | "data", unknown>;
    return {
      ...(thrown instanceof Error && typeof name === "string" ? { name } : {}),
      ...(typeof code === "string" ? { code } : {}),
      ...(data === undefined ? {} : { data: jsonOf(data) }),
    };
  } catch {
    // A getter of it has thrown: name and message have to do.
    return {};
  }
}

// What a turn's own doors refuse keeps its code; what others answered to the handler is the handler's failure.
const doorCodes = new Set([
  "RESULT_INVALID",
  "STATE_INVALID",
  "STEP_REPEATED",
  "QUERY_CHANGED_STATE",
  "TURN_OVER",
  "TIMER_INVALID",
  "TIMERS_FULL",
  "MEMORY_MISSING",
  "ENTRY_INVALID",
  "FACT_INVALID",
  "SCOPE_INVALID",
]);

function jsonOf(data: unknown): unknown {
  try {
    const text = JSON.stringify(data);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // An error's extra data that JSON cannot carry is left out; the error itself still arrives.
    return undefined;
  }
}
/** What a turn ends with whose asker has given up. */
export const withdrawn = () => new TroupeError("ASK_WITHDRAWN", "its asker waits no longer");
