// Which scopes there are: those that a key of either bucket names.

import type { KeyPattern } from "../kv/store.ts";
import { placeOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope, ScopePattern } from "./scope.ts";
import { scopeKey, scopePattern } from "./scope.ts";
import { readStanding } from "./standing-entries.ts";

export interface ScopeChoice {
  /** Default: every scope. */
  readonly pattern?: ScopePattern;
  /** Those that lie under what matches too. Default false. */
  readonly under?: boolean;
  readonly signal?: AbortSignal;
}

export interface KnownScope {
  readonly scope: Scope;
  /** Records of its log; tombstones of the last hour are among them. */
  readonly records: number;
  readonly facts: number;
}

/** By key text. */
export async function knownScopes(
  { entries, facts }: Pick<MemoryStores, "entries" | "facts">,
  choice: ScopeChoice = {},
): Promise<readonly KnownScope[]> {
  const found = new Map<string, { scope: Scope; records: number; facts: number }>();
  for (const store of [entries, facts]) {
    for (const pattern of keyPatterns(choice)) {
      choice.signal?.throwIfAborted();
      for (const key of await store.list(pattern)) {
        const place = placeOf(key);
        if (place === undefined) continue;
        const name = scopeKey(place.scope);
        const known = found.get(name) ?? { scope: place.scope, records: 0, facts: 0 };
        found.set(name, known);
        if (place.kind === "record") known.records += 1;
        if (place.kind === "fact") known.facts += 1;
      }
    }
  }
  return [...found].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, known]) => known);
}

function keyPatterns({ pattern, under = false }: ScopeChoice): readonly KeyPattern[] {
  if (pattern === undefined) return [">"];
  const text = scopePattern(pattern);
  return under ? [`${text}.>`] : [`${text}.head`, `${text}.log.*`, `${text}.fact.*`];
}

/** The scope and those that lie under it, also one of which only deleted facts are left; by key text. */
export async function scopesUnder(
  stores: MemoryStores,
  root: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly Scope[]> {
  const found = new Map<string, Scope>();
  const known = await knownScopes(stores, { pattern: root, under: true, ...(signal && { signal }) });
  for (const { scope } of known) found.set(scopeKey(scope), scope);
  await readStanding({
    ...{ store: stores.facts, pattern: `${scopeKey(root)}.>`, signal },
    which: "last",
    take: ({ key }) => {
      const scope = placeOf(key)?.scope;
      if (scope !== undefined) found.set(scopeKey(scope), scope);
    },
    restart: () => undefined,
  });
  return [...found].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, scope]) => scope);
}
