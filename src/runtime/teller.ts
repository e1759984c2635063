// Tells an actor: appends to its mailbox, and resolves when the server has the message.
//
//   W1. One message has one id through all its attempts, so the server stores it once: when it may be stored it is not tried
//       again later than the server knows the id.
//   W2. Tells of one teller to one actor are stored in the order of the calls (P5). A retry never overtakes: while one is
//       being tried again the later ones wait behind it, and when a later one was stored, or may have been, it is not
//       tried again but rejects. (What one connection sends the server takes in order; when a break loses something, it
//       has lost all that was sent after it; and when it refuses one message it says so before the attempt is over.)

import type { Span } from "@opentelemetry/api";
import type { Receipt, TellOptions } from "../actors/ref.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import { FleetingMap } from "../core/fleeting-map.ts";
import type { Traceparent } from "../core/trace.ts";
import { endFailed, endSpan, isTracing, traceIdOf, traceparentOf } from "../core/trace.ts";
import type { AppendOutcome, Mail, MailAddress, MailMeta } from "./mail.ts";
import { checkPayload } from "./mail.ts";
import { startSend } from "./spans.ts";

/** How long a tell may take when nothing is said. Unit: ms. */
export const tellTimeoutMsDefault = 10_000;
/** Deadline of one attempt. Unit: ms. */
const attemptMsMax = 3_000;
/** Of the time that the server knows an id, what the last attempt may take, and clocks that do not run alike. Unit: ms. */
const windowSpareMs = attemptMsMax + 1_000;
const backoffMsMin = 20;
const backoffMsMax = 500;
const nothing = new Uint8Array(0);

/** The tells of one actor that are under way. */
interface Lane {
  underWay: number;
  /** Highest number that was stored, or was given up on and may be. */
  stored: number;
  /** Those whose first attempt is under way, in order. */
  readonly underFirst: Telling[];
  /** What is being tried again; later ones wait for it. */
  retrying: Promise<unknown> | undefined;
}

type Accepted = AppendOutcome & { readonly kind: "accepted" };

/** One message on its way. */
interface Telling {
  readonly mail: Mail;
  readonly lane: Lane;
  readonly number: number;
  readonly to: MailAddress;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  readonly deadlineMs: number;
  /** When it was tried last. */
  triedMs: number;
  readonly span: Span | undefined;
  /** Its first attempt. */
  first: Promise<AppendOutcome> | undefined;
}

export class Teller {
  readonly #clock: Clock;
  readonly #events: EventStream;
  readonly #duplicateWindowMs: number;
  readonly #name: string;
  readonly #lanes = new FleetingMap<string, Lane>();
  #count = 0;

  /** `duplicateWindowMs`: how long the mail knows an id. */
  constructor(clock: Clock, events: EventStream, duplicateWindowMs: number) {
    this.#clock = clock;
    this.#events = events;
    this.#duplicateWindowMs = duplicateWindowMs;
    this.#name = clock.uniqueId().slice(0, 10);
  }

  /**
   * By `mail` of the actor's pool. `trace`: what it is a part of, when that came from outside. Throws PAYLOAD_TOO_LARGE; rejects with TELL_REFUSED (not
   * stored) or OUTCOME_UNKNOWN.
   */
  tell(
    mail: Mail,
    to: MailAddress,
    inputText: string | undefined,
    options: TellOptions | undefined,
    trace?: Traceparent,
  ): Promise<Receipt> {
    this.#count += 1;
    const number = this.#count;
    const messageId = `${this.#name}-${number.toString(36)}`;
    const payload = inputText === undefined ? nothing : encodeText(inputText);
    try {
      checkPayload(mail, to, payload);
    } catch (thrown) {
      this.#announce(to, { messageId, trace }, "PAYLOAD_TOO_LARGE");
      throw thrown;
    }
    const span = isTracing() ? startSend(to, messageId, trace ?? "active") : undefined;
    const meta: MailMeta = { messageId, trace: traceparentOf(span, trace) };
    const timeoutMs = options?.timeoutMs ?? tellTimeoutMsDefault;
    const lane = this.#enter(to.key);
    const triedMs = this.#clock.monotonicMs();
    const deadlineMs = triedMs + timeoutMs;
    const telling: Telling = { mail, lane, number, to, payload, meta, deadlineMs, triedMs, span, first: undefined };
    if (lane.retrying !== undefined) return this.#retryToEnd(telling, undefined);
    lane.underFirst.push(telling);
    // Almost every tell ends with its first attempt, so that goes through as few promises as can be.
    const first = mail.append(to, payload, meta, Math.min(timeoutMs, attemptMsMax));
    telling.first = first;
    return first.then(
      (outcome) => {
        leaveFirst(telling);
        if (outcome.kind !== "accepted") return this.#retryToEnd(telling, outcome);
        this.#settle(telling);
        return { sequence: outcome.sequence };
      },
      (thrown) => {
        leaveFirst(telling);
        return this.#fail(telling, thrown);
      },
    );
  }

  async #retryToEnd(telling: Telling, first: AppendOutcome | undefined): Promise<Receipt> {
    try {
      const { sequence } = await this.#retry(telling, first);
      this.#settle(telling);
      return { sequence };
    } catch (thrown) {
      return this.#fail(telling, thrown);
    }
  }

  #settle(telling: Telling): void {
    const { lane, number, to, meta, span } = telling;
    lane.stored = Math.max(lane.stored, number);
    endSpan(span);
    this.#leave(to.key, lane);
    this.#announce(to, meta, undefined);
  }

  #fail(telling: Telling, thrown: unknown): never {
    const { lane, number, to, meta, span } = telling;
    if (isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN") lane.stored = Math.max(lane.stored, number);
    endFailed(span, thrown);
    this.#leave(to.key, lane);
    this.#announce(to, meta, isTroupeError(thrown) ? thrown.code : "TELL_REFUSED");
    throw thrown;
  }

  /** Says that a tell has ended. */
  #announce(to: MailAddress, meta: MailMeta, code: string | undefined): void {
    if (!this.#events.isHeard) return;
    const traceId = traceIdOf(meta.trace);
    this.#events.emit({
      kind: "told",
      ...{ to: to.key, method: to.method, messageId: meta.messageId ?? "" },
      ...(code === undefined ? {} : { code }),
      ...(traceId === undefined ? {} : { trace: traceId }),
    });
  }

  #enter(key: string): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { underWay: 0, stored: 0, underFirst: [], retrying: undefined };
      this.#lanes.set(key, lane);
    }
    lane.underWay += 1;
    return lane;
  }

  #leave(key: string, lane: Lane): void {
    lane.underWay -= 1;
    if (lane.underWay === 0) this.#lanes.delete(key);
  }

  /** Waits for the retries before it, then tries. */
  async #retry(telling: Telling, first: AppendOutcome | undefined): Promise<Accepted> {
    const { lane } = telling;
    const before = lane.retrying;
    const tries = (async () => {
      await before;
      return this.#tryAgain(telling, first);
    })();
    const settled = tries.then(
      () => undefined,
      () => undefined,
    );
    lane.retrying = settled;
    try {
      return await tries;
    } finally {
      if (lane.retrying === settled) lane.retrying = undefined;
    }
  }

  async #tryAgain(telling: Telling, first: AppendOutcome | undefined): Promise<Accepted> {
    const { mail, lane, number, to, payload, meta, deadlineMs } = telling;
    let outcome = first;
    let knownUntilMs = Infinity;
    let reason = "its time was over before its turn";
    for (let attempt = 0; ; attempt += 1) {
      if (outcome?.kind === "accepted") return outcome;
      if (outcome !== undefined) reason = outcome.reason;
      if (outcome?.kind === "unknown" && knownUntilMs === Infinity) {
        knownUntilMs = telling.triedMs + this.#duplicateWindowMs - windowSpareMs;
      }
      const giveUp = (why: string) => failureOf(to, why, knownUntilMs < Infinity);
      if (outcome?.kind === "refused") throw giveUp(reason);
      const waitMs = outcome === undefined ? 0 : this.#backoff(attempt);
      const leftMs = deadlineMs - this.#clock.monotonicMs() - waitMs;
      if (leftMs <= 0) throw giveUp(reason);
      if (waitMs > 0) await delay(this.#clock, waitMs);
      const later = lane.underFirst.filter((other) => other.number > number);
      await Promise.allSettled(later.map((other) => other.first)); // W2
      if (lane.stored > number) throw giveUp("a later message to the same actor was stored first"); // W2
      telling.triedMs = this.#clock.monotonicMs();
      if (telling.triedMs > knownUntilMs) throw giveUp(`${reason}, and the server may know its id no more`); // W1
      outcome = await mail.append(to, payload, meta, Math.min(leftMs, attemptMsMax));
    }
  }

  #backoff(attempt: number): number {
    return Math.min(backoffMsMax, backoffMsMin * 2 ** attempt) * (0.5 + this.#clock.random() / 2);
  }
}

/** They end in the order in which they began, as a rule: the one that is looked for is the first. */
function leaveFirst(telling: Telling): void {
  const { underFirst } = telling.lane;
  underFirst.splice(underFirst.indexOf(telling), 1);
}

function failureOf(to: MailAddress, reason: string, isUnknown: boolean): TroupeError {
  const text = `the message to ${to.key} ${to.method} was not acknowledged: ${reason}`;
  return isUnknown ? new TroupeError("OUTCOME_UNKNOWN", text) : new TroupeError("TELL_REFUSED", text);
}
