// Errands: work that a turn has ordered, done beside the actor's turns, which go on meanwhile. For what Troupe's own actors do; a
// handler has `ctx.actor`.
//
//   E1. An errand begins when the commit that ordered it stands, never before, and again wherever its actor is activated while it
//       stands: at least once. Nothing is ever done that no committed value knows of.
//   E2. Its end is a turn of its actor, whose commit takes it out of the outbox: it ends exactly once. An end whose errand
//       stands no more has no effect.
//   E3. What it tells others is sent with the commit that takes its end, or not at all (P3).
//   E4. What its steps have kept stands with it, until it has ended.
//   E5. One that comes to no end, or whose end its actor does not take, stops its actor after some tries (two minutes): it holds the
//       mail of its partition, and a person has to know. What passes by itself, as a full disk, is waited for without end.

import type { RuntimeEvent } from "../core/events.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { StateStore } from "../memory/state-store.ts";
import type { TurnContext } from "./context.ts";
import type { AnyActor } from "./definition.ts";

/** What an errand is given, all as in a turn. */
export type ErrandContext = Pick<
  TurnContext<never>,
  "self" | "signal" | "log" | "actor" | "step" | "now" | "delay" | "states" | "takeBack"
>;

/** How it has ended: the method of the actor that takes the end, and what that is given. */
export interface ErrandEnd {
  readonly method: string;
  /** What JSON can carry, and nobody else's: it is not copied. */
  readonly input: unknown;
}

export interface Errand<State = never, Input = never> {
  /**
   * `state`: as it is committed when this run begins; not to be changed. What throws is no end: it is run again after a while,
   * until it ends or stands no more.
   */
  readonly run: (ctx: ErrandContext, input: Input, state: State) => ErrandEnd | Promise<ErrandEnd>;
  /** How it ends when its end cannot be committed, being too large as a rule. */
  readonly refused: (input: Input, error: unknown) => ErrandEnd;
  /** What is told of one run of it, to who listens to the worker's events. */
  readonly eventOf: (self: ActorAddress, input: Input, run: ErrandRun) => RuntimeEvent;
}

/** One run of an errand. */
export interface ErrandRun {
  readonly durationMs: number;
  /** What it has come to, or has thrown. */
  readonly came: ErrandEnd | { readonly code: string; readonly message: string };
}

export type ErrandTable = Readonly<Record<string, Errand>>;

/** A turn as Troupe's own actors see it, beside what users do. */
export interface OwnTurn {
  /** The state before it, not a draft of it: not to be changed. */
  readonly stateBefore: unknown;
  /** Orders an errand, to begin when this turn is committed. */
  errand(name: string, input: unknown): void;
}

/** The same turn, with what users do not see of it. */
export function ownTurn<State>(turn: TurnContext<State>): OwnTurn {
  return turn as TurnContext<State> & OwnTurn;
}

/** What of an actor's state is written to the central state store, where others see it (`mirror.ts` in `runtime`). */
export interface Mirror {
  /** A change of what this gives is written at once, others after a little while. */
  readonly statusOf: (state: unknown) => string;
  /** Whether the state is the first that there is anything of to show. */
  readonly isFirst: (state: unknown) => boolean;
  /** Resolves with what the next write of this activation is to know of it. Rejects as `StateStore` does. */
  readonly write: (news: MirrorNews) => Promise<unknown>;
}

export interface MirrorNews {
  readonly states: StateStore;
  readonly self: ActorAddress;
  readonly state: unknown;
  /** Id of the message that led to it. */
  readonly cause: string;
  /** Unit: ms since the epoch. */
  readonly atMs: number;
  /** What the write before this one has left; undefined in the first of an activation. */
  readonly before: unknown;
  /** When its first state stood, where this activation has seen that and nothing is written yet. Unit: ms since the epoch. */
  readonly bornAtMs: number | undefined;
}

/** What a commit has brought about that its listeners are to hear of, besides that it stands. */
export type EventsOf = (self: ActorAddress, before: unknown, after: unknown, nowMs: number) => readonly RuntimeEvent[];

interface OwnParts {
  /** The method by which an actor begins, as a rule: asked of one that is not in memory, it finds none. */
  readonly begins?: string;
  readonly errands?: ErrandTable;
  readonly mirror?: Mirror | undefined;
  readonly eventsOf?: EventsOf;
  /** Whether an actor in this state will hardly be needed again: of those only a few stay in memory. */
  readonly isOver?: (state: unknown) => boolean;
}

export function withErrands<A extends AnyActor>(definition: A, parts: OwnParts): A {
  const { begins, errands, mirror, eventsOf, isOver } = parts;
  return Object.freeze({
    ...definition,
    ...(begins === undefined ? {} : { begins }),
    ...(errands === undefined ? {} : { errands }),
    ...(mirror === undefined ? {} : { mirror }),
    ...(eventsOf === undefined ? {} : { eventsOf }),
    ...(isOver === undefined ? {} : { isOver }),
  });
}
