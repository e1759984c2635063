// An entry of a bucket in each of the three forms in which the server sends one.

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { headersOf } from "./nats-link.ts";
import type { StoredMessage } from "./nats-place.ts";
import type { KvEntry, KvOperation } from "./store.ts";

/** The server's answer to `STREAM.MSG.GET`. */
export interface GetResponse {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly time: string;
    readonly data?: string;
    /** The header block as it is on the wire, in base64. */
    readonly hdrs?: string;
  };
}

const nothing = new Uint8Array(0);

/** Deletions: `DEL` and `PURGE` are written by clients, the marker's reasons by the server. */
function operationOf(operation: string, reason: string): KvOperation {
  if (operation === "DEL" || operation === "PURGE") return "delete";
  if (reason === "MaxAge") return "expired";
  return reason === "" ? "put" : "delete";
}

/** A message with headers that cannot be read is a value: the server's own markers can be. */
export function operationOfHeaders(headers: MsgHdrs | undefined | "unreadable"): KvOperation {
  return headers === undefined || headers === "unreadable"
    ? "put"
    : operationOf(headers.get("KV-Operation"), headers.get("Nats-Marker-Reason"));
}

/** A message of a reader. The value is copied: a view would keep the whole chunk that the socket read alive. */
export function entryOfStored(stored: StoredMessage, prefixLength: number): KvEntry {
  const { message } = stored;
  const operation = operationOfHeaders(headersOf(message));
  return {
    key: stored.subject.slice(prefixLength),
    value: operation === "put" ? new Uint8Array(message.data) : nothing,
    revision: stored.sequence,
    operation,
    writtenAtMs: stored.writtenAtMs,
  };
}

/** An answer of `DIRECT.GET`: place and time stand in headers that the server adds. */
export function entryOfDirect(message: Msg, prefixLength: number): KvEntry | undefined {
  const headers = headersOf(message);
  if (headers === undefined || headers === "unreadable") return undefined;
  const operation = operationOfHeaders(headers);
  // The server's own headers come after those that were stored; a stored one of the same name must not win.
  return {
    key: (headers.values("Nats-Subject").at(-1) ?? "").slice(prefixLength),
    value: operation === "put" ? new Uint8Array(message.data) : nothing,
    revision: Number(headers.values("Nats-Sequence").at(-1)),
    operation,
    writtenAtMs: Date.parse(headers.values("Nats-Time-Stamp").at(-1) ?? ""),
  };
}

const headerLine = (block: string, name: string): string => {
  const at = block.indexOf(`\r\n${name}:`);
  if (at < 0) return "";
  const from = at + name.length + 3;
  return block.slice(from, block.indexOf("\r\n", from)).trim();
};

export function entryOfGet(response: GetResponse, prefixLength: number): KvEntry {
  const { subject, seq, time, data, hdrs } = response.message;
  const block = hdrs === undefined ? "" : Buffer.from(hdrs, "base64").toString("utf8");
  const operation = operationOf(headerLine(block, "KV-Operation"), headerLine(block, "Nats-Marker-Reason"));
  return {
    key: subject.slice(prefixLength),
    value: operation === "put" && data !== undefined ? new Uint8Array(Buffer.from(data, "base64")) : nothing,
    revision: seq,
    operation,
    writtenAtMs: Date.parse(time),
  };
}
