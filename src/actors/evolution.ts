// How a state that older code has written becomes one of today. Pure; whoever reads states by a definition reads them here.
//
//   E1. A state of schema number n goes through the upcasters n, n + 1, … up to the definition's number, and what comes
//       out is checked by today's schema before an actor sees it.
//   E2. Reading writes nothing: the actor's next commit writes the state under the definition's number.
//   E3. What cannot be led there is refused with the actor, the numbers and the reason, never guessed: STATE_TOO_NEW,
//       STATE_TOO_OLD, UPCAST_FAILED, STATE_INVALID.
//   E4. What an upcaster has made goes through JSON before anything else sees it: what is accepted is what can be stored.
//       (`core/upcast.ts`)

import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { Schema } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import type { KnownSchema, Upcasters } from "../core/upcast.ts";
import { upcastersFault, upcastTo } from "../core/upcast.ts";

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
export interface Evolution extends KnownSchema {
  readonly type: string;
  readonly state: Schema;
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
  const fault = upcastersFault({ schema, upcasters });
  if (fault !== undefined) throw new TroupeError("DEFINITION_INVALID", `actor ${type}: ${fault}`);
}

/** The state under today's number, not yet checked by the schema. Throws STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED. */
export function upcast(definition: Evolution, key: string, stored: StoredState): unknown {
  return upcastTo(definition, `the state of ${key}`, stored.schema, stored.state);
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
