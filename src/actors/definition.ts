// What a user writes: an actor's type, its state and its methods. Everything is inferred from the schemas and the
// handlers; nothing is written twice.

import { TroupeError } from "../core/errors.ts";
import { checkName } from "../core/ids.ts";
import type { InputOf, OutputOf, Schema } from "../core/schema.ts";
import type { Upcasters } from "../core/upcast.ts";
import type { QueryContext, TurnContext } from "./context.ts";
import type { ErrandTable, EventsOf, Mirror } from "./errand.ts";
import type { Chained } from "./evolution.ts";
import { checkUpcasters } from "./evolution.ts";
import type { ActorMemory, MemoryOptions } from "./memory-options.ts";
import { resolveMemory } from "./memory-options.ts";
import type { FailurePolicy } from "./supervision.ts";
import { faultOfPolicy } from "./supervision.ts";

export interface HandlerOptions {
  /** The turn fails with TURN_TIMEOUT and `ctx.signal` aborts after this. Unit: ms. Default: the actor's `turnMsMax`. */
  readonly timeoutMs?: number;
}

/** A method that may change the state: told or asked. Runs alone, one turn at a time per actor. */
export interface Handler<State, Input, Output> {
  readonly kind: "handler";
  readonly schema: Schema | undefined;
  readonly timeoutMs: number | undefined;
  readonly run: (ctx: TurnContext<State>, input: Input) => Output;
}

/** A method that only reads the committed state: asked. Never waits for a turn. */
export interface Query<State, Input, Output> {
  readonly kind: "query";
  readonly schema: Schema | undefined;
  readonly timeoutMs: number | undefined;
  readonly run: (ctx: QueryContext<NoInfer<State>>, input: Input) => Output;
}

export type Method<State, Input, Output> = Handler<State, Input, Output> | Query<State, Input, Output>;
/** Any method of an actor with this state: what a table of methods may hold. */
export type AnyMethod<State> = Handler<State, never, unknown> | Query<State, never, unknown>;
export type MethodTable<State> = Readonly<Record<string, AnyMethod<State>>>;

/** What a failed tell leads to: tried again with exponential backoff and jitter, then kept as a dead letter. */
export interface RetryOptions {
  /** Runs of one message in all. Default 5. */
  readonly attempts?: number;
  /** Wait before the second run; doubles with each one. Unit: ms. Default 100. */
  readonly backoffMs?: number;
  /** Longest wait. Unit: ms. Default 5,000. */
  readonly backoffMsMax?: number;
}

export interface ActorOptions<State, Ups extends Upcasters = Upcasters> {
  /** Any Standard Schema (zod, valibot, ...) of an object or an array. Checked when state is read and after each turn. */
  readonly state: Schema<unknown, State>;
  /** The state of an actor that nobody has written yet; a function is given the actor's id. */
  readonly initial: NoInfer<State> | ((id: string) => NoInfer<State>);
  /** Number of the state's form, stored with each state. Raise it by one when the form changes. Default 1. */
  readonly schema?: number;
  /**
   * Lead states that older code has stored to today's form: upcaster n from schema number n to n + 1, from the lowest
   * that may be stored up to `schema`. Write the type of what each takes.
   */
  readonly upcasters?: Ups & Chained<NoInfer<Ups>, NoInfer<State>>;
  /**
   * The pool of workers that its actors live in, by a name of its own for what needs other machines (`gpu`), or must not
   * wait for the rest. A type stays in its pool for good. Default: that of the client or worker (`main`).
   */
  readonly pool?: string;
  /** Longest turn. Unit: ms. Default 60,000. */
  readonly turnMsMax?: number;
  /** An activation that had nothing to do for so long is passivated. Unit: ms. Default 600,000. */
  readonly idleMsMax?: number;
  readonly retry?: RetryOptions;
  /**
   * What a told message leads to that still fails after its retries: kept as a dead letter, the actor stopped, or its
   * parent told (see `TurnContext.spawn`). A function judges each failure, and may say "retry". Default "dead-letter".
   */
  readonly onFailure?: FailurePolicy;
  /**
   * An ask that comes back to this actor while one of its turns waits for what it asked has a turn of its own, instead of
   * failing with ASK_CYCLE, unless the waiting turn has changed the state before it asked. The waiting turn then goes on
   * with what that one has left: read `ctx.state` again after each `await`. Default false.
   */
  readonly reentrant?: boolean;
  /** What its turns leave in the memory, and what they are brought of it; `{}` for all defaults. Default: nothing. */
  readonly memory?: MemoryOptions;
  /**
   * Shows what its actors are doing in the central state store, as `agentStatus` under `agentStatusId(actor)`: idle, working, waiting for
   * an answer or for another attempt, failed (a told message was given up on), stopped. Kept by whoever owns the actor, some 300 ms
   * late; what lasts shorter is not shown. Default false.
   */
  readonly status?: boolean;
  /** The handler that is told of failures that this actor's children escalate; its schema is `childFailure`. */
  readonly onChildFailure?: string;
  /** What those are told of the definition that have not its code. Default: nothing. */
  readonly outline?: Outline;
}

/** Of a definition, as data: workers that have it keep it on the server, one for each version. */
export interface Outline {
  readonly version: number;
  /** What JSON can carry. */
  readonly value: unknown;
}

export interface ActorDefinition<State, Methods extends MethodTable<State>> {
  readonly type: string;
  readonly state: Schema<unknown, State>;
  readonly initial: (id: string) => State;
  readonly schema: number;
  readonly upcasters: Upcasters;
  readonly methods: Methods;
  readonly pool: string | undefined;
  readonly turnMsMax: number;
  readonly idleMsMax: number;
  readonly retry: Required<RetryOptions>;
  readonly onFailure: FailurePolicy;
  readonly onChildFailure: string | undefined;
  readonly isReentrant: boolean;
  readonly keepsStatus: boolean;
  readonly memory: ActorMemory | undefined;
  readonly outline: Outline | undefined;
}

/** A definition whose state and methods do not matter: what a worker is given a list of. */
export interface AnyActor {
  readonly type: string;
  readonly state: Schema;
  readonly initial: (id: string) => unknown;
  readonly schema: number;
  readonly upcasters: Upcasters;
  readonly methods: Readonly<Record<string, AnyMethod<never>>>;
  readonly pool: string | undefined;
  readonly turnMsMax: number;
  readonly idleMsMax: number;
  readonly retry: Required<RetryOptions>;
  readonly onFailure: FailurePolicy;
  readonly onChildFailure: string | undefined;
  readonly isReentrant: boolean;
  readonly keepsStatus: boolean;
  readonly memory: ActorMemory | undefined;
  readonly outline: Outline | undefined;
  /** What Troupe's own actors do beside their turns, and show and tell of their state: `withErrands`. */
  readonly begins?: string;
  readonly errands?: ErrandTable;
  readonly mirror?: Mirror;
  readonly eventsOf?: EventsOf;
  readonly isOver?: (state: unknown) => boolean;
}

export const actorDefaults = Object.freeze({
  turnMsMax: 60_000,
  idleMsMax: 600_000,
  retry: Object.freeze({ attempts: 5, backoffMs: 100, backoffMsMax: 5_000 }),
  onFailure: "dead-letter" as const,
});

/** A method with an argument, validated by `schema`. */
export function handler<State, S extends Schema<unknown, unknown>, Output>(
  schema: S,
  run: (ctx: TurnContext<State>, input: OutputOf<S>) => Output,
  options?: HandlerOptions,
): Handler<State, InputOf<S>, Output>;
/** A method without an argument. */
export function handler<State, Output>(
  run: (ctx: TurnContext<State>) => Output,
  options?: HandlerOptions,
): Handler<State, undefined, Output>;
export function handler(first: unknown, second?: unknown, third?: unknown): unknown {
  return methodOf("handler", first, second, third);
}

/** A question with an argument, validated by `schema`. Sees the committed state and changes nothing. */
export function query<State, S extends Schema<unknown, unknown>, Output>(
  schema: S,
  run: (ctx: QueryContext<State>, input: OutputOf<S>) => Output,
  options?: HandlerOptions,
): Query<State, InputOf<S>, Output>;
/** A question without an argument. */
export function query<State, Output>(
  run: (ctx: QueryContext<State>) => Output,
  options?: HandlerOptions,
): Query<State, undefined, Output>;
export function query(first: unknown, second?: unknown, third?: unknown): unknown {
  return methodOf("query", first, second, third);
}

/**
 * Defines an actor type. `type` and the methods' names start with a letter and hold letters, digits, `_` and `-`, at
 * most 64. Throws NAME_INVALID or DEFINITION_INVALID.
 *
 * Two actors that call each other: write the return type of the handlers that do, as TypeScript cannot infer in a circle.
 */
export function defineActor<State, Methods extends MethodTable<State>, Ups extends Upcasters = Upcasters>(
  type: string,
  options: ActorOptions<State, Ups>,
  methods: Methods,
): ActorDefinition<State, Methods> {
  checkName("an actor type", type);
  const { state, initial } = options;
  if (!isSchema(state)) throw invalid(type, "`state` must be a Standard Schema");
  if (initial === undefined) throw invalid(type, "`initial` is missing");
  const schema = positive(type, "schema", options.schema ?? 1);
  const upcasters: Upcasters = Object.freeze({ ...options.upcasters });
  checkUpcasters(type, schema, upcasters);
  for (const [name, method] of Object.entries(methods)) {
    checkName(`a method of ${type}`, name);
    if (reserved.has(name)) throw invalid(type, `a method cannot be called \`${name}\``);
    if (method?.kind !== "handler" && method?.kind !== "query") {
      throw invalid(type, `the method \`${name}\` is neither handler(...) nor query(...)`);
    }
  }
  const { onFailure = actorDefaults.onFailure, onChildFailure } = options;
  const policyFault = faultOfPolicy(onFailure);
  if (policyFault !== undefined) throw invalid(type, `${policyFault}, got ${String(onFailure)}`);
  if (onChildFailure !== undefined && methods[onChildFailure]?.kind !== "handler") {
    throw invalid(type, `\`onChildFailure\` names no handler of it: ${String(onChildFailure)}`);
  }
  return Object.freeze({
    type,
    state,
    schema,
    upcasters,
    methods,
    initial: typeof initial === "function" ? (initial as (id: string) => State) : () => initial as State,
    pool: options.pool === undefined ? undefined : checkName(`the pool of ${type}`, options.pool),
    turnMsMax: positive(type, "turnMsMax", options.turnMsMax ?? actorDefaults.turnMsMax),
    idleMsMax: positive(type, "idleMsMax", options.idleMsMax ?? actorDefaults.idleMsMax),
    retry: {
      attempts: positive(type, "retry.attempts", options.retry?.attempts ?? actorDefaults.retry.attempts),
      backoffMs: positive(type, "retry.backoffMs", options.retry?.backoffMs ?? actorDefaults.retry.backoffMs),
      backoffMsMax: positive(
        type,
        "retry.backoffMsMax",
        options.retry?.backoffMsMax ?? actorDefaults.retry.backoffMsMax,
      ),
    },
    onFailure,
    onChildFailure,
    isReentrant: options.reentrant === true,
    keepsStatus: options.status === true,
    memory: options.memory === undefined ? undefined : resolveMemory(type, options.memory, methods),
    outline: options.outline,
  });
}

// `then` would make the table of methods look like a promise; the others stand on every object.
const reserved = new Set(["then", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "__proto__"]);

function methodOf(kind: "handler" | "query", first: unknown, second: unknown, third: unknown): unknown {
  const hasSchema = isSchema(first);
  const run = hasSchema ? second : first;
  const options = (hasSchema ? third : second) as HandlerOptions | undefined;
  if (typeof run !== "function") {
    throw new TroupeError("DEFINITION_INVALID", `${kind}(...) takes a schema and a function, or a function alone`);
  }
  const timeoutMs = options?.timeoutMs === undefined ? undefined : positive(kind, "timeoutMs", options.timeoutMs);
  return Object.freeze({ kind, schema: hasSchema ? first : undefined, timeoutMs, run });
}

function isSchema(value: unknown): value is Schema {
  const isHolder = (typeof value === "object" && value !== null) || typeof value === "function";
  return isHolder && "~standard" in value;
}

function positive(type: string, name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw invalid(type, `\`${name}\` must be a whole number of 1 or more, got ${String(value)}`);
}

function invalid(type: string, what: string): TroupeError {
  return new TroupeError("DEFINITION_INVALID", `actor ${type}: ${what}`);
}
