// A message that waits for its turn.

import type { TroupeError } from "../core/errors.ts";
import type { Traceparent } from "../core/trace.ts";
import type { TimerFiring } from "./timer.ts";

export type Answer =
  /** `text` is the JSON of the answer; undefined for nothing. */
  { readonly kind: "ok"; readonly text: string | undefined } | { readonly kind: "error"; readonly error: TroupeError };

interface Frame {
  readonly method: string;
  /** JSON as it came: bytes off the wire, text from within the process, nothing at all for `undefined`. */
  readonly payload: Uint8Array | string | undefined;
  readonly messageId: string;
  /** The sender's key when an actor sent it. */
  readonly from: string | undefined;
  /** Where it came from. */
  readonly trace: Traceparent | undefined;
  /** The turn that handles it: what it causes is a child of that. Set at each run. */
  turnTrace: Traceparent | undefined;
}

export interface TellMessage extends Frame {
  readonly kind: "tell";
  /** Position in the mail stream. */
  readonly sequence: number;
  /** The sender's number for it. */
  readonly number: number | undefined;
  /** The timer that has sent it, if one has. */
  readonly timer?: TimerFiring | undefined;
  /** Runs so far. */
  attempts: number;
  /** Set when no run of it can be committed: it is buried with this instead of run. */
  doom: TroupeError | undefined;
}

export interface AskMessage extends Frame {
  readonly kind: "ask";
  /** The keys of the actors that wait for the answer, outermost first. */
  readonly chain: readonly string[];
  readonly idempotencyKey: string | undefined;
  /** Called once. */
  readonly answer: (answer: Answer) => void;
}

export type Message = TellMessage | AskMessage;

/** Whether the results of this message's steps are worth keeping: only a message that can come again. */
export function isRepeatable(message: Message): boolean {
  return message.kind === "tell" || message.idempotencyKey !== undefined;
}
