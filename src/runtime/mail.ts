// The Mail port: messages to actors, durable (tell) and direct (ask). Implementations: NATS, memory. One contract suite
// runs on both.
//
//   M1. What `append` accepted stands in its partition at a sequence greater than all accepted before it.
//   M2. A message id that was accepted within the duplicate window is not stored again: the answer is `accepted` with
//       the first sequence and `isDuplicate`. On one connection messages are stored in the order of the `append` calls.
//   M3. A reader hands over each message of its partition from a sequence on, in order, each once, for ever; an
//       interruption delays it and loses nothing.
//   M4. `trim` removes what is at or below a sequence, in that partition alone.
//   M5. A request is answered exactly once: `reply`, `nobody` (delivered to no one), `unsent`, or `lost` (no answer:
//       it may have been handled). It is handed to one server, also when two serve its partition: what one refuses the
//       other has not done.
//   M6. A timer is a message that the server appends at its time, once or again and again, also when no worker is alive.
//       It is known by its name and a number of its own within the actor: set again under both it is the same timer,
//       cancelled it never fires after `cancel` has resolved, unless it already had. Of the firings of one that repeats the
//       last alone is kept until it is read.
//   M7. Whoever opens it closes it. After `close` nothing is delivered any more and calls reject with CLOSED. A server
//       that is closed while the mail is open still takes what was under way to it: no asker waits in vain.
//   M8. `withdraw` says that nobody waits for a request's answer any more, to whoever serves it: best effort, at most once,
//       and to no other request than the one that it names.
//   M9. What is published to a worker's feed reaches those who follow it at that moment: in order, at most once, and at no
//       cost when there are none but the sending. It neither waits nor fails.

import type { TimerWhen } from "../actors/timer.ts";
import { TroupeError } from "../core/errors.ts";
import type { Traceparent } from "../core/trace.ts";
import type { MailFiring } from "./mail-timer.ts";

/** How long a message id is known (M2) when nothing else is said. Unit: ms. */
export const duplicateWindowMsDefault = 120_000;

/** What is read of a mailbox at a time; one message more may be larger. Unit: bytes of payload. */
export const mailboxReadBytesMax = 1_048_576;

/** Rejects at the sender's door what no message can carry. Throws PAYLOAD_TOO_LARGE. */
export function checkPayload(mail: Mail, to: MailAddress, payload: Uint8Array): void {
  if (payload.length <= mail.payloadBytesMax) return;
  const text = `the argument of ${to.key} ${to.method} takes ${payload.length} bytes, ${mail.payloadBytesMax} are allowed`;
  throw new TroupeError("PAYLOAD_TOO_LARGE", text);
}

/** Where a message goes: an actor's method. `key` is `type.id` escaped. */
export interface MailAddress {
  readonly partition: number;
  readonly key: string;
  readonly method: string;
}

/** Where a request goes: to whoever owns the partition under that epoch. */
export interface AskAddress extends MailAddress {
  readonly epoch: number;
}

/** What goes along with a message, each only when there is something to say: headers are dear. */
export interface MailMeta {
  /** For the server's duplicate window, and in logs and traces. */
  readonly messageId?: string | undefined;
  /** The sender's key, when an actor sent it. */
  readonly from?: string | undefined;
  /** The sender's number for it (outbox). */
  readonly number?: number | undefined;
  /** The actors that wait for the answer, outermost first: their keys, each with `.turn` when it may be re-entered. */
  readonly chain?: readonly string[] | undefined;
  /** The asker's idempotency key, escaped as an id is. */
  readonly idempotencyKey?: string | undefined;
  readonly trace?: Traceparent | undefined;
  /** The timer that has sent it. */
  readonly timer?: MailFiring | undefined;
}

export const noMeta: MailMeta = Object.freeze({});

/** A message as its reader gets it. */
export interface Letter {
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  readonly sequence: number;
}

export type AppendOutcome =
  | { readonly kind: "accepted"; readonly sequence: number; readonly isDuplicate: boolean }
  /** Not stored, and will not be: too large, a full disk, a limit, no stream. */
  | {
      readonly kind: "refused";
      readonly reason: string;
      /** It is of no use to try again. */
      readonly isFinal?: true;
    }
  /** Not stored: it never left this process, or no stream takes it in now (its servers may be electing a leader). */
  | { readonly kind: "unsent"; readonly reason: string }
  /** No answer: it may be stored, now or later. */
  | { readonly kind: "unknown"; readonly reason: string };

export type RequestOutcome =
  | { readonly kind: "reply"; readonly payload: Uint8Array; readonly errorCode: string | undefined }
  | { readonly kind: "nobody" }
  | { readonly kind: "unsent"; readonly reason: string }
  /** `askId`: what it may be withdrawn by. */
  | { readonly kind: "lost"; readonly reason: string; readonly askId?: string };

export type PingOutcome = "alive" | "nobody" | "unknown";

/** What the answer of a worker, or the lack of one, says about it. */
export function pingOutcomeOf({ kind }: RequestOutcome): PingOutcome {
  if (kind === "reply") return "alive";
  return kind === "nobody" ? "nobody" : "unknown";
}

/** What a worker answers on its control subject. With `errorCode` the payload is an error. */
export interface ControlAnswer {
  readonly payload: Uint8Array;
  readonly errorCode?: string;
}

/** A direct request as the owner gets it. */
export interface MailRequest {
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  /** Unlike any other request's; empty when nobody waits for an answer. */
  readonly askId: string;
  /** At most once. With `errorCode` the payload is an error. */
  reply(payload: Uint8Array, errorCode?: string): void;
}

/** A request whose asker waits no longer. */
export interface Withdrawal {
  readonly key: string;
  readonly askId: string;
}

/** Which of an actor's timers. */
export interface MailTimerId {
  readonly name: string;
  readonly number: number;
}

export interface MailTimer extends MailTimerId {
  readonly when: TimerWhen;
}

export interface MailReader extends AsyncDisposable {
  /** Sequence of the last message handed over; where it started, less one, before the first. */
  readonly position: number;
  close(): Promise<void>;
}

export interface MailServer extends AsyncDisposable {
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly letter: Letter;
  readonly partition: number;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
}

export interface Mail extends AsyncDisposable {
  /** Largest message, with what goes along. Unit: bytes. */
  readonly payloadBytesMax: number;
  append(to: MailAddress, payload: Uint8Array, meta: MailMeta, timeoutMs: number): Promise<AppendOutcome>;
  /**
   * `onLost`: the stream ends before the place of this reader, which therefore hands over nothing more. The error says what became
   * of it; a reader that is opened then goes on, unless the stream is another one.
   */
  read(
    partition: number,
    fromSequence: number,
    onLetter: (letter: Letter) => void,
    onLost?: (error: TroupeError) => void,
  ): Promise<MailReader>;
  /**
   * One actor's stored messages from a sequence on, oldest first: at most `most`, and none more when they take
   * `mailboxReadBytesMax`. Empty only when there are none. Rejects with SERVER_UNREACHABLE.
   */
  readMailbox(partition: number, key: string, fromSequence: number, most: number): Promise<readonly Letter[]>;
  trim(partition: number, upToSequence: number): Promise<void>;
  /** Keeps a message that was given up on, with the reason; once per partition and sequence. */
  bury(dead: DeadLetter, timeoutMs: number): Promise<AppendOutcome>;
  /** Sets a timer that appends the payload (M6). Of `meta` the message id is for the setting, the trace for the firings. */
  schedule(
    to: MailAddress,
    timer: MailTimer,
    payload: Uint8Array,
    meta: Pick<MailMeta, "messageId" | "trace">,
    timeoutMs: number,
  ): Promise<AppendOutcome>;
  cancel(key: string, timer: MailTimerId): Promise<void>;

  /** `lost` as soon as `signal` aborts. */
  request(
    to: AskAddress,
    payload: Uint8Array,
    meta: MailMeta,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RequestOutcome>;
  /** Withdraws a request that was `lost` (M8). Neither waits nor fails. */
  withdraw(to: AskAddress, askId: string): void;
  /** Takes the requests to the owner of a partition under that epoch. Resolves when the server knows. */
  serve(
    partition: number,
    epoch: number,
    onRequest: (request: MailRequest) => void,
    onWithdrawn?: (withdrawal: Withdrawal) => void,
  ): Promise<MailServer>;
  /** Takes what comes to a door; many may serve it, one gets each. */
  serveDoor(door: "call" | "tell", onRequest: (request: MailRequest) => void): Promise<MailServer>;
  /** A request to a worker itself: is it alive? */
  ping(worker: string, timeoutMs: number): Promise<PingOutcome>;
  /** A request to a worker itself, and its answer. An empty one is a ping. */
  control(worker: string, payload: Uint8Array, timeoutMs: number): Promise<RequestOutcome>;
  /** Takes what comes to the worker itself. `onControl` answers at once and does not throw; a ping is answered without it. */
  serveControl(worker: string, onControl?: (payload: Uint8Array) => ControlAnswer): Promise<MailServer>;
  /** Tells whoever follows the worker's feed (M9). */
  publishFeed(worker: string, payload: Uint8Array): void;
  followFeed(worker: string, onBatch: (payload: Uint8Array) => void): Promise<MailServer>;

  /** Runs when the connection breaks or is back. */
  onConnection(listener: (state: "lost" | "restored") => void): () => void;
  close(): Promise<void>;
}
