// The keys of the memory, spelled here only: a scope, and behind it what of the scope stands there.

import { TroupeError } from "../core/errors.ts";
import { escapeId, unescapeId } from "../core/ids.ts";
import { keyLengthMax } from "../kv/keys.ts";
import type { KeyPattern } from "../kv/store.ts";
import type { Scope, ScopePattern } from "./scope.ts";
import { readScope, scopeKey, scopePattern } from "./scope.ts";

/** What a key of the memory holds. */
export type MemoryPlace =
  | { readonly kind: "head"; readonly scope: Scope }
  | { readonly kind: "record"; readonly scope: Scope; readonly record: number }
  | { readonly kind: "fact"; readonly scope: Scope; readonly name: string };

/** Digits of a record's number, so that keys sort as records do. */
const recordDigits = 8;
/** Highest number that these digits hold. */
export const recordMax = 10 ** recordDigits - 1;
/** Entries of one record. */
export const recordEntriesMax = 256;
const positionsPerRecord = 1_000;

export const headKey = (scope: Scope): string => `${scopeKey(scope)}.head`;
export const recordKey = (scope: Scope, record: number): string =>
  `${scopeKey(scope)}.log.${String(record).padStart(recordDigits, "0")}`;

/** Rejects with FACT_INVALID (the name is empty, over 256 bytes, or too much together with the scope), SCOPE_INVALID. */
export function factKey(scope: Scope, name: string): string {
  const key = `${scopeKey(scope)}.fact.${escapeFactName(name)}`;
  if (key.length <= keyLengthMax) return key;
  const text = `scope and name of a fact are ${key.length} characters in a key, and may be ${keyLengthMax} together`;
  throw new TroupeError("FACT_INVALID", text);
}

function escapeFactName(name: string): string {
  try {
    return escapeId(name);
  } catch (thrown) {
    const text = `a fact's name must be a string of 1 to 256 bytes, got ${JSON.stringify(name) ?? typeof name}`;
    throw new TroupeError("FACT_INVALID", text, { cause: thrown });
  }
}

type Scopes = ScopePattern | readonly ScopePattern[] | undefined;

/** What a watcher of the memory's bucket looks for. Undefined: all scopes. `isUnder`: those that lie under them too. */
export const logPatterns = (pattern: Scopes, isUnder: boolean): readonly KeyPattern[] =>
  patternsOf(pattern, "log.*", isUnder);

/** The same of the facts' bucket. */
export const factPatterns = (pattern: Scopes, isUnder: boolean): readonly KeyPattern[] =>
  patternsOf(pattern, "fact.*", isUnder);

function patternsOf(pattern: Scopes, facet: string, isUnder: boolean): readonly KeyPattern[] {
  if (pattern === undefined) return [">"];
  return [pattern].flat().flatMap((one) => {
    const scope = scopePattern(one);
    return isUnder ? [`${scope}.>`] : [`${scope}.${facet}`, `${scope}.head`];
  });
}

/** What stands at a key; undefined when it is none of the memory's. */
export function placeOf(key: string): MemoryPlace | undefined {
  const read = readScope(key);
  if (read === undefined) return undefined;
  const { scope, facet } = read;
  if (facet === "head") return { kind: "head", scope };
  const [kind, name = "", more] = facet.split(".");
  if (more !== undefined) return undefined;
  if (kind === "log") return /^\d{8}$/.test(name) ? { kind: "record", scope, record: Number(name) } : undefined;
  const fact = kind === "fact" ? unescapeId(name) : undefined;
  return fact === undefined ? undefined : { kind: "fact", scope, name: fact };
}

/** Where an entry stands in its log: whole numbers that order it and never change. */
export const positionOf = (record: number, index: number): number => record * positionsPerRecord + index;
/** The last position that a record has room for. */
export const lastOfRecord = (record: number): number => positionOf(record + 1, 0) - 1;
export const recordOf = (position: number): number => Math.floor(position / positionsPerRecord);
export const indexOf = (position: number): number => position % positionsPerRecord;
