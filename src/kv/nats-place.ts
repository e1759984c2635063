// Where a delivered message stands, read from its acknowledgement subject without splitting it:
//
//   $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>
//   $JS.ACK.<domain>.<account hash>.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>[.<token>]

import type { Msg } from "@nats-io/transport-node";

export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  /** Messages of the stream that match and come after this one, as the server knew when it sent this. */
  readonly pending: number;
  readonly writtenAtMs: number;
  /** `data`, `headers`: as the client gives them. */
  readonly message: Msg;
}

export class Stored implements StoredMessage {
  readonly sequence: number;
  readonly pending: number;
  readonly writtenAtMs: number;
  readonly message: Msg;

  constructor(sequence: number, pending: number, writtenAtMs: number, message: Msg) {
    this.sequence = sequence;
    this.pending = pending;
    this.writtenAtMs = writtenAtMs;
    this.message = message;
  }

  /** Decoded when it is first read. */
  get subject(): string {
    return this.message.subject;
  }
}

/** Filled by `readPlace`; one object serves a whole reader, so that a message costs no garbage here. */
export interface Place {
  sequence: number;
  consumerSequence: number;
  writtenAtMs: number;
  pending: number;
}

export const noPlace = (): Place => ({ sequence: 0, consumerSequence: 0, writtenAtMs: 0, pending: 0 });

/** Finds the numbers in the acknowledgement subjects of one consumer. */
export class PlaceFinder {
  readonly #short: string;
  readonly #long: string;

  constructor(stream: string, consumer: string) {
    this.#short = `$JS.ACK.${stream}.${consumer}.`;
    this.#long = `.${stream}.${consumer}.`;
  }

  /** False when `reply` is not one of this consumer's acknowledgement subjects; `into` is then undefined in content. */
  read(reply: string, into: Place): boolean {
    if (reply.startsWith(this.#short)) return readPlace(reply, this.#short.length, into);
    if (!reply.startsWith("$JS.ACK.")) return false;
    const at = reply.indexOf(this.#long);
    return at > 0 && readPlace(reply, at + this.#long.length, into);
  }
}

const dot = 46;
const zero = 48;

/** Reads the five numbers from `at` on. A nanosecond count is beyond 2^53: the milliseconds keep their precision. */
export function readPlace(reply: string, at: number, into: Place): boolean {
  let field = 0;
  let value = 0;
  let digits = 0;
  for (let index = at; index <= reply.length; index += 1) {
    const char = index === reply.length ? dot : reply.charCodeAt(index);
    if (char !== dot) {
      const digit = char - zero;
      if (digit < 0 || digit > 9) return false;
      value = value * 10 + digit;
      digits += 1;
      continue;
    }
    if (digits === 0) return false;
    if (field === 1) into.sequence = value;
    else if (field === 2) into.consumerSequence = value;
    else if (field === 3) into.writtenAtMs = Math.floor(value / 1_000_000);
    else if (field === 4) {
      into.pending = value;
      return true;
    }
    field += 1;
    value = 0;
    digits = 0;
  }
  return false;
}
