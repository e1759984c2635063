// Publishes what committed turns have sent, and says when the mail stream has it.
//
//   O1. To one receiver the entries go one after the other, in order of their numbers: the next only when the one before
//       is stored (P5). Receivers do not wait for each other.
//   O2. An entry is tried until it is stored or ownership is lost; its message id is the same each time, so that the
//       server's duplicate window drops what came twice, and behind it the receiver's inbox does.

import type { OutboxEntry } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import { endSpan, traceparentOf } from "../core/trace.ts";
import type { MailAddress } from "./mail.ts";
import type { Route } from "./routes.ts";
import { startSend } from "./spans.ts";

export interface PublisherOptions {
  readonly clock: Clock;
  /** The sender's key. */
  readonly from: string;
  /** The way into a receiver's pool; undefined: that of the types that name none. */
  readonly routeTo: (pool: string | undefined) => Promise<Pick<Route, "mail" | "partitionOf">>;
  readonly lost: AbortSignal;
  readonly onStored: (entry: OutboxEntry) => void;
}

/** Deadline of one attempt, and the longest wait between two. Unit: ms. */
const appendTimeoutMs = 5_000;
const backoffMsMax = 2_000;
const nothing = new Uint8Array(0);

export class Publisher {
  readonly #options: PublisherOptions;
  /** By receiver: what waits behind the entry that is under way. */
  readonly #waiting = new Map<string, OutboxEntry[]>();
  #pending = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Entries that are not stored yet. */
  get pending(): number {
    return this.#pending;
  }

  publish(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      this.#pending += 1;
      const waiting = this.#waiting.get(entry.to);
      if (waiting !== undefined) waiting.push(entry);
      else {
        this.#waiting.set(entry.to, []);
        void this.#publishChain(entry);
      }
    }
  }

  async #publishChain(first: OutboxEntry): Promise<void> {
    let entry: OutboxEntry | undefined = first;
    while (entry !== undefined) {
      const isStored = await this.#store(entry);
      if (!isStored) return; // Ownership was lost: the next owner publishes what stands in the outbox.
      this.#pending -= 1;
      this.#options.onStored(entry);
      const waiting = this.#waiting.get(first.to);
      entry = waiting?.shift();
    }
    this.#waiting.delete(first.to);
  }

  /** Tries until the way is open; undefined when ownership is lost first. */
  async #routeTo(entry: OutboxEntry): Promise<Pick<Route, "mail" | "partitionOf"> | undefined> {
    const { routeTo, clock, lost } = this.#options;
    for (let attempt = 0; !lost.aborted; attempt += 1) {
      const route = await routeTo(entry.pool).catch(() => undefined); // The server is away.
      if (route !== undefined) return route;
      await delay(clock, Math.min(backoffMsMax, 50 * 2 ** attempt), lost);
    }
    return undefined;
  }

  async #store(entry: OutboxEntry): Promise<boolean> {
    const { clock, from, lost } = this.#options;
    const route = await this.#routeTo(entry);
    if (route === undefined) return false;
    const { mail, partitionOf } = route;
    const to: MailAddress = { partition: partitionOf(entry.to), key: entry.to, method: entry.method };
    const payload = entry.inputText === undefined ? nothing : encodeText(entry.inputText);
    const messageId = `${from}:${entry.n}`;
    const span = entry.trace === undefined ? undefined : startSend(to, messageId, entry.trace);
    const meta = { messageId, from, number: entry.n, trace: traceparentOf(span, entry.trace) };
    for (let attempt = 0; !lost.aborted; attempt += 1) {
      const isStored = await mail.append(to, payload, meta, appendTimeoutMs).then(
        ({ kind }) => kind === "accepted",
        () => false, // An entry that somebody else has written into the value, with an address that is none.
      );
      if (isStored) {
        endSpan(span);
        return true;
      }
      await delay(clock, Math.min(backoffMsMax, 50 * 2 ** attempt) * (0.5 + clock.random() / 2), lost);
    }
    endSpan(span, { code: "FENCED", message: "ownership was lost before the message was stored" });
    return false;
  }
}
