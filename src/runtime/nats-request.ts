// A request as it came in on a core subject, and the one reply that it takes.

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { TroupeError } from "../core/errors.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import { rawHeaders } from "../kv/nats-link.ts";
import type { MailMeta, MailRequest } from "./mail.ts";
import { noMeta } from "./mail.ts";
import { errorLine, headerBytes, metaOf, printWireError } from "./mail-headers.ts";

interface ErrorHeader {
  readonly headers: MsgHdrs;
  readonly bytes: number;
}

/** Codes come from the catalogue, so this stays small; codes that do not are not kept beyond this many. */
const errorHeadersMax = 128;
const errorHeaders = new Map<string, ErrorHeader>();

/**
 * A message's headers, or "unreadable": the client throws at header names outside of the standard, which anybody may
 * send, and whatever a subscription's callback throws ends the reading of the whole connection without a word.
 */
export function headersOf(message: Msg): MsgHdrs | undefined | "unreadable" {
  try {
    return message.headers;
  } catch {
    return "unreadable";
  }
}

/** Reading headers costs about 1 µs, so only where there are some; ones that cannot be read count as none. */
export function metaOfMessage(message: Msg): MailMeta {
  const headers = headersOf(message);
  return headers === undefined || headers === "unreadable" ? noMeta : metaOf(headers);
}

export class NatsRequest implements MailRequest {
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  readonly #link: NatsLink;
  /** Empty when nobody waits for a reply, or when it has been given. */
  #replyTo: string;

  constructor(link: NatsLink, message: Msg, key: string, method: string) {
    this.#link = link;
    this.#replyTo = message.reply ?? "";
    this.key = key;
    this.method = method;
    this.payload = message.data;
    this.meta = metaOfMessage(message);
  }

  /** A reply that cannot leave (the connection is gone) is lost, as it would be on the way: the asker is told so (M5). */
  reply(payload: Uint8Array, errorCode?: string): void {
    const to = this.#replyTo;
    if (to === "") return;
    this.#replyTo = "";
    const error = errorCode === undefined ? undefined : errorHeaderOf(errorCode);
    const bytes = payload.length + (error?.bytes ?? 0);
    if (bytes > this.#link.payloadBytesMax) {
      this.#replyTo = to;
      const text = `the reply takes ${bytes} bytes, the server carries ${this.#link.payloadBytesMax}`;
      this.reply(printWireError(new TroupeError("PAYLOAD_TOO_LARGE", text)), "PAYLOAD_TOO_LARGE");
    } else if (!this.#link.connection.isClosed()) {
      this.#link.connection.publish(to, payload, error === undefined ? undefined : { headers: error.headers });
    }
  }
}

function errorHeaderOf(code: string): ErrorHeader {
  const known = errorHeaders.get(code);
  if (known !== undefined) return known;
  const lines = [errorLine(code)];
  const made = { headers: rawHeaders(lines), bytes: headerBytes(lines) };
  if (errorHeaders.size < errorHeadersMax) errorHeaders.set(code, made);
  return made;
}
