// A message that waits for its turn.

import type { TroupeError } from "../core/errors.ts";
import type { Traceparent } from "../core/trace.ts";
import type { TimerFiring } from "./timer.ts";
import type { Sending } from "./turn.ts";

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
  /** When its last run ended, where somebody wants to know. Unit: ms, monotonic. */
  endedMs: number | undefined;
  /** Names the run of it that asks others, so that what comes back finds it (re-entrance). */
  turnId?: string | undefined;
  turn?: WaitingTurn | undefined;
}

/** A turn that may be re-entered while it waits. */
export interface WaitingTurn {
  /** It has changed nothing of its state. */
  readonly isUntouched: boolean;
  /** Goes on with another state. What it has of the one before is void. */
  rebase(state: unknown): void;
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
  /** Set when no run of it can be committed: it is given up on with this instead of run. */
  doom: TroupeError | undefined;
  /** Set when even that cannot be committed, beside a value that is as large as it may be: it is buried past the value. */
  isUncommittable?: boolean;
}

/** That an errand of the actor itself has ended. */
export interface ErrandEnded {
  /** Its number in the outbox. */
  readonly number: number;
  /** What it has told others: sent with the commit that takes the end (E3 of `errand.ts`). */
  readonly sendings: readonly Sending[];
  /** Its end, as the payload has it, for the first turn that takes it. */
  input?: unknown;
  /** It has come to no end: its actor stops instead (E5 of `errand.ts`). */
  readonly fault?: TroupeError;
}

export interface AskMessage extends Frame {
  readonly kind: "ask";
  readonly errand?: ErrandEnded;
  /** The keys of the actors that wait for the answer, outermost first. */
  readonly chain: readonly string[];
  readonly idempotencyKey: string | undefined;
  /** Unlike any other ask's: what its asker withdraws it by. */
  readonly askId: string;
  /** Ends the turn that runs for it without effect; undefined while none waits for something. */
  interrupt: ((error: TroupeError) => void) | undefined;
  /** Set when its asker waits no longer: it does not run again. */
  isWithdrawn?: boolean;
  /** Called once. */
  readonly answer: (answer: Answer) => void;
}

export type Message = TellMessage | AskMessage;

/** Whether the results of this message's steps are worth keeping: only a message that can come again. */
export function isRepeatable(message: Message): boolean {
  return message.kind === "tell" || message.idempotencyKey !== undefined;
}
