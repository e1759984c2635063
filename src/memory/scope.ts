// Whose memory it is: everybody's, a user's, an agent's, a session's, or what several of these have in common.
//
//   S1. A scope has one key text, whatever the order in which its parts were given: parts stand in a fixed order, each with
//       a fixed number of tokens, so that a key is read back without doubt and no id can reach another scope.
//   S2. `user.anna.>` matches everything that belongs to Anna: a scope with more parts lies under the one it begins with.

import { TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import { checkName, escapeId, isName, unescapeId } from "../core/ids.ts";
import { keyLengthMax } from "../kv/keys.ts";

/** At least one part. `{ user: "anna", session: "s1" }` is what Anna and an agent have said in one session. */
export interface Scope {
  /** What all agents share, under a name: `{ shared: "all" }`, `{ shared: "team-blue" }`. */
  readonly shared?: string;
  readonly user?: string;
  readonly agent?: ActorAddress;
  readonly session?: string;
}

/** The same with `anyId` where every id will do. */
export type ScopePattern = Scope;

/** In a pattern: whatever stands there. As an id of its own it is written `=2A`. */
export const anyId = "*";

/** Longest key text, so that there is room for a record's number behind it. Unit: characters. */
const scopeLengthMax = keyLengthMax - 24;

const parts = ["shared", "user", "agent", "session"] as const;
type Part = (typeof parts)[number];
const tokensOf: Readonly<Record<Part, number>> = { shared: 2, user: 2, agent: 3, session: 2 };

/** The scope as it stands in keys: `user.anna.session.s1`. Rejects with SCOPE_INVALID, ID_INVALID, NAME_INVALID. */
export function scopeKey(scope: Scope): string {
  return printParts(scope, escapeId);
}

/** As `scopeKey` for what several scopes have in common: `{ user: anyId, session: "s1" }` is `user.*.session.s1`. */
export function scopePattern(pattern: ScopePattern): string {
  return printParts(pattern, (id) => (id === anyId ? id : escapeId(id)));
}

/** The scope whose key text this is, and what stands behind it; undefined when a key does not begin with a scope. */
export function readScope(key: string): { readonly scope: Scope; readonly facet: string } | undefined {
  const tokens = key.split(".");
  const scope: { -readonly [P in Part]?: Scope[P] } = {};
  let at = 0;
  for (const part of parts) {
    if (tokens[at] !== part) continue;
    const ids = tokens.slice(at + 1, at + tokensOf[part]);
    const id = unescapeId(ids.at(-1) ?? "");
    if (id === undefined || ids.length !== tokensOf[part] - 1) return undefined;
    if (part !== "agent") scope[part] = id;
    else if (isName(ids[0] ?? "")) scope.agent = { type: ids[0] ?? "", id };
    else return undefined;
    at += tokensOf[part];
  }
  return at === 0 ? undefined : { scope, facet: tokens.slice(at).join(".") };
}

/** The scope whose key text this is, `user.anna.session.s1`. Rejects with SCOPE_INVALID. */
export function parseScope(text: string): Scope {
  const read = readScope(text);
  if (read !== undefined && read.facet === "") return read.scope;
  throw invalid(`${JSON.stringify(text)} is no scope`);
}

/** What kind of scope it is, of a small closed set: `user`, `user.session`, `agent`, `shared` … */
export function scopeKind(scope: Scope): string {
  return parts.filter((part) => scope[part] !== undefined).join(".");
}

/** Whether `inner` is `outer` or lies under it (S2). */
export function isUnder(inner: Scope, outer: Scope): boolean {
  return `${scopeKey(inner)}.`.startsWith(`${scopeKey(outer)}.`);
}

/** The scopes that it lies under (S2), the outermost first. */
export function scopesAbove(scope: Scope): readonly Scope[] {
  const own = parts.filter((part) => scope[part] !== undefined);
  return own.slice(1).map((_, at) => Object.fromEntries(own.slice(0, at + 1).map((part) => [part, scope[part]])));
}

function printParts(scope: Scope, print: (id: string) => string): string {
  if (typeof scope !== "object" || scope === null) throw invalid(`${String(scope)} is no scope`);
  const strange = Object.keys(scope).find((name) => !parts.some((part) => part === name));
  if (strange !== undefined) throw invalid(`a scope has no part \`${strange}\``);
  const tokens: string[] = [];
  for (const part of parts) {
    const id = scope[part];
    if (id === undefined) continue;
    tokens.push(part);
    if (typeof id === "string") {
      if (part === "agent") throw invalid(`\`agent\` is { type, id }, got ${JSON.stringify(id)}`);
      tokens.push(print(id));
    } else {
      if (part !== "agent") throw invalid(`\`${part}\` is an id, got ${JSON.stringify(id)}`);
      tokens.push(id.type === anyId ? print(anyId) : checkName("an actor type", id.type), print(id.id));
    }
  }
  if (tokens.length === 0) throw invalid("a scope without any part");
  const text = tokens.join(".");
  if (text.length > scopeLengthMax) {
    throw invalid(`the ids of a scope are ${text.length} characters in a key, and may be ${scopeLengthMax} together`);
  }
  return text;
}

function invalid(what: string): TroupeError {
  return new TroupeError("SCOPE_INVALID", what);
}
