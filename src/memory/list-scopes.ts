// The scopes that hold something, a page at a time.

import { checkWhole } from "../kv/writes.ts";
import { knownScopes } from "./known-scopes.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope, ScopePattern } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface ScopeListOptions {
  /** Those that lie under it too. Default false. */
  readonly under?: boolean;
  /** At most so many. Default 100, at most 10,000. */
  readonly limit?: number;
  /** The `cursor` of the page before. */
  readonly cursor?: string;
}

export interface ScopePage {
  /** By key text. */
  readonly scopes: readonly Scope[];
  /** Undefined on the last page. */
  readonly cursor: string | undefined;
}

const limitDefault = 100;
const limitMax = 10_000;

/**
 * Each page reads the names of all keys that match, no values: a record and a fact each count. A scope of which an erasure
 * or a truncation has left its head alone is listed too. Rejects with OPTION_INVALID, SCOPE_INVALID, and as the stores do.
 */
export async function listScopes(
  stores: Pick<MemoryStores, "entries" | "facts">,
  pattern: ScopePattern | undefined,
  { under = false, limit = limitDefault, cursor }: ScopeListOptions = {},
): Promise<ScopePage> {
  checkWhole("limit", limit, 1, limitMax);
  const choice = { under, ...(pattern === undefined ? {} : { pattern }) };
  const known = (await knownScopes(stores, choice)).map(({ scope }) => ({ scope, name: scopeKey(scope) }));
  const rest = known.filter(({ name }) => cursor === undefined || name > cursor);
  const page = rest.slice(0, limit);
  return { scopes: page.map(({ scope }) => scope), cursor: rest.length > limit ? page.at(-1)?.name : undefined };
}
