// A page of the scopes that hold something, chosen among all of them. Pure.

import { TroupeError } from "../core/errors.ts";
import { unescapeId } from "../core/ids.ts";
import { Foremost } from "./foremost.ts";
import type { ScopeSum } from "./scope-tally.ts";

export interface ScopeQuery {
  /** Part of its key text, or of the ids in it as people write them, whatever the case. */
  readonly search?: string | undefined;
  /** "bytes": the largest first, equal ones by key. */
  readonly sort: "bytes" | "key";
  readonly limit: number;
  /** Of the page before. Sizes change: a scope that has grown meanwhile may be met twice, or not at all. */
  readonly cursor?: string | undefined;
}

export interface ScopePage {
  readonly rows: readonly ScopeSum[];
  /** For the next page; undefined on the last. */
  readonly cursor: string | undefined;
  /** How many match. */
  readonly total: number;
}

type Place = Pick<ScopeSum, "scope" | "bytes">;

/** Throws OPTION_INVALID for a cursor that is none. */
export function pageOfScopes(scopes: Iterable<ScopeSum>, { search, sort, limit, cursor }: ScopeQuery): ScopePage {
  const wanted = search?.toLowerCase();
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const order = sort === "bytes" ? byBytes : byKey;
  let total = 0;
  const first = new Foremost<ScopeSum>(limit, order);
  let rest = 0;
  for (const scope of scopes) {
    if (wanted !== undefined && !isNamed(scope.scope, wanted)) continue;
    total += 1;
    if (after !== undefined && order(scope, after) <= 0) continue;
    rest += 1;
    first.offer(scope);
  }
  const rows = first.list();
  const last = rows.at(-1);
  const hasMore = rest > rows.length && last !== undefined;
  return { rows, total, cursor: hasMore ? `${last.bytes} ${last.scope}` : undefined };
}

/** Ids stand escaped in a key: nobody looks for `maya=40example=2Eorg`. */
function isNamed(scope: string, wanted: string): boolean {
  if (scope.toLowerCase().includes(wanted)) return true;
  const isEscaped = scope.includes("=");
  return isEscaped && scope.split(".").some((token) => unescapeId(token)?.toLowerCase().includes(wanted) === true);
}

const byKey = (one: Place, other: Place): number => (one.scope < other.scope ? -1 : one.scope > other.scope ? 1 : 0);
const byBytes = (one: Place, other: Place): number => other.bytes - one.bytes || byKey(one, other);

function readCursor(cursor: string): Place {
  const [, bytes, scope] = /^(\d{1,15}) (\S+)$/.exec(cursor) ?? [];
  if (bytes !== undefined && scope !== undefined) return { scope, bytes: Number(bytes) };
  throw new TroupeError("OPTION_INVALID", `\`cursor\` is none of a page of scopes, got ${JSON.stringify(cursor)}`);
}
