// A request as it came in on a core subject, and the one reply that it takes.

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { TroupeError } from "../core/errors.ts";
import { isTraceparent, unseen } from "../core/trace.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import { headersOf, rawHeaders } from "../kv/nats-link.ts";
import type { MailMeta, MailRequest } from "./mail.ts";
import { noMeta } from "./mail.ts";
import { errorLine, headerBytes, headerNames, headerValueLengthMax, isHeaderValue, metaOf } from "./mail-headers.ts";
import { encodeError } from "./wire-error.ts";

interface ErrorHeader {
  readonly headers: MsgHdrs;
  readonly bytes: number;
}

/** Codes come from the catalogue, so this stays small; codes that do not are not kept beyond this many. */
const errorHeadersMax = 128;
const errorHeaders = new Map<string, ErrorHeader>();

/**
 * The reply's subject of an ask ends so when it is a part of no trace that is made (T4 in core/trace.ts) and says so in no header: one
 * header more on each ask costs a tenth of all asks, and most of what is sampled is not made.
 */
export const unseenMark = "-unseen";
const unseenMeta: MailMeta = Object.freeze({ trace: unseen });

/** What came along with a message; headers that cannot be read count as none. */
export function metaOfMessage(message: Msg): MailMeta {
  const alone = headerAlone(message);
  if (alone !== undefined) return alone;
  const headers = headersOf(message);
  return headers === undefined || headers === "unreadable" ? noMeta : metaOf(headers);
}

/** The client's own messages tell their size: subject, reply, headers and payload (nats-core 3.4.0, msg.ts). */
type SizedMsg = Msg & { size?(): number };

const messageIdHead = `NATS/1.0\r\n${headerNames.messageId}: `;
const traceHead = `NATS/1.0\r\n${headerNames.trace}: `;
const headEnd = "\r\n\r\n";

/**
 * What a message carries that has no headers, or its id alone, as a client's tell does, or its trace alone, as a client's ask does;
 * undefined when there is more to read. The client decodes headers into a map of lists, which takes 2 µs; the bytes stand right before the
 * payload, of which `data` is a view. Where they do not, the text does not match and the slow way is taken.
 */
function headerAlone(message: SizedMsg): MailMeta | undefined {
  const { data } = message;
  if (message.size === undefined) return undefined;
  const bytes = message.size() - message.subject.length - (message.reply?.length ?? 0) - data.length;
  if (bytes === 0) return noMeta;
  const start = data.byteOffset - bytes;
  if (start < 0 || bytes > headerValueLengthMax) return undefined;
  const text = Buffer.from(data.buffer, start, bytes).toString("latin1");
  const messageId = valueAlone(text, messageIdHead);
  if (messageId !== undefined && isHeaderValue(messageId)) return { messageId };
  const trace = valueAlone(text, traceHead);
  return trace !== undefined && isTraceparent(trace) ? { trace } : undefined;
}

/** The value of the one header that the text holds; undefined when it is another one, or there are more. */
function valueAlone(text: string, head: string): string | undefined {
  const end = text.length - headEnd.length;
  if (!text.startsWith(head) || text.indexOf("\r\n", head.length) !== end) return undefined;
  return text.slice(head.length, end);
}

/** The request that the message withdraws; undefined when it is a request itself. */
export function withdrawnBy(message: Msg): string | undefined {
  const headers = headersOf(message);
  const askId = headers === undefined || headers === "unreadable" ? "" : headers.get(headerNames.withdraw);
  return askId === "" ? undefined : askId;
}

export class NatsRequest implements MailRequest {
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  readonly askId: string;
  readonly #link: NatsLink;
  /** Empty when nobody waits for a reply, or when it has been given. */
  #replyTo: string;

  constructor(link: NatsLink, message: Msg, key: string, method: string) {
    this.#link = link;
    this.askId = message.reply ?? "";
    this.#replyTo = this.askId;
    this.key = key;
    this.method = method;
    this.payload = message.data;
    const meta = metaOfMessage(message);
    this.meta = meta.trace === undefined && this.askId.endsWith(unseenMark) ? unseenBeside(meta) : meta;
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
      this.reply(encodeError(new TroupeError("PAYLOAD_TOO_LARGE", text)), "PAYLOAD_TOO_LARGE");
    } else if (!this.#link.connection.isClosed()) {
      this.#link.publish(to, payload, error === undefined ? undefined : { headers: error.headers });
    }
  }
}

function unseenBeside(meta: MailMeta): MailMeta {
  return meta === noMeta ? unseenMeta : { ...meta, trace: unseen };
}

function errorHeaderOf(code: string): ErrorHeader {
  const known = errorHeaders.get(code);
  if (known !== undefined) return known;
  const lines = [errorLine(code)];
  const made = { headers: rawHeaders(lines), bytes: headerBytes(lines) };
  if (errorHeaders.size < errorHeadersMax) errorHeaders.set(code, made);
  return made;
}
