// How a value that older code has stored becomes one of today: through the upcasters n, n + 1, … up to the number that
// today's code writes. What cannot be led there is refused with the numbers and the reason, never guessed. What an
// upcaster has made goes through JSON before anything else sees it: what is accepted is what can be stored.

import { messageOf, TroupeError } from "./errors.ts";

/** Leads a value from one schema number to the next. Synchronous. May change what it is given; returns the value. */
export type Upcaster = (old: never) => unknown;
/** By the schema number that each leads on from. */
export type Upcasters = Readonly<Record<number, Upcaster>>;

/** What is known of the values of one kind. */
export interface KnownSchema {
  /** The schema number of today's values. */
  readonly schema: number;
  readonly upcasters: Upcasters;
}

/** What is wrong with the upcasters, unless they lead from the lowest of them to `schema` without a gap. */
export function upcastersFault({ schema, upcasters }: KnownSchema): string | undefined {
  const numbers = Object.keys(upcasters).map(Number);
  for (const [name, upcaster] of Object.entries(upcasters) as [string, unknown][]) {
    const isBelow = Number.isInteger(Number(name)) && Number(name) >= 1 && Number(name) < schema;
    if (!isBelow) return `there is an upcaster ${name}, but \`schema\` is ${schema}: upcaster n leads from n to n + 1`;
    if (typeof upcaster !== "function") return `upcaster ${name} must be a function, got ${String(upcaster)}`;
  }
  const lowest = Math.min(schema - 1, ...numbers);
  for (let n = Math.max(1, lowest); n < schema; n += 1) {
    if (!numbers.includes(n)) return `upcaster ${n} is missing: nothing of schema ${n} can be led to ${n + 1}`;
  }
  return undefined;
}

/**
 * The value under today's number, not yet checked by any schema. `what` names it: "the state of counter.c1".
 * Throws STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED.
 */
export function upcastTo({ schema, upcasters }: KnownSchema, what: string, stored: number, value: unknown): unknown {
  if (stored === schema) return value;
  const data = { schema: stored, known: schema };
  if (stored > schema) {
    throw new TroupeError("STATE_TOO_NEW", `${what} has schema ${stored}, this code knows ${schema}`, { data });
  }
  let led = value;
  for (let n = stored; n < schema; n += 1) {
    const upcaster = upcasters[n] as ((old: unknown) => unknown) | undefined;
    if (upcaster === undefined) {
      const text = `${what} has schema ${n}, and no upcaster leads from there to ${schema}`;
      throw new TroupeError("STATE_TOO_OLD", text, { data });
    }
    try {
      led = jsonOf(upcaster(led), n);
    } catch (thrown) {
      const text = `${what} could not be led from schema ${n} to ${n + 1}: ${messageOf(thrown)}`;
      throw new TroupeError("UPCAST_FAILED", text, { data: { ...data, upcaster: n }, cause: thrown });
    }
  }
  return led;
}

/** What an upcaster has made, after a trip through JSON. */
function jsonOf(made: unknown, n: number): unknown {
  if (made instanceof Promise) {
    made.catch(() => undefined); // It is told of here, and nowhere else.
    throw new TypeError(`upcaster ${n} returned a promise; it must return the value`);
  }
  const text = JSON.stringify(made);
  if (text === undefined) throw new TypeError(`upcaster ${n} returned ${made === undefined ? "nothing" : typeof made}`);
  return JSON.parse(text);
}
