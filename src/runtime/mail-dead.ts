// A message that was given up on, as it lies in the dead stream: its payload as it was, the reason in headers.

import type { DeadLetter } from "./mail.ts";
import { headerBytes, headerNames } from "./mail-headers.ts";

export const deadHeaderNames = {
  code: "Troupe-Dead-Code",
  reason: "Troupe-Dead-Reason",
  attempts: "Troupe-Dead-Attempts",
  partition: "Troupe-Dead-Partition",
  sequence: "Troupe-Dead-Sequence",
  messageId: "Troupe-Dead-Message-Id",
  /** Length of a payload that did not fit beside the reason and was left out. Unit: bytes. */
  payloadBytes: "Troupe-Dead-Payload-Bytes",
} as const;

/**
 * Kept free in every message for the reason that may have to go along with it one day, or a message of full size could
 * not be buried. Unit: bytes.
 */
export const deadHeaderBytesMax = 4_096;
/** Longest reason. Unit: characters, escaped. */
const reasonLengthMax = 1_024;

/** The id by which a message is buried once. */
export const deadMessageId = (partition: number, sequence: number): string => `dead-${partition}-${sequence}`;

export function deadHeaderLines({ letter, partition, code, message, attempts }: DeadLetter): string[] {
  const { messageId, from, number, trace } = letter.meta;
  const lines = [
    `${headerNames.messageId}: ${deadMessageId(partition, letter.sequence)}`,
    `${deadHeaderNames.code}: ${oneLine(code, 64)}`,
    `${deadHeaderNames.reason}: ${oneLine(message, reasonLengthMax)}`,
    `${deadHeaderNames.attempts}: ${attempts}`,
    `${deadHeaderNames.partition}: ${partition}`,
    `${deadHeaderNames.sequence}: ${letter.sequence}`,
  ];
  if (messageId !== undefined) lines.push(`${deadHeaderNames.messageId}: ${messageId}`);
  if (from !== undefined) lines.push(`${headerNames.from}: ${from}`);
  if (number !== undefined) lines.push(`${headerNames.number}: ${number}`);
  if (trace !== undefined) lines.push(`${headerNames.trace}: ${trace}`);
  return lines;
}

/** Lines and payload that fit: what was written past us, larger than we allow, is kept without its payload. */
export function fitDead(dead: DeadLetter, bytesMax: number): { lines: string[]; payload: Uint8Array } {
  const lines = deadHeaderLines(dead);
  const { payload } = dead.letter;
  if (headerBytes(lines) + payload.length <= bytesMax) return { lines, payload };
  lines.push(`${deadHeaderNames.payloadBytes}: ${payload.length}`);
  return { lines, payload: new Uint8Array(0) };
}

/** The tail of a dead letter's subject; a message whose own subject was no actor's lies below `_`. */
export function deadTail({ key, method }: { readonly key: string; readonly method: string }): [string, string] {
  return [key === "" ? "_._" : key, method];
}

/** Text on one line of visible ASCII and spaces, as JSON escapes it; cut at `lengthMax`. */
export function oneLine(text: string, lengthMax: number): string {
  const escaped = text.replace(/[^\x20-\x7e]|\\/g, (char) => {
    if (char === "\\") return "\\\\";
    if (char === "\n") return "\\n";
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return (escaped.length <= lengthMax ? escaped : `${escaped.slice(0, lengthMax - 3)}...`).trim();
}
