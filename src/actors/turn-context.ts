// The context of one turn, and what the turn has come to when its handler has returned. The laws stand in `turn.ts`.

import { create, current } from "mutative";
import { delay } from "../core/clock.ts";
import { printJson } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { keyOf, printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { Validation } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import { activeTraceparent } from "../core/trace.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { Caller } from "./context.ts";
import { callerOf } from "./context.ts";
import type { AnyActor, AnyMethod } from "./definition.ts";
import type { MemoryInTurn } from "./memory-context.ts";
import { checkedInput } from "./method-input.ts";
import type { AskOptions } from "./ref.ts";
import { methodTable } from "./ref.ts";
import { spawnedMethod, stopMethod } from "./system-methods.ts";
import type { CronOptions, EveryOptions, TellLaterOptions, TimerOptions, TimerWhen } from "./timer.ts";
import { checkedAt, checkedCron, checkedEvery, checkedTimerName, timersMax, withoutFired } from "./timer.ts";
import type { Sending, TurnOutcome, TurnRequest } from "./turn.ts";
import { failed, failureOf, turnOver, withdrawn } from "./turn-failure.ts";

const noSendings: readonly Sending[] = [];
/** What the headers of a message, and of a timer with its two subjects, take at most. Unit: bytes. */
const messageHeaderBytesMax = 1_024;
const timerHeaderBytesMax = 4_096;

/** The context that a handler is given: both TurnContext and QueryContext, which differ in what their types allow. */
export class Turn {
  readonly #request: TurnRequest;
  readonly #method: AnyMethod<never>;
  #base: unknown;
  #draft: unknown;
  #finalize: (() => unknown) | undefined;
  #replacement: { readonly state: unknown } | undefined;
  #stateText: string | undefined;
  #sendings: Sending[] | undefined;
  #steps: Set<string> | undefined;
  /** Names of the timers that will stand when this turn is committed. */
  #timers: Set<string> | undefined;
  #abort: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #log: Logger | undefined;
  #memory: MemoryInTurn | undefined;
  isOver = false;

  constructor(request: TurnRequest, method: AnyMethod<never>) {
    this.#request = request;
    this.#method = method;
    this.#base = request.state;
  }

  get self(): ActorAddress {
    return this.#request.self;
  }
  get caller(): Caller {
    return callerOf(this.#request.message);
  }
  get messageId(): string {
    return this.#request.message.messageId;
  }
  get log(): Logger {
    this.#log ??= this.#request.services.log(this.#request.message);
    return this.#log;
  }
  get memory(): MemoryInTurn {
    const { memory, definition } = this.#request;
    if (memory === undefined)
      throw new TroupeError("MEMORY_MISSING", `the actor type ${definition.type} has no memory`);
    this.#memory ??= memory.contextFor({
      checkOpen: () => this.#checkOpen(),
      checkMayChange: (what) => this.#checkMayChange(what),
      stage: (sending) => this.#send(sending),
    });
    return this.#memory;
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    this.#signal ??= AbortSignal.any([this.#abort.signal, this.#request.services.lost]);
    return this.#signal;
  }

  get state(): unknown {
    this.#checkOpen();
    if (this.#replacement !== undefined) return this.#replacement.state;
    if (this.#finalize === undefined) {
      const [draft, finalize] = create(this.#base as object);
      this.#draft = draft;
      this.#finalize = finalize;
    }
    return this.#draft;
  }
  set state(state: unknown) {
    this.#checkOpen();
    this.#replacement = { state };
  }

  get stateBefore(): unknown {
    return this.#base;
  }

  get isUntouched(): boolean {
    if (this.isOver || this.#replacement !== undefined) return false;
    return this.#finalize === undefined || current(this.#draft as object) === this.#base;
  }

  /** Whoever still holds a piece of the draft before gets an error from it: ending a draft revokes it. */
  rebase(state: unknown): void {
    this.#finalize?.();
    this.#finalize = undefined;
    this.#draft = undefined;
    this.#base = state;
  }

  actor(definition: AnyActor, id: string): object {
    this.#checkOpen();
    const { services, message } = this.#request;
    const address = { type: definition.type, id };
    const to = keyOf(address);
    return {
      ...address,
      ask: methodTable<AskOptions>(definition.methods, "ask", (method, input, options) => {
        this.#checkOpen();
        // What a turn asks is withdrawn with it.
        const signal = options?.signal === undefined ? this.signal : AbortSignal.any([this.signal, options.signal]);
        return services.ask(message, { definition, id, method, input, options: { ...options, signal } });
      }),
      tell: methodTable<never>(definition.methods, "tell", (method, input) =>
        this.#tell(definition, to, method, input),
      ),
    };
  }

  spawn(definition: AnyActor, id: string): object {
    const { onChildFailure: method, pool } = this.#request.definition;
    this.#tellOwn(definition, id, spawnedMethod, { method, pool });
    return this.actor(definition, id);
  }

  stop(definition: AnyActor, id: string, reason = "it was told to stop"): void {
    this.#tellOwn(definition, id, stopMethod, { reason: String(reason) });
  }

  /** Orders work of the actor's own, to be done beside its turns when this one is committed (`errand.ts`). */
  errand(name: string, input: unknown): void {
    this.#checkMayChange("order an errand");
    const inputText = JSON.stringify(input) ?? "null";
    this.#checkSize(keyOf(this.#request.self), inputText, messageHeaderBytesMax);
    this.#send({ errand: name, inputText, trace: activeTraceparent() });
  }

  async step(name: string, fn: (signal: AbortSignal) => unknown): Promise<unknown> {
    this.#checkOpen();
    if (this.#method.kind === "query") {
      throw new TroupeError("QUERY_CHANGED_STATE", "a query cannot keep the result of a step");
    }
    this.#steps ??= new Set();
    if (typeof name !== "string" || name === "" || this.#steps.has(name)) {
      throw new TroupeError("STEP_REPEATED", `the step ${JSON.stringify(name)} has run in this turn, or has no name`);
    }
    this.#steps.add(name);
    const { services, message } = this.#request;
    const kept = services.findStep(message, name);
    if (kept !== undefined) return JSON.parse(kept);
    const value = await fn(this.signal);
    this.#checkOpen();
    const text = printJson(value, "RESULT_INVALID", `the result of step ${name}`) ?? "null";
    await services.keepStep(message, name, text);
    this.#checkOpen();
    return value === undefined ? undefined : JSON.parse(text);
  }

  states(): Promise<StateStore> {
    this.#checkOpen();
    return this.#request.services.states();
  }

  now(): number {
    return this.#request.services.clock.now();
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    const until = signal === undefined ? this.signal : AbortSignal.any([this.signal, signal]);
    return delay(this.#request.services.clock, ms, until);
  }

  takeBack(): void {
    this.#checkOpen();
    this.#sendings = undefined;
    this.#timers = undefined;
  }

  tellLater(method: string, options: TellLaterOptions): void {
    this.#setTimer(method, options, () => checkedAt(options, this.#request.services.clock.now()));
  }

  every(method: string, options: EveryOptions): void {
    this.#setTimer(method, options, () => checkedEvery(options));
  }

  cron(method: string, options: CronOptions): void {
    this.#setTimer(method, options, () => checkedCron(options, this.#request.services.clock.now()));
  }

  cancelTimer(name: string): void {
    this.#checkMayChange("cancel a timer");
    const timer = checkedTimerName(name, name);
    if (this.#timerNames().delete(timer)) this.#send({ timer, sets: undefined, trace: activeTraceparent() });
  }

  /** What it has told so far, when it is over without a commit of its own: an errand is. */
  close(): readonly Sending[] {
    this.isOver = true;
    return this.#sendings ?? noSendings;
  }

  /** The handler has returned. */
  end(result: unknown): TurnOutcome | Promise<TurnOutcome> {
    this.isOver = true;
    const { definition, message } = this.#request;
    const where = `${definition.type}.${message.method}`;
    const resultText =
      message.kind === "ask" ? printJson(result, "RESULT_INVALID", `what ${where} returned`) : undefined;
    const state = this.#finalState(where);
    const isChanged = state !== this.#base;
    if (!isChanged) return this.#done(state, false, resultText);
    if (this.#method.kind === "query") {
      return failed(new TroupeError("QUERY_CHANGED_STATE", `the query ${where} changed the state`));
    }
    const validation = validate(definition.state, state);
    if (validation instanceof Promise) {
      return validation.then(
        (settled) => this.#judge(settled, where, state, resultText),
        (thrown) => failed(failureOf(thrown, this.#request)),
      );
    }
    return this.#judge(validation, where, state, resultText);
  }

  /** Waits for an asynchronous handler, no longer than the turn may last (U3). */
  wait(running: PromiseLike<unknown>): Promise<TurnOutcome> {
    const { definition, message, services } = this.#request;
    const timeoutMs = this.#method.timeoutMs ?? definition.turnMsMax;
    return new Promise((resolve) => {
      const interrupt = (error: TroupeError) => {
        cancel();
        this.isOver = true;
        this.#abort?.abort(error);
        resolve(failed(error));
      };
      const cancel = services.clock.after(timeoutMs, () =>
        interrupt(
          new TroupeError("TURN_TIMEOUT", `${definition.type}.${message.method} took longer than ${timeoutMs} ms`),
        ),
      );
      if (message.kind === "ask") message.interrupt = interrupt;
      if (message.kind === "ask" && message.isWithdrawn === true) interrupt(withdrawn());
      const settle = (outcome: TurnOutcome | Promise<TurnOutcome>) => {
        cancel();
        resolve(outcome);
      };
      running.then(
        (result) => settle(this.isOver ? failed(turnOver()) : this.#tryEnd(result)),
        (thrown) => {
          this.isOver = true;
          settle(failed(failureOf(thrown, this.#request)));
        },
      );
    });
  }

  #tryEnd(result: unknown): TurnOutcome | Promise<TurnOutcome> {
    try {
      return this.end(result);
    } catch (thrown) {
      return failed(failureOf(thrown, this.#request));
    }
  }

  #judge(validation: Validation<unknown>, where: string, state: unknown, resultText: string | undefined): TurnOutcome {
    if (validation.kind === "valid") return this.#done(state, true, resultText);
    const text = `after ${where} the state is not what its schema says: ${printIssues(validation.issues)}`;
    return failed(new TroupeError("STATE_INVALID", text, { data: { issues: validation.issues } }));
  }

  #done(state: unknown, isChanged: boolean, resultText: string | undefined): TurnOutcome {
    const sendings = this.#sendings ?? noSendings;
    return { kind: "done", state, isChanged, stateText: this.#stateText, sendings, resultText };
  }

  #finalState(where: string): unknown {
    if (this.#replacement !== undefined) {
      const text = printJson(this.#replacement.state, "STATE_INVALID", `the state that ${where} assigned`);
      this.#stateText = text; // U6
      return text === undefined ? undefined : JSON.parse(text);
    }
    return this.#finalize === undefined ? this.#base : this.#finalize();
  }

  #tell(definition: AnyActor, to: string, methodName: string, input: unknown): void {
    this.#checkMayChange("tell");
    const inputText = checkedInput(definition, methodName, input);
    this.#checkSize(to, inputText, messageHeaderBytesMax);
    this.#send({ to, pool: definition.pool, method: methodName, inputText, trace: activeTraceparent() });
  }

  /** Tells what every actor understands by itself. */
  #tellOwn(definition: AnyActor, id: string, method: string, input: object): void {
    this.#checkMayChange("tell");
    const to = keyOf({ type: definition.type, id });
    const inputText = JSON.stringify(input);
    this.#checkSize(to, inputText, messageHeaderBytesMax);
    this.#send({ to, pool: definition.pool, method, inputText, trace: activeTraceparent() });
  }

  #setTimer(method: string, options: TimerOptions, when: () => TimerWhen): void {
    this.#checkMayChange("set a timer");
    const { definition, self } = this.#request;
    const inputText = checkedInput(definition, method, options?.input);
    if (definition.methods[method]?.kind === "query") {
      throw new TroupeError("METHOD_NOT_TELLABLE", `${definition.type}.${method} is a query; nobody would hear it`);
    }
    const timer = checkedTimerName(options?.name, method);
    const sets = { method, inputText, when: when() };
    this.#checkSize(keyOf(self), inputText, timerHeaderBytesMax);
    const names = this.#timerNames();
    if (!names.has(timer) && names.size >= timersMax) {
      const text = `${printAddress(self)} has ${timersMax} timers already; ${JSON.stringify(timer)} is one too many`;
      throw new TroupeError("TIMERS_FULL", text);
    }
    names.add(timer);
    this.#send({ timer, sets, trace: activeTraceparent() });
  }

  #timerNames(): Set<string> {
    const { services, message } = this.#request;
    this.#timers ??= new Set(
      Object.keys(withoutFired(services.timers, message.kind === "tell" ? message.timer : undefined)),
    );
    return this.#timers;
  }

  #send(sending: Sending): void {
    this.#sendings ??= [];
    this.#sendings.push(sending);
  }

  #checkSize(to: string, inputText = "", headerBytesMax: number): void {
    const { payloadBytesMax } = this.#request.services;
    // A character takes 3 bytes at most: the bytes are counted only when that could be too much.
    if (inputText.length * 3 + headerBytesMax <= payloadBytesMax) return;
    if (Buffer.byteLength(inputText) + headerBytesMax <= payloadBytesMax) return;
    throw new TroupeError("PAYLOAD_TOO_LARGE", `a message to ${to} is larger than ${payloadBytesMax} bytes`);
  }

  #checkMayChange(what: string): void {
    this.#checkOpen();
    if (this.#method.kind !== "query") return;
    throw new TroupeError("QUERY_CHANGED_STATE", `a query cannot ${what}; it only reads`);
  }

  #checkOpen(): void {
    if (this.isOver || this.#request.services.lost.aborted) throw turnOver();
  }
}
