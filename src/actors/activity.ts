// What an actor is doing, for the status that others see of it. Pure: made of what befalls its turns.
//
//   A1. It works from when a turn begins until all that it led to is stored. It waits while that turn waits for an answer, or its
//       message for the next attempt.
//   A2. A told message that is given up on leaves it failed until its next turn begins. An ask that fails does not: who asked is told.
//   A3. Queries, and turns within a turn that waits, do not count: they are part of what others do.

import type { Traceparent } from "../core/trace.ts";
import type { AgentStatus } from "../memory/state-agent-write.ts";
import type { Message } from "./message.ts";

export interface Activity {
  readonly status: AgentStatus;
  /** In a few words. */
  readonly task?: string;
  readonly failure?: Failed;
  readonly cause?: Cause;
  /** Answers that the turn waits for. */
  readonly asks?: number;
}

/** The message that led to it. The trace of its turn is known when that has begun. */
export interface Cause {
  readonly messageId: string;
  readonly method: string;
  readonly trace: Traceparent | undefined;
  readonly turnTrace: Traceparent | undefined;
}

interface Failed {
  readonly code: string;
  readonly message: string;
}

export type ActivityInput =
  | { readonly kind: "turn-begun"; readonly message: Message }
  | { readonly kind: "asking"; readonly whom: string }
  | { readonly kind: "answered" }
  | { readonly kind: "postponed"; readonly message: Message; readonly failure: Failed }
  | { readonly kind: "given-up"; readonly message: Message; readonly failure: Failed }
  | { readonly kind: "stopped"; readonly failure: Failed }
  /** Nothing is left to do. */
  | { readonly kind: "rested" };

/** Longest text of a failure. Unit: characters. */
const failureLengthMax = 500;

export const resting: Activity = { status: "idle" };

/** The same value when nothing has changed. */
export function nextActivity(now: Activity, input: ActivityInput): Activity {
  const { cause, asks = 0 } = now;
  const by = cause === undefined ? {} : { cause };
  switch (input.kind) {
    case "turn-begun":
      return { status: "working", task: input.message.method, cause: input.message };
    case "asking": // A1
      if (!isBusy(now)) return now;
      return { status: "waiting", task: `asks ${input.whom}`, asks: asks + 1, ...by };
    case "answered":
      if (asks === 0) return now;
      if (asks > 1) return { ...now, asks: asks - 1 };
      return { status: "working", ...(cause === undefined ? {} : { task: cause.method }), ...by };
    case "postponed":
      return {
        status: "waiting",
        task: `tries ${input.message.method} again`,
        failure: shown(input.failure),
        cause: input.message,
      };
    case "given-up": // A2
      return { status: "failed", task: input.message.method, failure: shown(input.failure), ...told(input.message) };
    case "stopped":
      return { status: "stopped", failure: shown(input.failure), ...told(cause) };
    case "rested":
      return isBusy(now) ? { status: "idle", ...told(cause) } : now;
  }
}

/** True while a turn is under way, or its message waits to be tried again. */
export function isBusy({ status }: Pick<Activity, "status">): boolean {
  return status === "working" || status === "waiting";
}

/** Without the rest of the message, which would be kept for as long as this is. */
function told(cause: Cause | undefined): { readonly cause?: Cause } {
  if (cause === undefined) return {};
  const { messageId, method, trace, turnTrace } = cause;
  return { cause: { messageId, method, trace, turnTrace } };
}

function shown({ code, message }: Failed): Failed {
  return { code, message: message.slice(0, failureLengthMax).toWellFormed() };
}
