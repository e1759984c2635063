// The official connection with nothing around it: one reply inbox, one map, callbacks, no timers. What it leaves
// out (time-outs, reconnection, errors that can be told apart) is what a product cannot leave out.

import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { FleetingMap } from "../../src/core/fleeting-map.ts";

export type OnReply = (message: Msg) => void;

const nothing = new Uint8Array(0);

export class LeanLink {
  readonly connection: NatsConnection;
  readonly #inbox = `_INBOX.${crypto.randomUUID().slice(0, 8)}`;
  readonly #waiting = new FleetingMap<string, OnReply>();
  #requests = 0;

  static async open(options: ConnectionOptions): Promise<LeanLink> {
    return new LeanLink(await connect({ noAsyncTraces: true, ...options }));
  }

  constructor(connection: NatsConnection) {
    this.connection = connection;
    const skip = this.#inbox.length + 1;
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => {
        const token = message.subject.slice(skip);
        const onReply = this.#waiting.get(token);
        this.#waiting.delete(token);
        onReply?.(message);
      },
    });
  }

  request(subject: string, data: Uint8Array, headers: MsgHdrs | undefined, onReply: OnReply): void {
    const token = (this.#requests++).toString(36);
    this.#waiting.set(token, onReply);
    const reply = `${this.#inbox}.${token}`;
    this.connection.publish(subject, data, headers === undefined ? { reply } : { reply, headers });
  }

  /** A request of the JetStream API, where speed does not matter. */
  call(subject: string, body: unknown): Promise<Msg> {
    const data = body === undefined ? nothing : Buffer.from(JSON.stringify(body));
    return new Promise((resolve) => this.request(subject, data, undefined, resolve));
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

/** The one header that a compare-and-set needs, already in wire form: the client only calls `encode` on it. */
export function expecting(revision: number): MsgHdrs {
  const bytes = Buffer.from(`NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: ${revision}\r\n\r\n`, "latin1");
  return { encode: () => bytes } as unknown as MsgHdrs;
}

const letterS = 0x73;
const colon = 0x3a;
const zero = 0x30;

/** `seq` of an acknowledgement `{"stream":"…", "seq":N…}`, read without parsing it. Throws for anything else. */
export function sequenceOf(ack: Uint8Array): number {
  if (ack[2] !== letterS) throw new Error(`refused: ${Buffer.from(ack).toString() || "nobody listens"}`);
  // The first colon stands behind `"stream"`, the next behind `"seq"`: a stream's name holds none here.
  let at = ack.indexOf(colon, ack.indexOf(colon) + 1) + 1;
  let sequence = 0;
  for (let digit = (ack[at] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (ack[++at] ?? 0) - zero) {
    sequence = sequence * 10 + digit;
  }
  return sequence;
}

/** JSON of a message's body, parsed once. */
export function parse(data: Uint8Array): unknown {
  return JSON.parse(Buffer.prototype.utf8Slice.call(data, 0, data.length));
}
