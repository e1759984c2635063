// The dead letters of an app: what was given up on, with the reason, and the way back into the mailbox (P7).
//
//   X1. A letter that is sent again is a new message: without its sender's number, which the receiver has passed, and
//       under an id of its own, so that sending it twice in the duplicate window appends it once.
//   X2. It is removed only when the server has the new message. When that fails it says that the message was sent: whoever
//       sends it again when the window is over has two.

import { messageOf, TroupeError } from "../core/errors.ts";
import { isTraceparent } from "../core/trace.ts";
import { readApi, refusedError, serverErrors } from "../kv/nats-api.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import type { Mail } from "./mail.ts";
import { deadHeaderNames } from "./mail-dead.ts";
import { entriesOf, headerNames, isKey } from "./mail-headers.ts";
import type { Subjects } from "./subjects.ts";

/** A letter as it lies in the dead stream. */
export interface BuriedMail {
  /** Its place in the dead stream. */
  readonly sequence: number;
  /** Empty when its subject was no actor's. */
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  /** Length of a payload that was too large to be kept; undefined when it is here. Unit: bytes. */
  readonly droppedBytes: number | undefined;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly from: string | undefined;
  readonly trace: string | undefined;
  readonly buriedAt: Date;
}

export interface DeadLettersOptions {
  readonly link: NatsLink;
  readonly subjects: Subjects;
}

interface StoredAnswer {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly time: string;
    readonly data?: string;
    readonly hdrs?: string;
  };
}

const appendMsMax = 10_000;

export interface DeadFilter {
  /** Those of one actor type. */
  readonly type?: string | undefined;
  /** Those with one error's code. */
  readonly code?: string | undefined;
}

/** The letters from a sequence on that fit, oldest first, at most `most`. */
export async function readDeadLetters(
  options: DeadLettersOptions,
  fromSequence: number,
  most: number,
  { type, code }: DeadFilter = {},
): Promise<readonly BuriedMail[]> {
  const below = `${options.subjects.app}.dead.${type === undefined ? "" : `${type}.`}>`;
  const found: BuriedMail[] = [];
  for (let next = fromSequence; found.length < most; ) {
    const letter = await read(options, { seq: next, next_by_subj: below });
    if (letter === undefined) break;
    if (code === undefined || letter.code === code) found.push(letter);
    next = letter.sequence + 1;
  }
  return found;
}

/** The letter at that sequence; undefined when none is there. */
export function readDeadLetter(options: DeadLettersOptions, sequence: number): Promise<BuriedMail | undefined> {
  return read(options, { seq: sequence });
}

/**
 * Puts the letter into its actor's mailbox again and removes it from the dead ones (X2). Returns the new sequence.
 * Rejects with TELL_REFUSED, OUTCOME_UNKNOWN, STORE_FAILED.
 */
export async function replayDeadLetter(
  options: DeadLettersOptions,
  mail: Mail,
  partition: number,
  letter: BuriedMail,
): Promise<number> {
  const { key, method, payload, sequence, trace, droppedBytes, buriedAt } = letter;
  if (key === "" || droppedBytes !== undefined) {
    const why =
      key === "" ? "its subject was no actor's" : `its payload of ${droppedBytes} bytes was too large to keep`;
    throw new TroupeError("TELL_REFUSED", `the dead letter ${sequence} cannot be sent again: ${why}`);
  }
  // Its time too: a dead stream that was made anew has other letters at the same sequences.
  const meta = { messageId: `resent-${sequence}-${buriedAt.getTime()}`, trace };
  const outcome = await mail.append({ partition, key, method }, payload, meta, appendMsMax); // X1
  if (outcome.kind === "unknown") throw new TroupeError("OUTCOME_UNKNOWN", `${key} ${method}: ${outcome.reason}`);
  if (outcome.kind !== "accepted") throw new TroupeError("TELL_REFUSED", `${key} ${method}: ${outcome.reason}`);
  try {
    await dropDeadLetter(options, sequence);
  } catch (thrown) {
    const sent = `the dead letter ${sequence} was sent again, as message ${outcome.sequence}`;
    const text = `${sent}, and is still on the list: ${messageOf(thrown)}. Forget it with \`troupe dead drop ${sequence}\`.`;
    throw new TroupeError("OUTCOME_UNKNOWN", text, { cause: thrown }); // X2
  }
  return outcome.sequence;
}

/** Removes a letter; one that is not there any more is removed. Rejects with STORE_FAILED, SERVER_UNREACHABLE. */
export async function dropDeadLetter(options: DeadLettersOptions, sequence: number): Promise<void> {
  const { link, subjects } = options;
  // However often it is asked for, it is removed once, so that it is asked for like what changes nothing.
  const removed = await readApi(link, `STREAM.MSG.DELETE.${subjects.deadStream}`, { seq: sequence, no_erase: true });
  if (removed.kind === "failed") throw removed.error;
  // For what is not there the server has no code of its own.
  if (removed.kind === "ok" || (await readDeadLetter(options, sequence)) === undefined) return;
  throw refusedError(`removing the dead letter ${sequence}`, removed.refusal);
}

async function read({ link, subjects }: DeadLettersOptions, request: object): Promise<BuriedMail | undefined> {
  const answer = await readApi<StoredAnswer>(link, `STREAM.MSG.GET.${subjects.deadStream}`, request);
  if (answer.kind === "ok") return buriedOf(answer.value, `${subjects.app}.dead.`);
  if (answer.kind === "failed") throw answer.error;
  const { code } = answer.refusal;
  if (code === serverErrors.messageNotFound || code === serverErrors.streamNotFound) return undefined;
  throw refusedError("reading the dead letters", answer.refusal);
}

function buriedOf({ message }: StoredAnswer, prefix: string): BuriedMail {
  const lines = Buffer.from(message.hdrs ?? "", "base64")
    .toString("utf8")
    .split("\r\n")
    .slice(1);
  const headers = new Map<string, string>();
  for (const [name, [value]] of entriesOf(lines)) if (value !== undefined) headers.set(name, value);
  const tail = message.subject.slice(prefix.length);
  const dot = tail.lastIndexOf(".");
  const key = tail.slice(0, Math.max(0, dot));
  const dropped = headers.get(deadHeaderNames.payloadBytes);
  const trace = headers.get(headerNames.trace);
  return {
    sequence: message.seq,
    key: isKey(key) ? key : "",
    method: tail.slice(dot + 1),
    payload: Buffer.from(message.data ?? "", "base64"),
    droppedBytes: dropped === undefined ? undefined : Number(dropped),
    code: headers.get(deadHeaderNames.code) ?? "",
    reason: headers.get(deadHeaderNames.reason) ?? "",
    attempts: Number(headers.get(deadHeaderNames.attempts) ?? 0),
    from: headers.get(headerNames.from),
    trace: trace !== undefined && isTraceparent(trace) ? trace : undefined,
    buriedAt: new Date(message.time),
  };
}
