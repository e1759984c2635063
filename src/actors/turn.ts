// One turn: validate the input, run the handler on a draft of the state, collect what it sends. Effects on the world
// (asks, kept steps) go through the services that the shell hands in.
//
//   U1. A turn that fails changes nothing and sends nothing: the draft and what was collected are dropped.
//   U2. A handler that is not asynchronous ends within the call, so that a hot actor pays for no promise.
//   U3. When the time is over the turn has failed, whatever the handler does later: its context refuses everything.
//   U4. What is answered and sent is turned into JSON at the moment it is given, so that later changes cannot reach it.
//   U5. Whatever throws within a turn, at once or later (schemas, the functions of `memory`, a thenable of the handler's own),
//       is the turn's failure: it ends nobody else's turn, and no worker.
//   U6. A state that was assigned is printed once, when the handler has returned: what is read back from that is the state, and
//       what is committed is that text. Whoever keeps what was assigned changes neither.

import type { Clock } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { Validation } from "../core/schema.ts";
import { validate } from "../core/schema.ts";
import type { Traceparent } from "../core/trace.ts";
import type { MemoryWrite } from "../memory/memory-write.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { AnyActor, AnyMethod } from "./definition.ts";
import type { Message } from "./message.ts";
import { decodeInput, inputInvalid, methodOf } from "./method-input.ts";
import type { AskOptions } from "./ref.ts";
import type { NewTimer, Timers } from "./timer.ts";
import { Turn } from "./turn-context.ts";
import { failed, failureOf } from "./turn-failure.ts";
import type { MemoryServices, TurnMemory } from "./turn-memory.ts";
import { executeWithMemory } from "./turn-with-memory.ts";

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
  /** The central state store, whose changes are the actor's. */
  states(): Promise<StateStore>;
  /** The actor's timers before this turn. */
  readonly timers: Timers;
  /** Largest message. Unit: bytes. */
  readonly payloadBytesMax: number;
  /** Undefined where no actor remembers. */
  readonly memory?: MemoryServices | undefined;
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
  /** Of an actor that remembers. */
  readonly memory?: TurnMemory;
}

/** What a turn sends and sets, before it has a number. */
export type Sending = MessageSending | TimerSending | MemorySending | ErrandSending;

export interface MessageSending {
  readonly to: string;
  /** The pool that the receiver's type names; undefined when it names none. */
  readonly pool?: string | undefined;
  readonly method: string;
  readonly inputText: string | undefined;
  /** The span of the handler's own in which it was sent; undefined when nothing is traced. */
  readonly trace: Traceparent | undefined;
  readonly timer?: undefined;
}

export interface TimerSending {
  /** The timer's name. */
  readonly timer: string;
  /** Undefined when it is cancelled. */
  readonly sets: NewTimer | undefined;
  readonly trace: Traceparent | undefined;
}

/** What it writes to a memory. */
export interface MemorySending {
  readonly memory: MemoryWrite;
  readonly timer?: undefined;
}

/** What is to be done beside the turns. */
export interface ErrandSending {
  readonly errand: string;
  /** As JSON. */
  readonly inputText: string;
  readonly trace: Traceparent | undefined;
  readonly timer?: undefined;
}

export type TurnOutcome =
  | {
      readonly kind: "done";
      readonly state: unknown;
      readonly isChanged: boolean;
      /** JSON of the state, where the turn has printed it: of a state that is nobody else's. */
      readonly stateText?: string | undefined;
      readonly sendings: readonly Sending[];
      /** JSON of the answer; undefined for nothing, and when nobody asked. */
      readonly resultText: string | undefined;
    }
  | { readonly kind: "failed"; readonly error: TroupeError };

/** Runs a handler or a query. A promise only when the handler or a schema is asynchronous (U2). Never throws, and never rejects (U5). */
export function runTurn(request: TurnRequest): TurnOutcome | Promise<TurnOutcome> {
  try {
    const outcome = begin(request);
    if (!(outcome instanceof Promise)) return outcome;
    return outcome.catch((thrown: unknown) => failed(failureOf(thrown, request)));
  } catch (thrown) {
    return failed(isTroupeError(thrown) ? thrown : failureOf(thrown, request));
  }
}

function begin(request: TurnRequest): TurnOutcome | Promise<TurnOutcome> {
  const { definition, message } = request;
  const method = methodOf(definition, message.method);
  if (message.kind === "tell" && method.kind === "query") {
    throw new TroupeError(
      "METHOD_NOT_TELLABLE",
      `${definition.type}.${message.method} is a query; nobody would hear it`,
    );
  }
  const input = inputOf(request);
  if (method.schema === undefined) {
    if (input === undefined || input === null) return execute(request, method, undefined);
    return failed(new TroupeError("INPUT_INVALID", `${definition.type}.${message.method} takes no argument`));
  }
  const validation = validate(method.schema, input);
  if (!(validation instanceof Promise)) return enter(request, method, validation);
  return validation.then((settled) => enter(request, method, settled));
}

function inputOf({ definition, message }: TurnRequest): unknown {
  const errand = message.kind === "ask" ? message.errand : undefined;
  if (errand?.input === undefined) return decodeInput(message.payload, definition.type, message.method);
  const { input } = errand;
  errand.input = undefined; // What a turn has had in hand, another turn for the same message does not get.
  return input;
}

function enter(request: TurnRequest, method: AnyMethod<never>, validation: Validation<unknown>) {
  if (validation.kind === "valid") return execute(request, method, validation.value);
  return failed(inputInvalid(request.definition.type, request.message.method, validation.issues));
}

function execute(request: TurnRequest, method: AnyMethod<never>, input: unknown): TurnOutcome | Promise<TurnOutcome> {
  const { memory } = request.definition;
  if (memory === undefined) return runHandler(request, method, input);
  return executeWithMemory(request, memory, method, input, (remembering) => runHandler(remembering, method, input));
}

function runHandler(
  request: TurnRequest,
  method: AnyMethod<never>,
  input: unknown,
): TurnOutcome | Promise<TurnOutcome> {
  const turn = new Turn(request, method);
  if (request.definition.isReentrant) {
    request.message.turn = turn;
    request.message.turnId = undefined;
  }
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
