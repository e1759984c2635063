// How a state that older code has written becomes one of today. Pure; whoever reads states by a definition reads them here.
//
//   E1. A state of schema number n goes through the upcasters n, n + 1, … up to the definition's number, and what comes
//       out is checked by today's schema before an actor sees it.
//   E2. Reading writes nothing: the actor's next commit writes the state under the definition's number.
//   E3. What cannot be led there is refused with the actor, the numbers and the reason, never guessed: STATE_TOO_NEW,
//       STATE_TOO_OLD, UPCAST_FAILED, STATE_INVALID.
//   E4. What an upcaster has made goes through JSON before anything else sees it: what is accepted is what can be stored.

import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";

/** Leads a state from one schema number to the next. Synchronous. May change what it is given; returns the state. */
export type Upcaster = (state: never) => unknown;
/** By the schema number that each leads on from. */
export type Upcasters = Readonly<Record<number, Upcaster>>;

/** What upcasters must be so that each returns what the next one takes, and the last one the state of today. */
export type Chained<Ups, State> = number extends keyof Ups
  ? Ups
  : { readonly [N in keyof Ups]: (state: never) => TakenAfter<Ups, N, State> };

type TakenAfter<Ups, N, State> =
  Next<N> extends keyof Ups ? (Ups[Next<N>] extends (state: infer From) => unknown ? From : never) : State;
/** The number after N; counted, as types cannot add. */
type Next<N, Counted extends 0[] = []> = Counted["length"] extends N | 999
  ? [...Counted, 0]["length"]
  : Next<N, [...Counted, 0]>;

/** What of a definition says how its states are read. */
export interface Evolution {
  readonly type: string;
  readonly state: Schema;
  /** The schema number of today's states. */
  readonly schema: number;
  readonly upcasters: Upcasters;
}

/** A state as it is stored. */
export interface StoredState {
  readonly state: unknown;
  readonly schema: number;
}

/** Codes of states that cannot be read however often it is tried. */
export const unreadableCodes: ReadonlySet<string> = new Set([
  ...["STATE_UNREADABLE", "STATE_TOO_NEW", "STATE_TOO_OLD", "UPCAST_FAILED", "STATE_INVALID"],
]);

/** Throws DEFINITION_INVALID unless the upcasters lead from the lowest of them to `schema` without a gap. */
export function checkUpcasters(type: string, schema: number, upcasters: Upcasters): void {
  const refuse = (what: string) => {
    throw new TroupeError("DEFINITION_INVALID", `actor ${type}: ${what}`);
  };
  const numbers = Object.keys(upcasters).map(Number);
  for (const [name, upcaster] of Object.entries(upcasters) as [string, unknown][]) {
    const isBelow = Number.isInteger(Number(name)) && Number(name) >= 1 && Number(name) < schema;
    if (!isBelow) refuse(`there is an upcaster ${name}, but \`schema\` is ${schema}: upcaster n leads from n to n + 1`);
    if (typeof upcaster !== "function") refuse(`upcaster ${name} must be a function, got ${String(upcaster)}`);
  }
  const lowest = Math.min(schema - 1, ...numbers);
  for (let n = Math.max(1, lowest); n < schema; n += 1) {
    if (!numbers.includes(n)) refuse(`upcaster ${n} is missing: no state of schema ${n} can be led to ${n + 1}`);
  }
}

/** The state under today's number, not yet checked by the schema. Throws STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED. */
export function upcast(definition: Evolution, key: string, stored: StoredState): unknown {
  const { schema, upcasters } = definition;
  const data = { schema: stored.schema, known: schema };
  if (stored.schema === schema) return stored.state;
  if (stored.schema > schema) {
    const text = `the state of ${key} has schema ${stored.schema}, this code knows ${schema}`;
    throw new TroupeError("STATE_TOO_NEW", text, { data });
  }
  let { state } = stored;
  for (let n = stored.schema; n < schema; n += 1) {
    const upcaster = upcasters[n] as ((state: unknown) => unknown) | undefined;
    if (upcaster === undefined) {
      const text = `the state of ${key} has schema ${n}, and no upcaster leads from there to ${schema}`;
      throw new TroupeError("STATE_TOO_OLD", text, { data });
    }
    try {
      state = jsonOf(upcaster(state), n); // E4
    } catch (thrown) {
      const text = `the state of ${key} could not be led from schema ${n} to ${n + 1}: ${messageOf(thrown)}`;
      throw new TroupeError("UPCAST_FAILED", text, { data: { ...data, upcaster: n }, cause: thrown });
    }
  }
  return state;
}

/** The state as an actor of today is given it (E1). Rejects with one of `unreadableCodes`. */
export async function readState(definition: Evolution, key: string, stored: StoredState): Promise<unknown> {
  const state = upcast(definition, key, stored);
  try {
    const validation = await validate(definition.state, state);
    if (validation.kind === "valid") return validation.value;
    throw stateInvalid(definition, key, stored, printIssues(validation.issues), validation.issues);
  } catch (thrown) {
    if (isTroupeError(thrown)) throw thrown;
    throw stateInvalid(definition, key, stored, `it threw ${messageOf(thrown)}`, undefined);
  }
}

/** What an upcaster has made, after a trip through JSON. */
function jsonOf(made: unknown, n: number): unknown {
  if (made instanceof Promise) {
    made.catch(() => undefined); // It is told of here, and nowhere else.
    throw new TypeError(`upcaster ${n} returned a promise; it must return the state`);
  }
  const text = JSON.stringify(made);
  if (text === undefined) throw new TypeError(`upcaster ${n} returned ${made === undefined ? "nothing" : typeof made}`);
  return JSON.parse(text);
}

function stateInvalid(
  { schema }: Evolution,
  key: string,
  stored: StoredState,
  why: string,
  issues: unknown,
): TroupeError {
  const led = stored.schema === schema ? "" : `, led from schema ${stored.schema} to ${schema},`;
  return new TroupeError("STATE_INVALID", `the state of ${key}${led} is not what its schema says: ${why}`, {
    data: { schema: stored.schema, known: schema, issues },
  });
}
