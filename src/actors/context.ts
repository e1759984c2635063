// What a handler is given.

import type { ActorAddress } from "../core/ids.ts";
import { addressOf } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { ActorDefinition, MethodTable } from "./definition.ts";
import type { MemoryInQuery, MemoryInTurn } from "./memory-context.ts";
import type { Message } from "./message.ts";
import type { QueryRef, TurnRef } from "./ref.ts";
import type { CronOptions, EveryOptions, TellLaterOptions } from "./timer.ts";

/** Who sent the message: another actor, or a client. */
export type Caller = { readonly kind: "actor"; readonly actor: ActorAddress } | { readonly kind: "client" };

export type DeepReadonly<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

interface CommonContext {
  readonly self: ActorAddress;
  readonly caller: Caller;
  /** Names this message: the same at each run of it. */
  readonly messageId: string;
  /** Aborts when the turn's time is over, or when this worker no longer owns the actor. */
  readonly signal: AbortSignal;
  /** Carries the actor, the message id and the trace id as fields. */
  readonly log: Logger;
}

/** In a handler. */
export interface TurnContext<State> extends CommonContext {
  /** What is remembered. Throws MEMORY_MISSING when the definition has no `memory`. */
  readonly memory: MemoryInTurn;
  /** A draft: change it in place, or assign a new state. Committed when the handler returns, discarded when it throws. */
  state: State;
  /** Another actor: `tell` goes out if and only if this turn commits, `ask` waits for the answer. */
  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): TurnRef<M>;
  /**
   * The same, and makes this actor its parent if this turn commits: when the other's supervision escalates, the method of
   * this one that `onChildFailure` names is told. Spawning again changes nothing; the last parent counts.
   */
  spawn<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): TurnRef<M>;
  /**
   * Stops another actor, a child as a rule, if this turn commits. It starts again with `troupe resume` (`ActorRef.resume`). Of the
   * reason the first 1,024 characters are kept; throws PAYLOAD_TOO_LARGE when it is more than a message may hold.
   */
  stop<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string, reason?: string): void;
  /**
   * Runs `fn` once for this message and keeps its result (as JSON) with the actor's state before it goes on, so that a
   * turn that is repeated after a crash does not pay for a model call twice. `name` is unique within the turn. What
   * throws is not kept. For an ask without an idempotency key nothing is kept, since it is never repeated.
   */
  step<T>(name: string, fn: (signal: AbortSignal) => T | Promise<T>): Promise<T>;
  /** The time by this worker's clock. A turn that is run again sees another. Unit: ms since the epoch. */
  now(): number;
  /** Resolves after so much of this turn's time, or at once when it or `signal` aborts. For longer, set a timer. Unit: ms. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * The central state store. What is changed there stands at once, whatever becomes of this turn, and a turn that is run again
   * does it again; its changes name this actor. Opened by the first call in the worker: rejects as that does.
   */
  states(): Promise<StateStore>;
  /**
   * What this turn has told, spawned, stopped, timed and written to memory so far is not sent: for a handler that goes on after
   * a failure.
   */
  takeBack(): void;
  /**
   * Tells this actor's own `method` once, at a time or after a while. It is set if and only if this turn commits, replaces
   * the timer of the same name, and fires also while no worker is alive. An actor has at most 64 timers (TIMERS_FULL).
   * Throws TIMER_INVALID, METHOD_UNKNOWN, METHOD_NOT_TELLABLE, INPUT_INVALID, INPUT_NOT_JSON.
   */
  tellLater(method: string, options: TellLaterOptions): void;
  /**
   * As `tellLater`, again and again. Of several firings that the actor has not come to, because it is slow or no worker was
   * alive, it gets the last one alone.
   */
  every(method: string, options: EveryOptions): void;
  /** As `every`, by a cron expression: `ctx.cron("report", { cron: "0 9 * * MON-FRI", timeZone: "Europe/Berlin" })`. */
  cron(method: string, options: CronOptions): void;
  /** From the commit of this turn on the timer does not fire any more. One that is not there is none to cancel. */
  cancelTimer(name: string): void;
}

/** In a query. */
export interface QueryContext<State> extends CommonContext {
  /** What is remembered; a query only reads. Throws MEMORY_MISSING when the definition has no `memory`. */
  readonly memory: MemoryInQuery;
  /** The committed state. */
  readonly state: DeepReadonly<State>;
  actor<S, M extends MethodTable<S>>(definition: ActorDefinition<S, M>, id: string): QueryRef<M>;
}

export function callerOf({ from }: Pick<Message, "from">): Caller {
  const actor = from === undefined ? undefined : addressOf(from);
  return actor === undefined ? { kind: "client" } : { kind: "actor", actor };
}
