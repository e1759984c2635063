// An actor as others see it: an address with typed methods.

import type { Json } from "../core/codec.ts";
import type { AnyMethod, Handler, MethodTable, Query } from "./definition.ts";

export interface AskOptions {
  /** The promise rejects with ASK_TIMEOUT or ASK_UNREACHABLE after this. Unit: ms. Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * Makes an ask safe to repeat: the reply is kept in the actor's committed value (the last 64), and the same key gets
   * the same reply again without running the handler. Any non-empty string up to 256 bytes.
   */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface TellOptions {
  /**
   * The promise rejects after this; earlier with OUTCOME_UNKNOWN when the message may be stored and the server, which knows the ids of the
   * last two minutes, could store it twice. Unit: ms. Default 10,000.
   */
  readonly timeoutMs?: number;
}

/** Where a told message stands in the mail stream. */
export interface Receipt {
  readonly sequence: number;
}

/** A value after a trip through JSON. `Json` itself, of which facts are, has no end that could be walked to. */
export type Wire<T> = [T] extends [Json]
  ? T
  : T extends { toJSON(): infer J }
    ? Wire<J>
    : T extends (...args: never[]) => unknown
      ? never
      : T extends object
        ? { [K in keyof T]: Wire<T[K]> }
        : T;

type Arguments<Input, Options> = [Input] extends [undefined]
  ? [input?: undefined, options?: Options]
  : undefined extends Input
    ? [input?: Input, options?: Options]
    : [input: Input, options?: Options];

type InputOfMethod<M> =
  M extends Handler<never, infer I, unknown> ? I : M extends Query<never, infer I, unknown> ? I : never;
type OutputOfMethod<M> = M extends { readonly run: (ctx: never, input: never) => infer O } ? Wire<Awaited<O>> : never;

/** The names of the methods that may be told: queries answer, so they cannot. */
export type TellableName<Methods> = {
  [K in keyof Methods]: Methods[K] extends { readonly kind: "handler" } ? K : never;
}[keyof Methods];

export type AskTable<Methods> = {
  readonly [K in keyof Methods]: (
    ...args: Arguments<InputOfMethod<Methods[K]>, AskOptions>
  ) => Promise<OutputOfMethod<Methods[K]>>;
};

/** Telling from a client: resolves when the server has the message. */
export type TellTable<Methods> = {
  readonly [K in TellableName<Methods>]: (
    ...args: Arguments<InputOfMethod<Methods[K]>, TellOptions>
  ) => Promise<Receipt>;
};

/** Telling from a turn: it is sent if and only if the turn commits. */
export type OutboxTable<Methods> = {
  readonly [K in TellableName<Methods>]: (...args: Arguments<InputOfMethod<Methods[K]>, never>) => void;
};

/** What a turn sees of another actor. */
export interface TurnRef<Methods> {
  readonly type: string;
  readonly id: string;
  readonly ask: AskTable<Methods>;
  readonly tell: OutboxTable<Methods>;
}

/** What a query sees of another actor. */
export interface QueryRef<Methods> {
  readonly type: string;
  readonly id: string;
  readonly ask: AskTable<Methods>;
}

export type Send<Options> = (method: string, input: unknown, options: Options | undefined) => unknown;

/** No method has this name, whatever a user calls theirs. */
const sendKey = Symbol("send");

interface TableOwner<Options> {
  readonly [sendKey]: Send<Options>;
}

const tables = new WeakMap<object, Readonly<Record<"ask" | "tell", object>>>();

/**
 * The methods of a definition as functions that call `send`. Made once per definition as a prototype, so that a ref
 * costs two small objects and no proxy.
 */
export function methodTable<Options>(methods: MethodTable<never>, verb: "ask" | "tell", send: Send<Options>): object {
  let both = tables.get(methods);
  if (both === undefined) {
    const isHandler = (method: AnyMethod<never>) => method.kind === "handler";
    both = { ask: prototypeOf(methods, () => true), tell: prototypeOf(methods, isHandler) };
    tables.set(methods, both);
  }
  return Object.create(both[verb], { [sendKey]: { value: send } }) as object;
}

function prototypeOf(methods: MethodTable<never>, isIncluded: (method: AnyMethod<never>) => boolean): object {
  const prototype = Object.create(null) as Record<string, unknown>;
  for (const [name, method] of Object.entries(methods)) {
    if (!isIncluded(method)) continue;
    prototype[name] = function (this: TableOwner<unknown>, input: unknown, options: unknown) {
      return this[sendKey](name, input, options);
    };
  }
  return prototype;
}
