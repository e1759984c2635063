// The messages that wait for one actor: a bounded view on its part of the mail stream, and the asks in between.
//
//   B1. Tells are handed out in order of sequence, each at most once; what is at or below `lastSequence` is `covered`.
//   B2. At most `tellsMax` tells of `tellBytesMax` in all are in memory (one may be larger), and no more than this
//       mailbox's share of the worker's budget (mail-budget.ts). Beyond that they are `deferred`: they stay in the stream,
//       and are read again from `deferred.first` when half of the room is free. Until the last deferred one has been read
//       again every new one is deferred too, so that the order holds.
//   B3. At most `asksMax` asks wait; one more is `full`.
//   B4. It knows of which timers that repeat firings wait: one that has not begun gives way to a later one.
//   B5. When its owner gives the partition away the tells that wait are let go of, and hold the cursor as deferred ones do.

import { MailBudget } from "./mail-budget.ts";
import type { AskMessage, Message, TellMessage } from "./message.ts";

/** Tells of one actor held in memory. Unit: messages. A hot actor that is read again from the stream costs twice. */
export const tellsMax = 8_192;
/** Tells that are read again at a time. Unit: messages. */
export const refillReadMax = 1_024;
const refillReadMin = 8;
/** What a tell is taken to need when it is not known yet. Unit: bytes. */
const tellBytesTypical = 512;
/** Asks that may wait for one actor. Unit: messages. */
export const asksMax = 1_024;

const compactAt = 1_024;

export class Mailbox {
  readonly #budget: MailBudget;
  #waiting: Message[] = [];
  #head = 0;
  #tells = 0;
  #tellBytes = 0;
  #lastSequence = 0;
  /** Firings that wait, by the number of their timer. */
  readonly #firings = new Map<number, number>();
  #deferred: { readonly first: number; last: number } | undefined;
  /** Its tells are for another owner: they are let go of, and never read again (B5). */
  isLeaving = false;

  constructor(budget = new MailBudget()) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#waiting.length - this.#head;
  }

  /** Sequence of the oldest tell that waits here or was deferred; undefined when there is none. */
  get oldestSequence(): number | undefined {
    if (this.#tells > 0) {
      for (let at = this.#head; at < this.#waiting.length; at += 1) {
        const message = this.#waiting[at];
        if (message?.kind === "tell") return message.sequence;
      }
    }
    return this.#deferred?.first;
  }

  /** Where to read again from, when there is something deferred and room for it (B2). */
  get refillFrom(): number | undefined {
    if (this.#deferred === undefined || this.isLeaving) return undefined;
    const hasRoom = this.#tells <= tellsMax / 2 && this.#tellBytes <= this.#budget.shareBytes / 2;
    return hasRoom ? this.#deferred.first : undefined;
  }

  /** How many to read again: what there is likely to be room for, as what is read is in memory too. */
  get refillMost(): number {
    const likely = Math.ceil((this.#budget.shareBytes - this.#tellBytes) / tellBytesTypical);
    return Math.max(refillReadMin, Math.min(refillReadMax, likely));
  }

  offerTell(message: TellMessage): "queued" | "deferred" | "covered" {
    if (message.sequence <= this.#lastSequence) return "covered";
    if (this.#deferred !== undefined) {
      this.#deferred.last = Math.max(this.#deferred.last, message.sequence);
      return "deferred";
    }
    if (this.#isFull) {
      this.#deferred = { first: message.sequence, last: message.sequence };
      return "deferred";
    }
    this.#push(message);
    return "queued";
  }

  offerAsk(message: AskMessage): "queued" | "full" {
    if (this.size - this.#tells >= asksMax) return "full";
    this.#waiting.push(message);
    return "queued";
  }

  /** What the stream holds from `first` to `last` is to be read again. For a mailbox that is new. */
  deferFrom(first: number, last: number): void {
    if (last >= first) this.#deferred = { first, last };
  }

  /**
   * Takes what was read again from `refillFrom` on. Returns how many were queued. An empty read means that nothing is
   * left there: it was trimmed, so it had been applied.
   */
  refill(messages: readonly TellMessage[]): number {
    const deferred = this.#deferred;
    if (deferred === undefined) return 0;
    let queued = 0;
    for (const message of messages) {
      if (message.sequence <= this.#lastSequence) continue;
      if (this.#isFull) break;
      this.#push(message);
      queued += 1;
    }
    const isComplete = messages.length === 0 || this.#lastSequence >= deferred.last;
    this.#deferred = isComplete ? undefined : { first: this.#lastSequence + 1, last: deferred.last };
    return queued;
  }

  /** Whether this is a firing that has not begun, and one more of the same timer waits (B4). */
  hasLaterFiring(message: Message): boolean {
    if (message.kind === "ask" || message.timer === undefined || message.attempts > 0) return false;
    return message.timer.nextMs !== undefined && this.#firings.has(message.timer.number);
  }

  take(): Message | undefined {
    const message = this.#waiting[this.#head];
    if (message === undefined) return undefined;
    this.#head += 1;
    if (message.kind === "tell") this.#count(message, -1);
    // What was handed out is let go of in time, also when there is always something waiting.
    if (this.#head === this.#waiting.length || this.#head >= compactAt) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Takes an ask out whose asker waits no longer, and says how many wait before it; undefined when it is not here. */
  withdraw(askId: string): { readonly message: AskMessage; readonly before: number } | undefined {
    for (let at = this.#head; at < this.#waiting.length; at += 1) {
      const message = this.#waiting[at];
      if (message?.kind !== "ask" || message.askId !== askId) continue;
      this.#waiting.splice(at, 1);
      return { message, before: at - this.#head };
    }
    return undefined;
  }

  /** When it is leaving: takes the tells out, as if they had been deferred. Returns how many. */
  leaveTells(): number {
    if (!this.isLeaving || this.#tells === 0) return 0;
    const waiting = this.#waiting.slice(this.#head);
    const tells = waiting.filter((message) => message.kind === "tell");
    const first = Math.min(this.#deferred?.first ?? Infinity, ...tells.slice(0, 1).map(({ sequence }) => sequence));
    this.#deferred = { first, last: Infinity };
    this.#waiting = waiting.filter((message) => message.kind === "ask");
    this.#head = 0;
    for (const tell of tells) this.#count(tell, -1);
    return tells.length;
  }

  /** Puts messages that were taken back to the front, in the order given, but `behind` so many that wait there. */
  putBack(messages: readonly Message[], behind = 0): void {
    const first = this.#waiting.slice(this.#head, this.#head + behind);
    this.#waiting = [...first, ...messages, ...this.#waiting.slice(this.#head + behind)];
    this.#head = 0;
    for (const message of messages) if (message.kind === "tell") this.#count(message, 1);
  }

  /** Empties it; returns the asks, whose askers must be told. */
  drop(): readonly AskMessage[] {
    const asks = this.#waiting.slice(this.#head).filter((message) => message.kind === "ask");
    this.#waiting = [];
    this.#head = 0;
    this.#budget.add(-this.#tellBytes);
    this.#tells = 0;
    this.#tellBytes = 0;
    this.#firings.clear();
    this.#deferred = undefined;
    return asks;
  }

  get #isFull(): boolean {
    return this.#tells >= tellsMax || this.#tellBytes >= this.#budget.shareBytes;
  }

  #count(message: TellMessage, sign: 1 | -1): void {
    const bytes = sign * (128 + (message.payload?.length ?? 0));
    this.#tells += sign;
    this.#tellBytes += bytes;
    this.#budget.add(bytes);
    if (message.timer === undefined) return;
    const { number } = message.timer;
    const waiting = (this.#firings.get(number) ?? 0) + sign;
    if (waiting > 0) this.#firings.set(number, waiting);
    else this.#firings.delete(number);
  }

  #push(message: TellMessage): void {
    this.#waiting.push(message);
    this.#count(message, 1);
    this.#lastSequence = message.sequence;
  }
}
