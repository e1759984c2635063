// What is known: a value under a name in a scope. Stored as JSON that a person can read, the value in front, what has its
// default left out.

import type { Json } from "../core/codec.ts";
import { printJson } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { traceIdForm } from "../core/trace.ts";
import type { FactWriters } from "./fact-writers.ts";
import type { Scope } from "./scope.ts";

/** What goes with a value when it is written. */
export interface FactOptions {
  /** From when on it holds in the world. Unit: ms since the Unix epoch. Default: always. */
  readonly validFromMs?: number;
  /** Up to when it holds in the world, this moment not included. Unit: ms since the Unix epoch. Default: for good. */
  readonly validUntilMs?: number;
  /** It is forgotten after this time unless it is written again. Unit: ms. Default: never. */
  readonly ttlMs?: number;
  /** Who says so: an actor, a person, a document. At most 256 characters. */
  readonly by?: string;
  /** Id of the message that led to it. At most 256 characters. */
  readonly cause?: string;
  /** Trace id, 32 hex digits. */
  readonly trace?: string;
}

/** A fact as it is stored. */
export interface Fact<Value = Json> {
  readonly scope: Scope;
  readonly name: string;
  readonly value: Value;
  readonly validFromMs: number | undefined;
  readonly validUntilMs: number | undefined;
  readonly expiresAtMs: number | undefined;
  readonly by: string | undefined;
  readonly cause: string | undefined;
  readonly trace: string | undefined;
  /** Schema number. */
  readonly schema: number;
  /** Names the write that it comes from. */
  readonly writeId: string;
  /** Who has written it by numbers; undefined when nobody has. */
  readonly writers: FactWriters | undefined;
  readonly key: string;
  readonly revision: number;
  readonly writtenAtMs: number;
}

/** A fact's JSON. Times in ms. */
export interface StoredFact {
  readonly value: Json;
  readonly from?: number;
  readonly until?: number;
  readonly expires?: number;
  readonly by?: string;
  readonly cause?: string;
  readonly trace?: string;
  readonly v?: number;
  readonly id: string;
  readonly seen?: FactWriters;
}

const nameLengthMax = 256;

/** What is stored of a value. Rejects with FACT_INVALID. */
export function storedFact(value: Json, options: FactOptions, id: string, schema: number, nowMs: number): StoredFact {
  checkFactOptions(options);
  const { validFromMs, validUntilMs, ttlMs, by, cause, trace } = options;
  return {
    value,
    ...(validFromMs === undefined ? {} : { from: validFromMs }),
    ...(validUntilMs === undefined ? {} : { until: validUntilMs }),
    ...(ttlMs === undefined ? {} : { expires: nowMs + ttlMs }),
    ...(by === undefined ? {} : { by }),
    ...(cause === undefined ? {} : { cause }),
    ...(trace === undefined ? {} : { trace }),
    ...(schema === 1 ? {} : { v: schema }),
    id,
  };
}

/** A deletion that says who made it, and is known again: a value whose time was over from the start. */
export function storedDeletion(options: Pick<FactOptions, "by" | "cause" | "trace">, id: string): StoredFact {
  return { ...storedFact(null, options, id, 1, 0), expires: 0 };
}

/** See `storedDeletion`. */
export function isDeletion(fact: Pick<Fact, "expiresAtMs">): boolean {
  return fact.expiresAtMs === 0;
}

/** Rejects with FACT_INVALID when JSON cannot carry the value. */
export function printFact(fact: StoredFact): string {
  if (fact.value === undefined) throw invalid("a fact's value is missing; `delete` forgets a fact");
  return printJson(fact, "FACT_INVALID", "a fact") ?? "";
}

/** Rejects with MEMORY_UNREADABLE. */
export function readFact(key: string, text: string): StoredFact {
  let raw: Partial<StoredFact>;
  try {
    raw = JSON.parse(text) as Partial<StoredFact>;
  } catch (thrown) {
    throw unreadable(key, messageOf(thrown), thrown);
  }
  if (typeof raw !== "object" || raw === null || raw.value === undefined || typeof raw.id !== "string") {
    throw unreadable(key, "it has no `value` and `id`");
  }
  return raw as StoredFact;
}

export interface FactPlace {
  readonly scope: Scope;
  readonly name: string;
  readonly key: string;
  readonly revision: number;
  readonly writtenAtMs: number;
}

export function toFact(stored: StoredFact, place: FactPlace): Fact {
  return {
    ...place,
    value: stored.value,
    validFromMs: stored.from,
    validUntilMs: stored.until,
    expiresAtMs: stored.expires,
    by: stored.by,
    cause: stored.cause,
    trace: stored.trace,
    schema: stored.v ?? 1,
    writeId: stored.id,
    writers: stored.seen,
  };
}

/** Whether its time to live is over. */
export function isExpired(fact: Pick<Fact, "expiresAtMs">, nowMs: number): boolean {
  return fact.expiresAtMs !== undefined && fact.expiresAtMs <= nowMs;
}

function checkFactOptions({ validFromMs, validUntilMs, ttlMs, by, cause, trace }: FactOptions): void {
  for (const [name, time] of Object.entries({ validFromMs, validUntilMs })) {
    if (time !== undefined && !Number.isFinite(time)) throw invalid(`\`${name}\` must be a time in ms, got ${time}`);
  }
  if (validFromMs !== undefined && validUntilMs !== undefined && validFromMs >= validUntilMs) {
    throw invalid(`\`validFromMs\` (${validFromMs}) must be before \`validUntilMs\` (${validUntilMs})`);
  }
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= 1)) {
    throw invalid(`\`ttlMs\` must be a whole number of 1 or more, got ${ttlMs}`);
  }
  for (const [name, text] of Object.entries({ by, cause })) {
    if (text === undefined || (typeof text === "string" && text.length > 0 && text.length <= nameLengthMax)) continue;
    throw invalid(`\`${name}\` must be a string of 1 to ${nameLengthMax} characters, got ${JSON.stringify(text)}`);
  }
  if (trace !== undefined && !traceIdForm.test(trace)) {
    throw invalid(`\`trace\` must be 32 hex digits, got ${JSON.stringify(trace)}`);
  }
}

function invalid(what: string): TroupeError {
  return new TroupeError("FACT_INVALID", what);
}

function unreadable(key: string, why: string, cause?: unknown): TroupeError {
  return new TroupeError("MEMORY_UNREADABLE", `the value of ${key} is no fact: ${why}`, { cause });
}
