// Which scopes hold something: those that a key of either bucket which stands names.

import { TroupeError } from "../core/errors.ts";
import type { KvStore } from "../kv/store.ts";
import { factPatterns, logPatterns, placeOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope, ScopePattern } from "./scope.ts";
import { parseScope, scopeKey } from "./scope.ts";

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
  { entries, facts }: Pick<MemoryStores, "entries" | "facts">,
  pattern: ScopePattern | undefined,
  { under = false, limit = limitDefault, cursor }: ScopeListOptions = {},
): Promise<ScopePage> {
  if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= limitMax)) {
    const text = `\`limit\` must be a whole number from 1 to ${limitMax}, got ${String(limit)}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  const found = new Set<string>();
  const take = async (store: KvStore, keys: string): Promise<void> => {
    for (const key of await store.list(keys)) {
      const place = placeOf(key);
      if (place !== undefined) found.add(scopeKey(place.scope));
    }
  };
  await Promise.all([
    ...logPatterns(pattern, under).map((keys) => take(entries, keys)),
    ...factPatterns(pattern, under).map((keys) => take(facts, keys)),
  ]);
  const names = [...found].filter((name) => cursor === undefined || name > cursor).sort();
  const page = names.slice(0, limit);
  return { scopes: page.map(parseScope), cursor: names.length > limit ? page.at(-1) : undefined };
}
