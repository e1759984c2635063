// Which scopes there are: those that a key of either bucket names.

import { placeOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";
import { readStanding } from "./standing-entries.ts";

/** The scope and those that lie under it, also one of which only deleted facts are left; by key text. */
export async function scopesUnder(
  { entries, facts }: MemoryStores,
  root: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly Scope[]> {
  const found = new Map<string, Scope>();
  const take = (key: string) => {
    const scope = placeOf(key)?.scope;
    if (scope !== undefined) found.set(scopeKey(scope), scope);
  };
  const pattern = `${scopeKey(root)}.>`;
  for (const key of await entries.list(pattern)) take(key);
  await readStanding({
    store: facts,
    pattern,
    which: "last",
    signal,
    take: ({ key }) => take(key),
    restart: () => undefined,
  });
  return [...found].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, scope]) => scope);
}
