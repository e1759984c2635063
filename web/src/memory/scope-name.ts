// Scopes and keys as people call them: `user.anna=40example=2Eorg.session.s1` is "user anna@example.org, session s1". The key text stays
// in links.

import type { HotKey } from "../../../src/monitoring/dashboard/api/memory.ts";
import { idIn } from "../actors/actor-key.ts";

const idsOf: Readonly<Record<string, number>> = { shared: 1, user: 1, agent: 2, session: 1 };

export interface ScopeWords {
  /** Key text. */
  readonly scope: string;
  readonly name: string;
  /** What stands behind the scope in a key. */
  readonly rest: string;
}

/** Undefined when the key does not begin with a scope. */
export function readScopeKey(key: string): ScopeWords | undefined {
  const tokens = key.split(".");
  const words: string[] = [];
  let at = 0;
  for (let ids = idsOf[tokens[0] ?? ""]; ids !== undefined; ids = idsOf[tokens[at] ?? ""]) {
    const named = tokens.slice(at + 1, at + 1 + ids).map(idIn);
    if (named.length < ids) return undefined;
    words.push(`${tokens[at]} ${named.join("/")}`);
    at += 1 + ids;
  }
  if (at === 0) return undefined;
  return { scope: tokens.slice(0, at).join("."), name: words.join(", "), rest: tokens.slice(at).join(".") };
}

export const scopeName = (scope: string): string => readScopeKey(scope)?.name ?? scope;

/** What lies at a key, and the parts of the address where it is looked at; null: nowhere. */
export function placeOf({ bucket, key }: Pick<HotKey, "bucket" | "key">): {
  readonly text: string;
  readonly parts: readonly string[] | null;
} {
  const dot = key.indexOf(".");
  const [type, id] = [key.slice(0, dot), idIn(key.slice(dot + 1))];
  if (bucket === "state") return { text: `${type}/${id}`, parts: ["actors", type, id] };
  if (bucket === "central") return { text: `${type} ${id}`, parts: null };
  const read = readScopeKey(key);
  if (read === undefined) return { text: key, parts: null };
  return { text: `${read.name}: ${read.rest}`, parts: ["memory", read.scope] };
}
