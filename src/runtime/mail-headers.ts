// What goes along with a message, as header lines and back. Shared by every implementation of the Mail port, so that
// all are equally strict.
//
//   H1. A value is visible ASCII without spaces, or it is refused: nothing that a caller names can break a header.
//   H2. What comes in is never trusted: a value that is not in its form is left out, as if it had not been sent.
//   H3. A message with nothing to say carries no headers at all: four headers cost two thirds of the publish rate.

import { TroupeError } from "../core/errors.ts";
import { isTraceparent } from "../core/trace.ts";
import type { MailAddress, MailMeta } from "./mail.ts";
import { noMeta } from "./mail.ts";
import { readFiring, timerHeaderNames } from "./mail-timer.ts";

export const headerNames = {
  messageId: "Nats-Msg-Id",
  trace: "traceparent",
  from: "Troupe-From",
  number: "Troupe-Number",
  chain: "Troupe-Chain",
  idempotencyKey: "Troupe-Key",
  error: "Troupe-Error",
  withdraw: "Troupe-Withdraw",
} as const;

/** Longest message id and longest error code. Unit: characters. */
export const headerValueLengthMax = 512;
/** Most actors in a chain of asks that is believed. */
export const chainLengthMax = 256;
/** What a header block takes beside its lines: `NATS/1.0`, and the empty line. Unit: bytes. */
const blockBytes = 12;

const valueForm = /^[\x21-\x7e]+$/;
const keyForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}\.[A-Za-z0-9_=-]{1,768}$/;
/** An actor that waits for an answer, with the name of its turn when that may be re-entered. */
const linkForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}\.[A-Za-z0-9_=-]{1,768}(?:\.[A-Za-z0-9_-]{1,64})?$/;
const tokenForm = /^[A-Za-z0-9_=-]{1,768}$/;
const numberForm = /^[0-9]{1,16}$/;

/**
 * The header lines of `meta`; undefined when there is nothing to say (H3). Rejects with ID_INVALID (H1). `isMarked`: that its trace is
 * made nowhere is said without a header.
 */
export function headerLinesOf(meta: MailMeta, isMarked = false): string[] | undefined {
  if (meta === noMeta) return undefined;
  const lines: string[] = [];
  if (meta.messageId !== undefined) lines.push(line(headerNames.messageId, meta.messageId));
  if (meta.from !== undefined) lines.push(line(headerNames.from, meta.from));
  if (meta.number !== undefined) lines.push(line(headerNames.number, String(meta.number)));
  if (meta.chain !== undefined && meta.chain.length > 0) lines.push(line(headerNames.chain, meta.chain.join(",")));
  if (meta.idempotencyKey !== undefined) lines.push(line(headerNames.idempotencyKey, meta.idempotencyKey));
  if (!isMarked && meta.trace !== undefined && isTraceparent(meta.trace))
    lines.push(`${headerNames.trace}: ${meta.trace}`);
  return lines.length === 0 ? undefined : lines;
}

/** One header. Rejects with ID_INVALID (H1). */
export function line(name: string, value: string): string {
  if (!valueForm.test(value)) {
    throw new TroupeError("ID_INVALID", `${JSON.stringify(value)} cannot stand in the header ${name}`);
  }
  return `${name}: ${value}`;
}

/** True for what may stand in a header as it is. */
export function isHeaderValue(value: string): boolean {
  return valueForm.test(value);
}

/** What these lines take on the wire. Unit: bytes (all of it is ASCII). */
export function headerBytes(lines: readonly string[] | undefined): number {
  if (lines === undefined) return 0;
  let bytes = blockBytes;
  for (const { length } of lines) bytes += length + 2;
  return bytes;
}

/** The key of an actor in a chain of asks. */
export function keyOfLink(link: string): string {
  const dot = link.indexOf(".", link.indexOf(".") + 1);
  return dot < 0 ? link : link.slice(0, dot);
}

/** Headers as the client hands them out, and as lines fall apart: a name and its values. */
export type HeaderEntries = Iterable<readonly [name: string, values: readonly string[]]>;

/** What came along (H2). */
export function metaOf(headers: HeaderEntries): MailMeta {
  const meta: { -readonly [K in keyof MailMeta]: MailMeta[K] } = {};
  let isEmpty = true;
  let nextMs = Number.NaN;
  for (const [name, [value]] of headers) {
    if (value === undefined) continue;
    switch (name) {
      case headerNames.messageId:
        if (value.length > headerValueLengthMax || !valueForm.test(value)) continue;
        meta.messageId = value;
        break;
      case headerNames.from:
        if (!keyForm.test(value)) continue;
        meta.from = value;
        break;
      case headerNames.number:
        if (!numberForm.test(value) || !Number.isSafeInteger(Number(value))) continue;
        meta.number = Number(value);
        break;
      case headerNames.chain: {
        const chain = value.split(",");
        if (chain.length > chainLengthMax || !chain.every((link) => linkForm.test(link))) continue;
        meta.chain = chain;
        break;
      }
      case headerNames.idempotencyKey:
        if (!tokenForm.test(value)) continue;
        meta.idempotencyKey = value;
        break;
      case headerNames.trace:
      case "Traceparent": // Go's libraries write header names in their canonical form.
        if (!isTraceparent(value)) continue;
        meta.trace = value;
        break;
      case timerHeaderNames.timer: {
        const firing = readFiring(value);
        if (firing === undefined) continue;
        meta.timer = firing;
        break;
      }
      case timerHeaderNames.next:
        nextMs = Date.parse(value);
        continue;
      default:
        continue;
    }
    isEmpty = false;
  }
  if (meta.timer !== undefined && !Number.isNaN(nextMs)) meta.timer = { ...meta.timer, nextMs };
  return isEmpty ? noMeta : meta;
}

/** Header lines as the reader will see them. */
export function entriesOf(lines: readonly string[]): HeaderEntries {
  return lines.map((text) => {
    const colon = text.indexOf(":");
    return [text.slice(0, colon), [text.slice(colon + 1).trim()]] as const;
  });
}

/** Rejects with NAME_INVALID: what stands in an address must not reach another subject. */
export function checkAddress(to: MailAddress): void {
  if (!keyForm.test(to.key) || !tokenForm.test(to.method)) {
    throw new TroupeError("NAME_INVALID", `${JSON.stringify(`${to.key}.${to.method}`)} is not an actor's method`);
  }
}

/** True for `type.id` in escaped form. */
export function isKey(text: string): boolean {
  return keyForm.test(text);
}

/** An error's code as it may stand in a header. */
export function errorLine(errorCode: string): string {
  const code = errorCode.slice(0, headerValueLengthMax).replace(/[^\x21-\x7e]/g, "_");
  return `${headerNames.error}: ${code === "" ? "HANDLER_FAILED" : code}`;
}
