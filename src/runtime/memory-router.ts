// Core subjects in memory: who serves what, and how a request finds them.
//
//   O1. A subscription counts while its client's connection stands; "nobody" is said at once, to the asker alone.
//   O2. Of all that serve one queue exactly one gets a request; of all others each gets it, and the first reply counts.

import type { Clock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { guarded } from "./guarded.ts";
import type { MailMeta, MailRequest, RequestOutcome, Withdrawal } from "./mail.ts";
import { misaddressed, strictTargetOf } from "./mail-subject.ts";
import type { MemoryConnection } from "./memory-connection.ts";
import { encodeError } from "./wire-error.ts";

export interface MemorySubscription {
  readonly connection: MemoryConnection;
  /** `A.ask.main.3.`, `A.call.`, or a whole subject. */
  readonly prefix: string;
  readonly isQueue: boolean;
  readonly isWhole: boolean;
  readonly onRequest: (request: MailRequest) => void;
  readonly onWithdrawn?: ((withdrawal: Withdrawal) => void) | undefined;
}

export interface RoutedRequest {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  readonly askId?: string;
  readonly payloadBytesMax: number;
}

type Answered = RequestOutcome & { kind: "reply" | "nobody" };

export class MemoryRouter {
  readonly #clock: Clock;
  readonly #subscriptions = new Map<string, Set<MemorySubscription>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the function that ends it. */
  subscribe(subscription: MemorySubscription): () => void {
    const { prefix } = subscription;
    const there = this.#subscriptions.get(prefix) ?? new Set<MemorySubscription>();
    this.#subscriptions.set(prefix, there);
    there.add(subscription);
    return () => {
      there.delete(subscription);
      if (there.size === 0 && this.#subscriptions.get(prefix) === there) this.#subscriptions.delete(prefix);
    };
  }

  forget(connection: MemoryConnection): void {
    for (const [prefix, there] of this.#subscriptions) {
      for (const each of there) if (each.connection === connection) there.delete(each);
      if (there.size === 0) this.#subscriptions.delete(prefix);
    }
  }

  /** `answer` is undefined when nobody waits for one. */
  route(request: RoutedRequest, answer: ((outcome: Answered) => void) | undefined): void {
    const takers = this.#takersOf(request.subject);
    if (takers.length === 0) return answer?.({ kind: "nobody" });
    let isAnswered = false;
    const answerOnce = (outcome: Answered) => {
      if (isAnswered) return; // O2
      isAnswered = true;
      answer?.(outcome);
    };
    for (const taker of takers) {
      taker.connection.pass(() => this.#hand(taker, request, answer === undefined ? undefined : answerOnce));
    }
  }

  /** Told as a request is: to one of those that may have it. */
  withdraw(subject: string, askId: string): void {
    for (const { connection, onWithdrawn, prefix } of this.#takersOf(subject)) {
      const key = strictTargetOf(subject, prefix.length)?.key;
      if (key !== undefined && onWithdrawn !== undefined) {
        connection.pass(() => guarded(onWithdrawn, { key, askId }));
      }
    }
  }

  #hand(taker: MemorySubscription, request: RoutedRequest, answer: ((outcome: Answered) => void) | undefined): void {
    const target = taker.isWhole ? { key: "", method: "" } : strictTargetOf(request.subject, taker.prefix.length);
    const incoming = new MemoryRequest(taker.connection, request, target ?? { key: "", method: "" }, answer);
    if (target === undefined) incoming.reply(misaddressed(request.subject), "NAME_INVALID");
    else guarded(taker.onRequest, incoming);
  }

  #takersOf(subject: string): readonly MemorySubscription[] {
    const takers: MemorySubscription[] = [];
    const queues: MemorySubscription[] = [];
    for (const [prefix, there] of this.#subscriptions) {
      if (!subject.startsWith(prefix)) continue;
      for (const each of there) {
        if (!each.connection.isConnected || (each.isWhole && subject !== prefix)) continue; // O1
        (each.isQueue ? queues : takers).push(each);
      }
    }
    const chosen = queues[queues.length < 2 ? 0 : Math.floor(this.#clock.random() * queues.length)];
    if (chosen !== undefined) takers.push(chosen);
    return takers;
  }
}

class MemoryRequest implements MailRequest {
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly meta: MailMeta;
  readonly askId: string;
  readonly #connection: MemoryConnection;
  readonly #subject: string;
  readonly #payloadBytesMax: number;
  #answer: ((outcome: Answered) => void) | undefined;

  constructor(
    connection: MemoryConnection,
    request: RoutedRequest,
    target: { readonly key: string; readonly method: string },
    answer: ((outcome: Answered) => void) | undefined,
  ) {
    this.#connection = connection;
    this.#subject = request.subject;
    this.#payloadBytesMax = request.payloadBytesMax;
    this.#answer = answer;
    this.key = target.key;
    this.method = target.method;
    this.payload = new Uint8Array(request.payload);
    this.meta = request.meta;
    this.askId = request.askId ?? "";
  }

  reply(payload: Uint8Array, errorCode?: string): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined) return;
    let outcome: Answered = { kind: "reply", payload: new Uint8Array(payload), errorCode };
    if (payload.length > this.#payloadBytesMax) {
      const text = `the reply takes ${payload.length} bytes, ${this.#payloadBytesMax} are carried`;
      const error = new TroupeError("PAYLOAD_TOO_LARGE", text);
      outcome = { kind: "reply", payload: encodeError(error), errorCode: error.code };
    }
    this.#connection.say("reply", this.#subject, () => answer(outcome));
  }
}
