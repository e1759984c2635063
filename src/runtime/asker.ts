// Asks an actor: straight to it when it lives in this process, else a request to the owner of its partition.
//
//   Q1. What provably had no effect is tried again until the deadline: nobody was there, the message never left, or the
//       owner answered that it no longer is. Waits grow, with jitter.
//   Q2. What may have had an effect is tried again only when that is harmless: with an idempotency key, or for a query.
//   Q3. Who gives up, because the time is over or the signal aborts, withdraws what was not answered.

import type { Answer, AskMessage } from "../actors/message.ts";
import type { AskOptions } from "../actors/ref.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { decodeValue, encodeText } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { escapeId } from "../core/ids.ts";
import type { Traceparent } from "../core/trace.ts";
import { endFailed, endSpan, hasActiveSpan, isTracing, traceparentOf } from "../core/trace.ts";
import type { AskOrigin } from "./cell-host.ts";
import type { Mail, MailAddress, MailMeta, RequestOutcome } from "./mail.ts";
import { checkPayload, noMeta } from "./mail.ts";
import { startAsk } from "./spans.ts";
import { decodeError } from "./wire-error.ts";

/** How long an ask may take when nothing is said. Unit: ms. */
export const askTimeoutMsDefault = 10_000;
const backoffMsMin = 10;
const backoffMsMax = 500;
/** Deadline of one attempt of what is harmless to repeat. Unit: ms. */
const harmlessAttemptMsMax = 2_000;
const nothing = new Uint8Array(0);

export interface AskRequest {
  readonly to: MailAddress;
  readonly inputText: string | undefined;
  readonly options: AskOptions | undefined;
  readonly isQuery: boolean;
  readonly origin: AskOrigin | undefined;
  /** What it is a part of, when that came from outside with it. */
  readonly trace?: Traceparent | undefined;
}

/** The actors that live in this process. */
export interface HereDoor {
  owns(partition: number): boolean;
  deliver(to: MailAddress, ask: AskMessage): void;
  withdraw(to: MailAddress, askId: string): void;
}

export class Asker {
  readonly #mail: Mail;
  readonly #clock: Clock;
  readonly #here: HereDoor | undefined;
  readonly #name: string;
  #count = 0;

  constructor(mail: Mail, clock: Clock, here?: HereDoor) {
    this.#mail = mail;
    this.#clock = clock;
    this.#here = here;
    this.#name = clock.uniqueId().slice(0, 8);
  }

  /** The answer's value. Rejects with a TroupeError, or with the signal's reason as soon as it aborts. */
  ask(request: AskRequest): Promise<unknown> {
    const { options, trace, origin } = request;
    const cause = trace ?? origin?.trace;
    const deadlineMs = this.#clock.monotonicMs() + (options?.timeoutMs ?? askTimeoutMsDefault);
    return isTracing()
      ? this.#askTraced(request, cause, deadlineMs)
      : this.#try(request, metaOf(request, cause), deadlineMs);
  }

  async #askTraced(request: AskRequest, cause: Traceparent | undefined, deadlineMs: number): Promise<unknown> {
    // Within a handler the active span is the turn's, or one of the handler's own below it.
    const parent = request.trace === undefined && hasActiveSpan() ? "active" : cause;
    const span = startAsk(request.to, parent);
    try {
      const value = await this.#try(request, metaOf(request, traceparentOf(span, cause)), deadlineMs);
      endSpan(span);
      return value;
    } catch (thrown) {
      endFailed(span, thrown);
      throw thrown;
    }
  }

  async #try(request: AskRequest, meta: MailMeta, deadlineMs: number): Promise<unknown> {
    const { to, options, isQuery } = request;
    const isHarmless = isQuery || options?.idempotencyKey !== undefined;
    let payload: Uint8Array | undefined;
    let unanswered: string[] | undefined;
    let isInDoubt = false;
    try {
      for (let attempt = 0; ; attempt += 1) {
        options?.signal?.throwIfAborted();
        const leftMs = deadlineMs - this.#clock.monotonicMs();
        let failure: TroupeError | undefined;
        if (this.#here?.owns(to.partition) === true) {
          const answer = await this.#askHere(this.#here, request, meta, leftMs);
          if (answer.kind === "ok") return answer.text === undefined ? undefined : JSON.parse(answer.text);
          failure = answer.error;
          options?.signal?.throwIfAborted();
          if (failure.retry !== "elsewhere") throw failure;
        } else {
          payload ??= this.#payloadOf(request);
          // What is harmless to repeat does not wait the whole time for an owner that may have died with it.
          const attemptMs = Math.max(1, isHarmless ? Math.min(leftMs, harmlessAttemptMsMax) : leftMs);
          const outcome = await this.#mail.request(to, payload, meta, attemptMs, options?.signal);
          if (outcome.kind === "reply" && outcome.errorCode === undefined) return readAnswer(to, outcome.payload);
          if (outcome.kind === "lost" && outcome.askId !== undefined) {
            unanswered ??= [];
            unanswered.push(outcome.askId);
          }
          options?.signal?.throwIfAborted();
          isInDoubt ||= outcome.kind === "lost" && !isQuery;
          failure = failureOf(outcome, to, leftMs);
          if (!mayRepeat(outcome, failure, isHarmless)) {
            throw isInDoubt && failure.retry === "later" ? inDoubt(to, failure) : failure; // Q1, Q2
          }
        }
        const longest = Math.min(backoffMsMax, backoffMsMin * 2 ** attempt);
        const waitMs = longest * (0.5 + this.#clock.random() / 2);
        if (this.#clock.monotonicMs() + waitMs >= deadlineMs) throw isInDoubt ? inDoubt(to, failure) : failure;
        await delay(this.#clock, waitMs, options?.signal);
      }
    } catch (thrown) {
      for (const askId of unanswered ?? []) this.#mail.withdraw(to, askId); // Q3
      throw thrown;
    }
  }

  #payloadOf({ to, inputText }: AskRequest): Uint8Array {
    const payload = inputText === undefined ? nothing : encodeText(inputText);
    checkPayload(this.#mail, to, payload);
    return payload;
  }

  /** The answer of an actor of this process, or ASK_TIMEOUT when it takes too long: then, and on abort, it is withdrawn. */
  #askHere(here: HereDoor, request: AskRequest, meta: MailMeta, leftMs: number): Promise<Answer> {
    const { to, inputText, options } = request;
    this.#count += 1;
    const askId = `${this.#name}.${this.#count}`;
    return new Promise((resolve) => {
      const giveUp = (code: "ASK_TIMEOUT" | "ASK_WITHDRAWN", text: string) => {
        cancel();
        options?.signal?.removeEventListener("abort", abort);
        resolve({ kind: "error", error: new TroupeError(code, text) });
        here.withdraw(to, askId); // Q3
      };
      const abort = () => giveUp("ASK_WITHDRAWN", `the ask of ${to.key} ${to.method} was aborted`);
      const cancel = this.#clock.after(Math.max(0, leftMs), () =>
        giveUp("ASK_TIMEOUT", `${to.key} ${to.method} gave no answer in time`),
      );
      options?.signal?.addEventListener("abort", abort, { once: true });
      here.deliver(to, {
        kind: "ask",
        method: to.method,
        payload: inputText,
        askId,
        messageId: meta.idempotencyKey === undefined ? askId : `key:${meta.idempotencyKey}`,
        from: meta.from,
        chain: meta.chain ?? [],
        idempotencyKey: meta.idempotencyKey,
        trace: meta.trace,
        turnTrace: undefined,
        interrupt: undefined,
        answer: (answer) => {
          cancel();
          options?.signal?.removeEventListener("abort", abort);
          resolve(answer);
        },
      });
    });
  }
}

function mayRepeat(outcome: RequestOutcome, failure: TroupeError, isHarmless: boolean): boolean {
  if (outcome.kind === "lost") return isHarmless; // Q2
  return outcome.kind === "nobody" || outcome.kind === "unsent" || failure.retry === "elsewhere"; // Q1
}

function metaOf({ options, origin }: AskRequest, trace: Traceparent | undefined): MailMeta {
  const key = options?.idempotencyKey;
  if (key === undefined && origin === undefined && trace === undefined) return noMeta;
  return {
    from: origin?.from,
    chain: origin?.chain,
    idempotencyKey: key === undefined ? undefined : escapeId(key),
    trace,
  };
}

function readAnswer(to: MailAddress, payload: Uint8Array): unknown {
  try {
    return decodeValue(payload);
  } catch (thrown) {
    throw new TroupeError("RESULT_INVALID", `${to.key} ${to.method} answered what is not JSON: ${messageOf(thrown)}`);
  }
}

function failureOf(outcome: RequestOutcome, to: MailAddress, leftMs: number): TroupeError {
  switch (outcome.kind) {
    case "reply":
      return decodeError(outcome.errorCode ?? "", outcome.payload);
    case "nobody":
      return new TroupeError("ASK_UNREACHABLE", `nobody serves ${to.key} (partition ${to.partition})`);
    case "unsent":
      return new TroupeError("ASK_UNREACHABLE", `the ask of ${to.key} ${to.method} was not sent: ${outcome.reason}`);
    case "lost":
      return outcome.reason === "no answer in time"
        ? new TroupeError("ASK_TIMEOUT", `${to.key} ${to.method} gave no answer in ${Math.round(leftMs)} ms`)
        : new TroupeError("OUTCOME_UNKNOWN", `the answer of ${to.key} ${to.method} was lost: ${outcome.reason}`);
  }
}

/** The last attempt had no effect, but the answer of an earlier one was lost, and that may yet have one. */
function inDoubt(to: MailAddress, last: TroupeError): TroupeError {
  if (last.code === "ASK_TIMEOUT" || last.code === "OUTCOME_UNKNOWN") return last;
  return new TroupeError("OUTCOME_UNKNOWN", `the answer of ${to.key} ${to.method} was lost, and then: ${last.message}`);
}
