// One turn: validate the input, run the handler on a draft of the state, collect what it sends. Effects on the world
// (asks, kept steps) go through the services that the shell hands in.
//
//   U1. A turn that fails changes nothing and sends nothing: the draft and what was collected are dropped.
//   U2. A handler that is not asynchronous ends within the call, so that a hot actor pays for no promise.
//   U3. When the time is over the turn has failed, whatever the handler does later: its context refuses everything.
//   U4. What is answered and sent is turned into JSON at the moment it is given, so that later changes cannot reach it.

import { create } from "mutative";
import type { Clock } from "../core/clock.ts";
import { decodeText, printJson } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { addressOf, keyOf, printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { Validation } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { Traceparent } from "../core/trace.ts";
import { activeTraceparent } from "../core/trace.ts";
import type { Caller } from "./context.ts";
import type { AnyActor, AnyMethod } from "./definition.ts";
import type { Message } from "./message.ts";
import type { AskOptions } from "./ref.ts";
import { methodTable } from "./ref.ts";

/** What a turn may do to the world. */
export interface TurnServices {
  readonly clock: Clock;
  /** Aborts when this worker no longer owns the actor. */
  readonly lost: AbortSignal;
  log(message: Message): Logger;
  ask(asker: Message, question: Question): Promise<unknown>;
  /** The JSON that an earlier run of this message kept under the name. */
  findStep(message: Message, name: string): string | undefined;
  /** Resolves when the result is stored. */
  keepStep(message: Message, name: string, text: string): Promise<void>;
  /** Largest message. Unit: bytes. */
  readonly payloadBytesMax: number;
}

/** What a turn asks another actor. */
export interface Question {
  readonly definition: AnyActor;
  readonly id: string;
  readonly method: string;
  readonly input: unknown;
  readonly options: AskOptions | undefined;
}

export interface TurnRequest {
  readonly definition: AnyActor;
  readonly self: ActorAddress;
  readonly message: Message;
  readonly state: unknown;
  readonly services: TurnServices;
}

/** A message to another actor, before it has a number. */
export interface Sending {
  readonly to: string;
  readonly method: string;
  readonly inputText: string | undefined;
  /** The span of the handler's own in which it was sent; undefined when nothing is traced. */
  readonly trace: Traceparent | undefined;
}

export type TurnOutcome =
  | {
      readonly kind: "done";
      readonly state: unknown;
      readonly isChanged: boolean;
      readonly sendings: readonly Sending[];
      /** JSON of the answer; undefined for nothing, and when nobody asked. */
      readonly resultText: string | undefined;
    }
  | { readonly kind: "failed"; readonly error: TroupeError };

const noSendings: readonly Sending[] = [];

/** Runs a handler or a query; never throws. A promise only when the handler or a schema is asynchronous (U2). */
export function runTurn(request: TurnRequest): TurnOutcome | Promise<TurnOutcome> {
  const { definition, message } = request;
  try {
    const method = methodOf(definition, message.method);
    if (message.kind === "tell" && method.kind === "query") {
      throw new TroupeError(
        "METHOD_NOT_TELLABLE",
        `${definition.type}.${message.method} is a query; nobody would hear it`,
      );
    }
    const input = decodeInput(message.payload, definition.type, message.method);
    if (method.schema === undefined) {
      if (input === undefined || input === null) return execute(request, method, undefined);
      return failed(new TroupeError("INPUT_INVALID", `${definition.type}.${message.method} takes no argument`));
    }
    const validation = validate(method.schema, input);
    if (!(validation instanceof Promise)) return enter(request, method, validation);
    return validation.then(
      (settled) => enter(request, method, settled),
      (thrown) => failed(failureOf(thrown, request)),
    );
  } catch (thrown) {
    return failed(isTroupeError(thrown) ? thrown : failureOf(thrown, request));
  }
}

function enter(request: TurnRequest, method: AnyMethod<never>, validation: Validation<unknown>) {
  if (validation.kind === "valid") return execute(request, method, validation.value);
  return failed(inputInvalid(request.definition.type, request.message.method, validation.issues));
}

/** The method of that name. Throws METHOD_UNKNOWN. */
export function methodOf(definition: AnyActor, name: string): AnyMethod<never> {
  const method = Object.hasOwn(definition.methods, name) ? definition.methods[name] : undefined;
  if (method !== undefined) return method;
  const known = Object.keys(definition.methods).join(", ");
  throw new TroupeError("METHOD_UNKNOWN", `${definition.type} has no method ${name}; it has ${known}`);
}

function decodeInput(payload: Message["payload"], type: string, method: string): unknown {
  if (payload === undefined || payload.length === 0) return undefined;
  try {
    return JSON.parse(typeof payload === "string" ? payload : decodeText(payload));
  } catch (thrown) {
    throw new TroupeError("INPUT_INVALID", `the argument of ${type}.${method} is not JSON: ${messageOf(thrown)}`);
  }
}

/** The error for an argument that a schema refuses. */
export function inputInvalid(
  type: string,
  method: string,
  issues: readonly { readonly path: string; readonly message: string }[],
): TroupeError {
  return new TroupeError("INPUT_INVALID", `${type}.${method} does not accept this argument: ${printIssues(issues)}`, {
    data: { issues },
  });
}

function execute(request: TurnRequest, method: AnyMethod<never>, input: unknown): TurnOutcome | Promise<TurnOutcome> {
  const turn = new Turn(request, method);
  try {
    // The table of methods is typed where it is defined; here any method meets any input that its schema accepted.
    const run = method.run as (ctx: unknown, input: unknown) => unknown;
    const result = run(turn, input);
    return isThenable(result) ? turn.wait(result) : turn.end(result);
  } catch (thrown) {
    turn.isOver = true;
    return failed(failureOf(thrown, request));
  }
}

/** The context that a handler is given: both TurnContext and QueryContext, which differ in what their types allow. */
class Turn {
  readonly #request: TurnRequest;
  readonly #method: AnyMethod<never>;
  #draft: unknown;
  #finalize: (() => unknown) | undefined;
  #replacement: { readonly state: unknown } | undefined;
  #sendings: Sending[] | undefined;
  #steps: Set<string> | undefined;
  #abort: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #log: Logger | undefined;
  isOver = false;

  constructor(request: TurnRequest, method: AnyMethod<never>) {
    this.#request = request;
    this.#method = method;
  }

  get self(): ActorAddress {
    return this.#request.self;
  }
  get caller(): Caller {
    const { from } = this.#request.message;
    const actor = from === undefined ? undefined : addressOf(from);
    return actor === undefined ? { kind: "client" } : { kind: "actor", actor };
  }
  get messageId(): string {
    return this.#request.message.messageId;
  }
  get log(): Logger {
    this.#log ??= this.#request.services.log(this.#request.message);
    return this.#log;
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
      const [draft, finalize] = create(this.#request.state as object);
      this.#draft = draft;
      this.#finalize = finalize;
    }
    return this.#draft;
  }
  set state(state: unknown) {
    this.#checkOpen();
    this.#replacement = { state };
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
        return services.ask(message, { definition, id, method, input, options });
      }),
      tell: methodTable<never>(definition.methods, "tell", (method, input) =>
        this.#tell(definition, to, method, input),
      ),
    };
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

  /** The handler has returned. */
  end(result: unknown): TurnOutcome | Promise<TurnOutcome> {
    this.isOver = true;
    const { definition, message } = this.#request;
    const where = `${definition.type}.${message.method}`;
    const resultText =
      message.kind === "ask" ? printJson(result, "RESULT_INVALID", `what ${where} returned`) : undefined;
    const state = this.#finalState(where);
    const isChanged = state !== this.#request.state;
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
      const cancel = services.clock.after(timeoutMs, () => {
        const text = `${definition.type}.${message.method} took longer than ${timeoutMs} ms`;
        const error = new TroupeError("TURN_TIMEOUT", text);
        this.isOver = true;
        this.#abort?.abort(error);
        resolve(failed(error));
      });
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
    return { kind: "done", state, isChanged, sendings: this.#sendings ?? noSendings, resultText };
  }

  #finalState(where: string): unknown {
    if (this.#replacement !== undefined) {
      const text = printJson(this.#replacement.state, "STATE_INVALID", `the state that ${where} assigned`);
      return text === undefined ? undefined : JSON.parse(text);
    }
    return this.#finalize === undefined ? this.#request.state : this.#finalize();
  }

  #tell(definition: AnyActor, to: string, methodName: string, input: unknown): void {
    this.#checkOpen();
    if (this.#method.kind === "query")
      throw new TroupeError("QUERY_CHANGED_STATE", "a query cannot tell; it only reads");
    const inputText = checkedInput(definition, methodName, input);
    const bytes = (inputText ?? "").length * 3 + to.length + 512;
    const { payloadBytesMax } = this.#request.services;
    if (bytes > payloadBytesMax && Buffer.byteLength(inputText ?? "") + 1_024 > payloadBytesMax) {
      throw new TroupeError("PAYLOAD_TOO_LARGE", `a message to ${to} is larger than ${payloadBytesMax} bytes`);
    }
    this.#sendings ??= [];
    this.#sendings.push({ to, method: methodName, inputText, trace: activeTraceparent() });
  }

  #checkOpen(): void {
    if (this.isOver || this.#request.services.lost.aborted) throw turnOver();
  }
}

/**
 * An input as JSON, after the method's schema has accepted it (when it can say so at once). Throws METHOD_UNKNOWN,
 * INPUT_INVALID or INPUT_NOT_JSON: the door on the sender's side.
 */
export function checkedInput(definition: AnyActor, methodName: string, input: unknown): string | undefined {
  const method = methodOf(definition, methodName);
  if (method.schema === undefined) {
    if (input === undefined) return undefined;
    throw new TroupeError("INPUT_INVALID", `${definition.type}.${methodName} takes no argument`);
  }
  const validation = validate(method.schema, input);
  if (!(validation instanceof Promise) && validation.kind === "invalid") {
    throw inputInvalid(definition.type, methodName, validation.issues);
  }
  return printJson(input, "INPUT_NOT_JSON", `the argument of ${definition.type}.${methodName}`);
}

function failureOf(thrown: unknown, request: TurnRequest): TroupeError {
  if (isTroupeError(thrown) && doorCodes.has(thrown.code)) return thrown;
  const where = `${printAddress(request.self)} ${request.message.method}`;
  const message = messageOf(thrown);
  return new TroupeError("HANDLER_FAILED", `${where} failed: ${message}`, {
    cause: thrown,
    data: { name: typeof thrown, message, ...ownOf(thrown) },
  });
}

/** What a handler's own error says of itself, as far as it lets itself be looked at. */
function ownOf(thrown: unknown): object {
  try {
    const { name, code, data } = (thrown ?? {}) as Record<"name" | "code" | "data", unknown>;
    return {
      ...(thrown instanceof Error && typeof name === "string" ? { name } : {}),
      ...(typeof code === "string" ? { code } : {}),
      ...(data === undefined ? {} : { data: jsonOf(data) }),
    };
  } catch {
    // A getter of it has thrown: name and message have to do.
    return {};
  }
}

// What a turn's own doors refuse keeps its code; what others answered to the handler is the handler's failure.
const doorCodes = new Set(["RESULT_INVALID", "STATE_INVALID", "STEP_REPEATED", "QUERY_CHANGED_STATE", "TURN_OVER"]);

function jsonOf(data: unknown): unknown {
  try {
    const text = JSON.stringify(data);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // An error's extra data that JSON cannot carry is left out; the error itself still arrives.
    return undefined;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

const failed = (error: TroupeError): TurnOutcome => ({ kind: "failed", error });
const turnOver = () => new TroupeError("TURN_OVER", "this turn has ended");
