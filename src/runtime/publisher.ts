// Publishes what committed turns have sent, and says when the mail stream has it.
//
//   O1. To one receiver the entries go one after the other, in order of their numbers: the next only when the one before
//       is stored (P5). Receivers do not wait for each other.
//   O2. An entry is tried until it is stored or ownership is lost; its message id is the same each time, so that the
//       server's duplicate window drops what came twice, and behind it the receiver's inbox does.

import type { OutboxDead, OutboxEntry, OutboxTell } from "../actors/snapshot.ts";
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
  /** Keeps what was given up on among the dead letters; false when ownership was lost before. */
  readonly bury: (entry: OutboxDead) => Promise<boolean>;
  readonly lost: AbortSignal;
  readonly onStored: (entry: OutboxEntry) => void;
}

/** Deadline of one attempt, and the longest wait between two. Unit: ms. */
const appendTimeoutMs = 5_000;
const backoffMsMax = 2_000;
const nothing = new Uint8Array(0);

export class Publisher {
  readonly #options: PublisherOptions;
  /** By receiver (dead letters are one): what waits behind the entry that is under way. */
  readonly #waiting = new Map<string, OutboxEntry[]>();
  readonly #dead = new Set<number>();
  #pending = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Entries that are not stored yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Lowest mail sequence of what was given up on and is no dead letter yet; undefined when there is none. */
  get oldestDead(): number | undefined {
    return this.#dead.size === 0 ? undefined : Math.min(...this.#dead);
  }

  publish(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      this.#pending += 1;
      if ("dead" in entry) this.#dead.add(entry.dead.seq);
      const lane = laneOf(entry);
      const waiting = this.#waiting.get(lane);
      if (waiting !== undefined) waiting.push(entry);
      else {
        this.#waiting.set(lane, []);
        void this.#publishChain(entry, lane);
      }
    }
  }

  async #publishChain(first: OutboxEntry, lane: string): Promise<void> {
    let entry: OutboxEntry | undefined = first;
    while (entry !== undefined) {
      const isStored = await ("dead" in entry ? this.#options.bury(entry) : this.#store(entry));
      if (!isStored) return; // Ownership was lost: the next owner publishes what stands in the outbox.
      this.#pending -= 1;
      if ("dead" in entry) this.#dead.delete(entry.dead.seq);
      this.#options.onStored(entry);
      const waiting = this.#waiting.get(lane);
      entry = waiting?.shift();
    }
    this.#waiting.delete(lane);
  }

  /** Tries until the way is open; undefined when ownership is lost first. */
  async #routeTo(entry: OutboxTell): Promise<Pick<Route, "mail" | "partitionOf"> | undefined> {
    const { routeTo, clock, lost } = this.#options;
    for (let attempt = 0; !lost.aborted; attempt += 1) {
      const route = await routeTo(entry.pool).catch(() => undefined); // The server is away.
      if (route !== undefined) return route;
      await delay(clock, Math.min(backoffMsMax, 50 * 2 ** attempt), lost);
    }
    return undefined;
  }

  async #store(entry: OutboxTell): Promise<boolean> {
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

/** No actor's key is empty. */
const laneOf = (entry: OutboxEntry): string => ("dead" in entry ? "" : entry.to);
