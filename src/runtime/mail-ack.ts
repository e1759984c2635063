// What the server says to an append: `{"stream":"troupe_mail", "seq":12}`, with `"duplicate": true` or an error.

import type { LinkAnswer } from "../kv/nats-link.ts";
import type { AppendOutcome } from "./mail.ts";

interface PublishAck {
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
  readonly seq?: unknown;
  readonly duplicate?: unknown;
}

/** The same message is being stored by another request right now: how that ends nobody knows yet. */
const duplicateUnderWay = 10_158;

/** What is wrong with a schedule itself: its pattern, its target, its time zone (the server may know fewer than we do). */
const hopeless: ReadonlySet<number> = new Set([10_189, 10_190, 10_223]);

const [zero, comma, space, closing, quote] = [0x30, 0x2c, 0x20, 0x7d, 0x22];
const seqName = [...Buffer.from('"seq":')];

/** Reads the acknowledgements of one stream. */
export class AckReader {
  /** Length of `{"stream":"<name>"`. */
  readonly #skip: number;

  constructor(stream: string) {
    this.#skip = `{"stream":"${stream}"`.length;
  }

  outcomeOf(answer: LinkAnswer): AppendOutcome {
    switch (answer.kind) {
      case "reply":
        return this.#outcomeOfAck(answer.message.data);
      case "nobody":
        // Within a cluster mostly for the seconds in which the stream has no leader.
        return { kind: "unsent", reason: "no stream takes it in now: it has no leader, is gone, or JetStream is off" };
      case "unsent":
        return { kind: "unsent", reason: answer.reason };
      case "lost":
        return { kind: "unknown", reason: answer.reason };
    }
  }

  #outcomeOfAck(data: Uint8Array): AppendOutcome {
    const sequence = this.sequenceOf(data);
    if (sequence > 0) return { kind: "accepted", sequence, isDuplicate: false };
    let ack: PublishAck;
    try {
      ack = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString()) as PublishAck;
    } catch {
      return {
        kind: "unknown",
        reason: "the answer is no acknowledgement: does somebody else listen on mail subjects?",
      };
    }
    const { error, seq } = ack ?? {};
    if (error !== undefined) {
      const code = error.err_code ?? error.code ?? 0;
      const reason = `${error.description ?? "no reason given"} (${code})`;
      if (code === duplicateUnderWay) return { kind: "unknown", reason };
      return hopeless.has(code) ? { kind: "refused", reason, isFinal: true } : { kind: "refused", reason };
    }
    if (typeof seq === "number" && Number.isSafeInteger(seq) && seq > 0) {
      return { kind: "accepted", sequence: seq, isDuplicate: ack.duplicate === true };
    }
    return { kind: "unknown", reason: "the answer is no acknowledgement: does somebody else listen on mail subjects?" };
  }

  /** The sequence of a plain success, read without parsing; 0 for anything else, which is then parsed. */
  sequenceOf(data: Uint8Array): number {
    let at = this.#skip;
    if (data[at - 1] !== quote || data[at] !== comma) return 0;
    at += 1;
    if (data[at] === space) at += 1;
    for (const char of seqName) if (data[at++] !== char) return 0;
    let sequence = 0;
    for (let digit = (data[at] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (data[++at] ?? 0) - zero) {
      sequence = sequence * 10 + digit;
    }
    return data[at] === closing && at === data.length - 1 ? sequence : 0;
  }
}
