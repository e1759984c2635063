// One errand that is under way, from its beginning until its end is committed: again and again if need be (E1). To what it runs it
// is what an activation is to a turn, but that nobody waits for it, and that its steps stand in its own entry (E4).

import { hasErrand } from "../actors/apply-turn.ts";
import type { Errand, ErrandContext, ErrandEnd, ErrandRun } from "../actors/errand.ts";
import type { Answer, AskMessage, ErrandEnded } from "../actors/message.ts";
import type { OutboxErrand } from "../actors/snapshot.ts";
import { isErrand, withErrandStep } from "../actors/snapshot.ts";
import type { Question, Sending, TurnServices } from "../actors/turn.ts";
import { Turn } from "../actors/turn-context.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { printJson } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { endSpan, inSpan, traceparentOf } from "../core/trace.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { Cell } from "./cell.ts";
import { errorOf } from "./cell-ended.ts";
import type { OutboxOwner } from "./cell-outbox.ts";
import { logOf } from "./cell-turn.ts";
import { startProcess } from "./spans.ts";

/** Wait before what did not succeed is tried again; doubling, up to the longest. Unit: ms. */
const againMs = 50;
const againMsMax = 5_000;
/** Runs without an end, and ends that its actor does not take, before that is stopped (E5). */
const faultsMax = 30;

/** One run of an errand has come to this. */
interface Ended {
  readonly method: string;
  /** For the first turn that takes it. */
  input: unknown;
  /** The same as JSON. */
  readonly payload: string;
  readonly sendings: readonly Sending[];
}

export class RunningErrand implements TurnServices {
  readonly #cell: Cell;
  readonly #owner: OutboxOwner;
  readonly #number: number;
  /** On the host's coarse clock. Unit: ms. */
  readonly startedMs: number;
  #entry: OutboxErrand;
  #lost: AbortController | undefined;
  #isDropped = false;
  #isLeaving = false;
  /** What counts for E5. */
  readonly #faults: TroupeError[] = [];

  constructor(cell: Cell, owner: OutboxOwner, entry: OutboxErrand) {
    this.#cell = cell;
    this.#owner = owner;
    this.#entry = entry;
    this.#number = entry.n;
    this.startedMs = cell.host.coarseNowMs;
  }

  /** Resolves when its end is committed, when it stands no more, or is not this activation's any more. */
  async carryOut(): Promise<void> {
    const errand = this.#cell.definition.errands?.[this.#entry.errand] as Errand<unknown, unknown> | undefined;
    for (let attempt = 0; !this.#isDropped; attempt += 1) {
      // In the first run too: who follows a commit has more to do first.
      await (attempt === 0 ? undefined : this.#wait(attempt));
      // As it stands by now: its steps too, of the run before.
      const standing = this.#owner.committed.outbox.find((entry) => entry.n === this.#number);
      if (standing === undefined || !isErrand(standing) || this.#isDropped) return;
      if (this.#isLeaving) return; // J2 of `errands.ts`
      this.#entry = standing;
      const last = this.#faults[faultsMax - 1];
      if (last !== undefined) return this.#stopActor(last);
      if (errand === undefined) this.#blame(new TroupeError("METHOD_UNKNOWN", "the code here has no such errand"));
      else if (await this.#tryOnce(errand)) return;
    }
  }

  leave(): void {
    this.#isLeaving = true;
  }

  /** Its activation has ended: what it does counts for nothing. */
  drop(): void {
    this.#isDropped = true;
    this.#lost?.abort(this.#gone());
  }

  /** J3 of `errands.ts`. What does not succeed is left to the next time. Never rejects. */
  async moveGuard(): Promise<void> {
    const wake = await this.#owner.appendWake().catch(() => undefined); // Of a mail that is closed.
    if (wake === undefined || isTroupeError(wake) || this.#isDropped || !this.#cell.isLive) return;
    const { working } = this.#owner;
    if (!hasErrand(working, this.#number)) return;
    await new Promise<void>((settle) => {
      this.#owner.working = { ...working, guard: Math.max(working.guard, wake) };
      this.#cell.record({ kind: "step", message: this.#message(), resolve: settle, reject: () => settle() });
    });
  }

  get clock(): Clock {
    return this.#cell.host.clock;
  }
  get lost(): AbortSignal {
    this.#lost ??= new AbortController();
    if (this.#isDropped) this.#lost.abort(this.#gone());
    return this.#lost.signal;
  }
  get payloadBytesMax(): number {
    return this.#cell.services.payloadBytesMax;
  }
  get timers() {
    return this.#cell.services.timers;
  }

  log(message: AskMessage): Logger {
    return logOf(this.#cell, message);
  }

  /** Its actor goes on meanwhile, so what it asks may come back to that. */
  ask(asker: AskMessage, question: Question): Promise<unknown> {
    const { host, key } = this.#cell;
    return host.ask(question, { from: key, chain: [], trace: asker.turnTrace });
  }

  states(): Promise<StateStore> {
    return this.#cell.services.states();
  }

  findStep(_message: AskMessage, name: string): string | undefined {
    const { steps } = this.#entry;
    return steps !== undefined && Object.hasOwn(steps, name) ? JSON.stringify(steps[name]) : undefined;
  }

  /** Until it is stored: what could not be committed now is tried again, as long as the errand stands. */
  async keepStep(message: AskMessage, name: string, text: string): Promise<void> {
    for (let attempt = 0; !this.#isDropped; attempt += 1) {
      if (attempt > 0) await this.#wait(attempt);
      if (!this.#cell.isLive) continue;
      const { working } = this.#owner;
      if (!hasErrand(working, this.#number)) break;
      const outbox = withErrandStep(working.outbox, this.#number, name, JSON.parse(text));
      const refusal = await new Promise<TroupeError | undefined>((settle) => {
        this.#owner.working = { ...working, outbox };
        this.#cell.record({ kind: "step", message, resolve: () => settle(undefined), reject: settle });
      });
      if (refusal === undefined) return;
      if (isHopeless(refusal)) throw refusal;
    }
    throw this.#gone();
  }

  /** True when its end is committed, or it stands no more. */
  async #tryOnce(errand: Errand<unknown, unknown>): Promise<boolean> {
    const message = this.#message();
    const { inputText, fault } = this.#entry;
    const badly = (error: TroupeError) => endedOf(errand.refused(JSON.parse(inputText), error), []);
    let isRefused = fault !== undefined;
    let ended: Ended;
    try {
      ended = fault === undefined ? await this.#run(errand, message) : badly(errorOf(fault));
    } catch (thrown) {
      if (!this.#isDropped) this.#blame(asError(thrown));
      return false;
    }
    for (let again = 0; !this.#isDropped && this.#faults.length < faultsMax; again += 1) {
      const answer = await this.#take(message, ended);
      if (answer.kind === "ok") return true;
      if (this.#isDropped) return false;
      const { error } = answer;
      if (isHopeless(error) && !isRefused) {
        isRefused = true;
        ended = badly(error);
        continue;
      }
      if (error.retry === "never" || error.code === "TURN_TIMEOUT") this.#blame(error);
      else this.#warn(again, error.message);
      await this.#wait(again);
    }
    return false;
  }

  #blame(fault: TroupeError): void {
    this.#warn(this.#faults.length, fault.message);
    this.#faults.push(fault);
  }

  /** E5. The stop is a turn, as the end would have been. */
  async #stopActor(fault: TroupeError): Promise<void> {
    const message = this.#message();
    for (let again = 0; !this.#isDropped; again += 1) {
      if (again > 0) await this.#wait(again);
      const answer = await this.#deliver(message, { sendings: [], fault });
      if (answer.kind === "ok") return;
      this.#warn(again, answer.error.message);
    }
  }

  async #run(errand: Errand<unknown, unknown>, message: AskMessage): Promise<Ended> {
    const { definition, self, key, host } = this.#cell;
    const span = startProcess(message, self, key, host.partition);
    message.turnTrace = traceparentOf(span, message.trace);
    const startedMs = host.clock.monotonicMs();
    const { state } = this.#owner.committed;
    const turn = new Turn({ definition, self, message, state, services: this }, asHandler);
    const context = turn as unknown as ErrandContext;
    const input: unknown = JSON.parse(this.#entry.inputText);
    const announce = (came: ErrandRun["came"]) => {
      if (!host.events.isHeard) return;
      const durationMs = host.clock.monotonicMs() - startedMs;
      host.events.emit(errand.eventOf(self, input, { durationMs, came }));
    };
    try {
      const running = inSpan(span, () => errand.run(context, input, state));
      const end = running instanceof Promise ? await running : running;
      endSpan(span);
      announce(end);
      return endedOf(end, turn.close());
    } catch (thrown) {
      const fault = { code: isTroupeError(thrown) ? thrown.code : "HANDLER_FAILED", message: messageOf(thrown) };
      turn.close();
      endSpan(span, fault);
      announce(fault);
      throw thrown;
    }
  }

  /** Its end is a turn (E2); resolves when that is committed, or cannot be. */
  #take(message: AskMessage, ended: Ended): Promise<Answer> {
    const { method, input, payload, sendings } = ended;
    ended.input = undefined;
    const bytesMax = this.payloadBytesMax;
    if (payload.length * 3 > bytesMax && Buffer.byteLength(payload) > bytesMax) {
      const text = `the end of ${this.#entry.errand} is larger than ${bytesMax} bytes`;
      return Promise.resolve({ kind: "error", error: new TroupeError("PAYLOAD_TOO_LARGE", text) });
    }
    return this.#deliver({ ...message, method, payload, trace: message.turnTrace }, { sendings, input });
  }

  #deliver(message: AskMessage, ended: Omit<ErrandEnded, "number">): Promise<Answer> {
    if (this.#cell.isGone) return Promise.resolve({ kind: "error", error: this.#gone() });
    return new Promise((answer) => {
      this.#cell.deliverAsk({ ...message, errand: { number: this.#number, ...ended }, answer });
    });
  }

  /** What is asked and told in it comes from the actor itself; nobody waits for it. */
  #message(): AskMessage {
    const { key } = this.#cell;
    const { errand, trace } = this.#entry;
    return {
      ...{ kind: "ask", method: errand, payload: undefined, messageId: `${key}:${this.#number}`, from: key, trace },
      ...{ turnTrace: undefined, endedMs: undefined, interrupt: undefined },
      ...{ chain: [], idempotencyKey: undefined, askId: "" },
      answer: () => {},
    };
  }

  #wait(attempt: number): Promise<void> {
    return delay(this.clock, Math.min(againMsMax, againMs * 2 ** attempt), this.lost);
  }

  /** The first time, and then ever more rarely. */
  #warn(attempt: number, error: string): void {
    if ((attempt & (attempt - 1)) !== 0) return;
    const { host, key } = this.#cell;
    const { errand } = this.#entry;
    const fields = { actor: key, errand, number: this.#number, attempt, error };
    host.log.warn(fields, "an errand has not ended, trying again");
  }

  #gone(): TroupeError {
    return new TroupeError("FENCED", `${this.#cell.key} is no longer served here`);
  }
}

const asHandler = { kind: "handler", schema: undefined, timeoutMs: undefined, run: () => undefined } as const;

function endedOf({ method, input }: ErrandEnd, sendings: readonly Sending[]): Ended {
  return { method, input, payload: printJson(input, "INPUT_NOT_JSON", "the end of an errand") ?? "null", sendings };
}

/** What a run has thrown, whatever that is. */
function asError(thrown: unknown): TroupeError {
  return isTroupeError(thrown) ? thrown : new TroupeError("HANDLER_FAILED", messageOf(thrown));
}

/** What no further try will commit. */
function isHopeless({ code }: TroupeError): boolean {
  return code === "PAYLOAD_TOO_LARGE" || code === "STATE_INVALID" || code === "INPUT_NOT_JSON";
}
