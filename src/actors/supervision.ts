// Supervision: what a failed turn of a told message leads to. A pure decision; the runner (runtime/cell-runner.ts) does it.
// What was asked fails towards its asker, who decides for himself.
//
//   F1. What the actor's doors refuse is its sender's fault: it is a dead letter at once, and the policy is not asked.
//       Nobody stops an actor by sending it nonsense.
//   F2. A message runs at most `retry.attempts` times, and runs again only after a failure that another run may not meet.
//   F3. A policy that throws, or says what is no verdict, has said "dead-letter". So has one that escalates where there is
//       no parent that hears of it.

import type { ActorAddress } from "../core/ids.ts";
import type { Schema } from "../core/schema.ts";
import type { RetryOptions } from "./definition.ts";

/** Try again, keep as a dead letter and go on, stop the actor, or tell the parent that spawned it and go on. */
export type FailureVerdict = "retry" | "dead-letter" | "stop" | "escalate";

/** A turn that has failed, as its policy sees it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Of a handler that threw: `{ name, message, code?, data? }` of what it threw. */
  readonly data: unknown;
  readonly method: string;
  /** Runs so far. */
  readonly attempts: number;
}

/** A verdict for what is left when the retries are used up, or a function that judges each failure. */
export type FailurePolicy = Exclude<FailureVerdict, "retry"> | ((failure: Failure) => FailureVerdict);

export interface Supervision {
  readonly retry: Required<RetryOptions>;
  readonly onFailure: FailurePolicy;
}

export type Decision =
  /** Unit: ms. */
  | { readonly kind: "retry"; readonly afterMs: number }
  /** `lacksParent`: it was to be escalated. */
  | { readonly kind: "dead-letter"; readonly lacksParent: boolean }
  | { readonly kind: "stop" | "escalate" };

/** What the parent's method that `onChildFailure` names is told when a child escalates. */
export interface ChildFailure {
  readonly child: ActorAddress;
  /** What the child was told; it is kept as a dead letter as well. */
  readonly method: string;
  readonly messageId: string;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  readonly data?: unknown;
  /** The argument that it was told with, when it is no longer than 16 KiB of JSON. */
  readonly input?: unknown;
}

const verdicts: readonly unknown[] = ["retry", "dead-letter", "stop", "escalate"];
const doorCodes: ReadonlySet<string> = new Set(["INPUT_INVALID", "METHOD_UNKNOWN", "METHOD_NOT_TELLABLE"]);
const deadLetter = { kind: "dead-letter", lacksParent: false } as const;
const passingCodes: ReadonlySet<string> = new Set(["HANDLER_FAILED", "TURN_TIMEOUT"]);

export function decide(
  failure: Failure,
  { retry, onFailure }: Supervision,
  hasParent: boolean,
  chance: number,
): Decision {
  if (doorCodes.has(failure.code)) return deadLetter; // F1
  const mayRetry = passingCodes.has(failure.code) && failure.attempts < retry.attempts; // F2
  const verdict = typeof onFailure === "function" ? judge(onFailure, failure) : mayRetry ? "retry" : onFailure;
  switch (verdict) {
    case "retry":
      return mayRetry ? { kind: "retry", afterMs: backoffOf(failure.attempts, retry, chance) } : deadLetter;
    case "escalate":
      return hasParent ? { kind: "escalate" } : { kind: "dead-letter", lacksParent: true }; // F3
    case "stop":
      return { kind: "stop" };
    case "dead-letter":
      return deadLetter;
  }
}

function judge(policy: (failure: Failure) => unknown, failure: Failure): FailureVerdict {
  try {
    const verdict = policy(failure);
    return verdicts.includes(verdict) ? (verdict as FailureVerdict) : "dead-letter"; // F3
  } catch {
    // A policy that fails must not fail the actor with it: the message is kept, with the reason that it had.
    return "dead-letter"; // F3
  }
}

/** Exponential backoff with jitter: half of it is fixed, half is chance (0 to 1). Unit: ms. */
function backoffOf(attempts: number, retry: Required<RetryOptions>, chance: number): number {
  return Math.min(retry.backoffMsMax, retry.backoffMs * 2 ** (attempts - 1)) * (0.5 + chance / 2);
}

/** For a policy as it was written: undefined when it is one. */
export function faultOfPolicy(policy: unknown): string | undefined {
  if (typeof policy === "function" || (verdicts.includes(policy) && policy !== "retry")) return undefined;
  return "`onFailure` is a function, or one of dead-letter, stop, escalate (retries come first, see `retry`)";
}

/** The schema of a handler that `onChildFailure` names: `handler(childFailure, (ctx, failure) => ...)`. */
export const childFailure: Schema<ChildFailure, ChildFailure> = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) => {
      const issue = faultOfChildFailure(value);
      return issue === undefined ? { value: value as ChildFailure } : { issues: [{ message: issue }] };
    },
  },
};

function faultOfChildFailure(value: unknown): string | undefined {
  const failure = (value ?? {}) as Partial<Record<keyof ChildFailure, unknown>>;
  const child = (failure.child ?? {}) as Partial<Record<keyof ActorAddress, unknown>>;
  const texts = [child.type, child.id, failure.method, failure.messageId, failure.code, failure.message];
  const isOne = texts.every((text) => typeof text === "string") && typeof failure.attempts === "number";
  return isOne ? undefined : "this is no failure of a child";
}
