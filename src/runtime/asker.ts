// Asks an actor: straight to it when it lives in this process, else a request to the owner of its partition, under the
// epoch that the directory shows: an owner that has been replaced, and only does not know it yet, is not asked.
//
//   Q1. What provably had no effect is tried again until the deadline: nobody was there, the message never left, or the
//       owner answered that it no longer is. Waits grow, with jitter. None begins when the time is all but over.
//   Q2. What may have had an effect is tried again only when that is harmless: with an idempotency key, or for a query.
//   Q3. When the partition gets another owner, what the one before has not answered is not waited for: it answers all that
//       it takes before it gives a partition back, so it is gone, or fenced.
//   Q4. Who gives up, because the time is over or the signal aborts, withdraws what was not answered.

import type { Span } from "@opentelemetry/api";
import type { Answer, AskMessage } from "../actors/message.ts";
import type { AskOptions } from "../actors/ref.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { decodeValue, encodeText } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import { escapeId } from "../core/ids.ts";
import type { Traceparent } from "../core/trace.ts";
import { endFailed, endSpan, hasActiveSpan, isTracing, traceIdOf, traceparentOf } from "../core/trace.ts";
import { Attempt, Pause } from "./ask-attempt.ts";
import { askMessage } from "./ask-of.ts";
import type { AskOrigin } from "./cell-host.ts";
import type { MailMeta, RequestOutcome } from "./mail.ts";
import { checkPayload, noMeta } from "./mail.ts";
import type { PooledAddress, Routes } from "./routes.ts";
import { startAsk } from "./spans.ts";
import { decodeError } from "./wire-error.ts";

/** How long an ask may take when nothing is said. Unit: ms. */
export const askTimeoutMsDefault = 10_000;
const backoffMsMin = 10;
const backoffMsMax = 500;
/** Longest wait for a new owner, which has taken the partition and serves it in a moment: so often, then waits grow on. */
const beginMsMax = 100;
const beginTriesMax = 12;
/** Deadline of one attempt of what is harmless to repeat. Unit: ms. */
const harmlessAttemptMsMax = 2_000;
/**
 * Time that a further attempt must have: with less it would hardly be answered, and an ask that provably had no effect
 * would end as one that may have had it. Unit: ms.
 */
const furtherAttemptMsMin = 50;
/** How long after its deadline an ask may last to learn why nobody answered. Unit: ms. */
const explainMsMax = 200;
const nothing = new Uint8Array(0);
const nobody: RequestOutcome = { kind: "nobody" };

export interface AskRequest {
  readonly to: PooledAddress;
  readonly inputText: string | undefined;
  readonly options: AskOptions | undefined;
  readonly isQuery: boolean;
  readonly origin: AskOrigin | undefined;
  /** What it is a part of, when that came from outside with it. */
  readonly trace?: Traceparent | undefined;
}

/** The actors that live in this process. */
export interface HereDoor {
  /** `isNested`: a turn of this process asks. A partition that is being given away takes only that. */
  owns(to: PooledAddress, isNested: boolean): boolean;
  deliver(to: PooledAddress, ask: AskMessage): void;
  withdraw(to: PooledAddress, askId: string): void;
}

export class Asker {
  readonly #routes: Routes;
  readonly #clock: Clock;
  readonly #events: EventStream;
  readonly #here: HereDoor | undefined;
  readonly #name: string;
  #count = 0;

  constructor(routes: Routes, clock: Clock, events: EventStream, here?: HereDoor) {
    this.#routes = routes;
    this.#clock = clock;
    this.#events = events;
    this.#here = here;
    this.#name = clock.uniqueId().slice(0, 8);
  }

  /** The answer's value. Rejects with a TroupeError, or with the signal's reason as soon as it aborts. */
  ask(request: AskRequest): Promise<unknown> {
    const { options, trace, origin } = request;
    const cause = trace ?? origin?.trace;
    const timeoutMs = options?.timeoutMs ?? askTimeoutMsDefault;
    if (!isTracing()) return this.#try(request, metaOf(request, cause), timeoutMs);
    // Within a handler the active span is the turn's, or one of the handler's own below it.
    const parent = trace === undefined && hasActiveSpan() ? "active" : cause;
    const span = startAsk(request.to, parent);
    const asked = this.#try(request, metaOf(request, traceparentOf(span, cause)), timeoutMs);
    return span?.isRecording() === true ? this.#ending(span, asked) : asked;
  }

  /** What was asked, with the end of its span. */
  async #ending(span: Span, asked: Promise<unknown>): Promise<unknown> {
    try {
      const value = await asked;
      endSpan(span);
      return value;
    } catch (thrown) {
      endFailed(span, thrown);
      throw thrown;
    }
  }

  async #try(request: AskRequest, meta: MailMeta, timeoutMs: number): Promise<unknown> {
    const { to, options, isQuery } = request;
    const startedMs = this.#clock.monotonicMs();
    const deadlineMs = startedMs + timeoutMs;
    const isHarmless = isQuery || options?.idempotencyKey !== undefined;
    let payload: Uint8Array | undefined;
    let unanswered: { readonly epoch: number; readonly askId: string }[] | undefined;
    let isInDoubt = false;
    let tried: number | undefined | "none" = "none";
    let isBeginning = false;
    try {
      for (let attempt = 0; ; attempt += 1) {
        options?.signal?.throwIfAborted();
        const epoch = this.#routes.findDirectory(to.pool)?.epochOf(to.partition);
        if (epoch !== tried) attempt = 0; // There is a new owner, which may still be about to begin.
        isBeginning ||= epoch !== tried && tried !== "none";
        tried = epoch;
        const leftMs = deadlineMs - this.#clock.monotonicMs();
        let failure: TroupeError | undefined;
        if (this.#here?.owns(to, request.origin !== undefined) === true) {
          const answer = await this.#askHere(this.#here, request, meta, leftMs);
          if (answer.kind === "ok") {
            const value: unknown = answer.text === undefined ? undefined : JSON.parse(answer.text);
            this.#tell(to, meta, startedMs, undefined);
            return value;
          }
          failure = answer.error;
          options?.signal?.throwIfAborted();
          if (failure.retry !== "elsewhere") throw failure;
        } else {
          payload ??= payloadOf(request);
          // What is harmless to repeat does not wait the whole time for an owner that may have died with it.
          const attemptMs = Math.max(1, isHarmless ? Math.min(leftMs, harmlessAttemptMsMax) : leftMs);
          const outcome = await this.#attempt(request, epoch, payload, meta, attemptMs, isHarmless);
          if (outcome === "found") continue;
          if (outcome.kind === "reply" && outcome.errorCode === undefined) {
            const value = readAnswer(to, outcome.payload);
            this.#tell(to, meta, startedMs, undefined);
            return value;
          }
          if (outcome.kind === "lost" && outcome.askId !== undefined && epoch !== undefined) {
            unanswered ??= [];
            unanswered.push({ epoch, askId: outcome.askId });
          }
          options?.signal?.throwIfAborted();
          isInDoubt ||= outcome.kind === "lost" && !isQuery;
          failure = failureOf(outcome, to, leftMs);
          if (!mayRepeat(outcome, failure, isHarmless)) {
            throw isInDoubt && failure.retry === "later" ? inDoubt(to, failure) : failure; // Q1, Q2
          }
        }
        const waitMs = waitMsOf(attempt, isBeginning) * (0.5 + this.#clock.random() / 2);
        if (this.#clock.monotonicMs() + waitMs + furtherAttemptMsMin > deadlineMs) {
          throw isInDoubt ? inDoubt(to, failure) : await this.#explained(to, failure);
        }
        await this.#pause(to, epoch, waitMs, options?.signal);
      }
    } catch (thrown) {
      for (const { epoch, askId } of unanswered ?? [])
        this.#routes.find(to.pool)?.mail.withdraw({ ...to, epoch }, askId); // Q4
      this.#tell(to, meta, startedMs, isTroupeError(thrown) ? thrown.code : "ASK_WITHDRAWN");
      throw thrown;
    }
  }

  /** Says that an ask has ended. */
  #tell({ key, method }: PooledAddress, { trace }: MailMeta, startedMs: number, code: string | undefined): void {
    if (!this.#events.isHeard) return;
    const traceId = traceIdOf(trace);
    this.#events.emit({
      kind: "asked",
      ...{ to: key, method, durationMs: this.#clock.monotonicMs() - startedMs },
      ...(code === undefined ? {} : { code }),
      ...(traceId === undefined ? {} : { trace: traceId }),
    });
  }

  /** One attempt over the network; "found" when only the way was still to be opened. */
  #attempt(
    { to, options }: AskRequest,
    epoch: number | undefined,
    payload: Uint8Array,
    meta: MailMeta,
    timeoutMs: number,
    isHarmless: boolean,
  ): Promise<RequestOutcome | "found"> {
    const mail = this.#routes.find(to.pool)?.mail;
    const directory = this.#routes.findDirectory(to.pool);
    if (mail === undefined || directory === undefined) return this.#findWay(to.pool, timeoutMs);
    checkPayload(mail, to, payload);
    if (epoch === undefined) return Promise.resolve(nobody);
    const { partition, key, method } = to;
    const request = mail.request({ partition, epoch, key, method }, payload, meta, timeoutMs, options?.signal);
    const attempt = new Attempt(request, this.#clock, isHarmless);
    directory.awaitNextEpoch(partition, attempt);
    return attempt.outcome;
  }

  /** Opens the way to a pool that nothing was asked of before. */
  async #findWay(pool: string, timeoutMs: number): Promise<RequestOutcome | "found"> {
    const overdue = new AbortController();
    const late = delay(this.#clock, timeoutMs, overdue.signal).then((): RequestOutcome => {
      return { kind: "unsent", reason: `it was not learnt in time who serves the pool ${pool}` };
    });
    const found = this.#routes.openDirectory(pool).then(
      () => "found" as const,
      (thrown: unknown): RequestOutcome => ({ kind: "unsent", reason: messageOf(thrown) }),
    );
    const outcome = await Promise.race([found, late]);
    overdue.abort();
    return outcome;
  }

  /** Waits until the next attempt is due, or the partition has another owner than the one that was tried. */
  #pause(to: PooledAddress, tried: number | undefined, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const directory = this.#routes.findDirectory(to.pool);
    if (directory?.epochOf(to.partition) !== tried) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        pause.leave();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const cancel = this.#clock.after(waitMs, end);
      const pause = new Pause(end);
      directory?.awaitNextEpoch(to.partition, pause);
      signal?.addEventListener("abort", end, { once: true });
    });
  }

  /** The error with the reason why nobody was there, as far as it can be learnt. */
  async #explained(to: PooledAddress, failure: TroupeError): Promise<TroupeError> {
    if (failure.code !== "ASK_UNREACHABLE") return failure;
    const overdue = new AbortController();
    const late = delay(this.#clock, explainMsMax, overdue.signal).then(() => failure.message);
    const why = await Promise.race([this.#routes.explain(to).catch(() => failure.message), late]);
    overdue.abort();
    return new TroupeError("ASK_UNREACHABLE", why, { cause: failure });
  }

  /** The answer of an actor of this process, or ASK_TIMEOUT when it takes too long. */
  #askHere(here: HereDoor, request: AskRequest, meta: MailMeta, leftMs: number): Promise<Answer> {
    const { to, inputText, options } = request;
    this.#count += 1;
    const askId = `${this.#name}.${this.#count}`;
    return new Promise((resolve) => {
      const giveUp = (code: "ASK_TIMEOUT" | "ASK_WITHDRAWN", text: string) => {
        cancel();
        options?.signal?.removeEventListener("abort", abort);
        resolve({ kind: "error", error: new TroupeError(code, text) });
        here.withdraw(to, askId); // Q4
      };
      const abort = () => giveUp("ASK_WITHDRAWN", `the ask of ${to.key} ${to.method} was aborted`);
      const cancel = this.#clock.after(Math.max(0, leftMs), () =>
        giveUp("ASK_TIMEOUT", `${to.key} ${to.method} gave no answer in time`),
      );
      options?.signal?.addEventListener("abort", abort, { once: true });
      const answered = (answer: Answer) => {
        cancel();
        options?.signal?.removeEventListener("abort", abort);
        resolve(answer);
      };
      here.deliver(to, askMessage({ method: to.method, payload: inputText, askId }, meta, askId, answered));
    });
  }
}

function waitMsOf(attempt: number, isBeginning: boolean): number {
  const longest = isBeginning && attempt < beginTriesMax ? beginMsMax : backoffMsMax;
  return Math.min(longest, backoffMsMin * 2 ** attempt);
}

function mayRepeat(outcome: RequestOutcome, failure: TroupeError, isHarmless: boolean): boolean {
  if (outcome.kind === "lost") return isHarmless; // Q2
  return outcome.kind === "nobody" || outcome.kind === "unsent" || failure.retry === "elsewhere"; // Q1
}

function payloadOf({ inputText }: AskRequest): Uint8Array {
  return inputText === undefined ? nothing : encodeText(inputText);
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

function readAnswer(to: PooledAddress, payload: Uint8Array): unknown {
  try {
    return decodeValue(payload);
  } catch (thrown) {
    throw new TroupeError("RESULT_INVALID", `${to.key} ${to.method} answered what is not JSON: ${messageOf(thrown)}`);
  }
}

function failureOf(outcome: RequestOutcome, to: PooledAddress, leftMs: number): TroupeError {
  switch (outcome.kind) {
    case "reply":
      return decodeError(outcome.errorCode ?? "", outcome.payload);
    case "nobody":
      return new TroupeError(
        "ASK_UNREACHABLE",
        `nobody serves ${to.key} (partition ${to.partition} of the pool ${to.pool})`,
      );
    case "unsent":
      return new TroupeError("ASK_UNREACHABLE", `the ask of ${to.key} ${to.method} was not sent: ${outcome.reason}`);
    case "lost":
      return outcome.reason === "no answer in time"
        ? new TroupeError("ASK_TIMEOUT", `${to.key} ${to.method} gave no answer in ${Math.round(leftMs)} ms`)
        : new TroupeError("OUTCOME_UNKNOWN", `the answer of ${to.key} ${to.method} was lost: ${outcome.reason}`);
  }
}

/** The last attempt had no effect, but the answer of an earlier one was lost, and that may yet have one. */
function inDoubt(to: PooledAddress, last: TroupeError): TroupeError {
  if (last.code === "ASK_TIMEOUT" || last.code === "OUTCOME_UNKNOWN") return last;
  return new TroupeError("OUTCOME_UNKNOWN", `the answer of ${to.key} ${to.method} was lost, and then: ${last.message}`);
}
