// A scope on the command line: its key text (`user.anna.session.s1`), or its parts as they are (`user=anna,session=s1`).

import { escapeId } from "../core/ids.ts";
import type { Scope } from "../memory/scope.ts";
import { anyId, parseScope } from "../memory/scope.ts";
import { usage } from "./failure.ts";

const howTo = "Say it as in `troupe memory ls`, user.anna.session.s1, or by its parts: user=anna,session=s1.";
const partForm = /^(shared|user|agent|session)=(.+)$/s;

/** Throws a usage failure. */
export function scopeArgument(text: string): Scope {
  const [first = "", ...others] = text.split(",");
  return partForm.test(first) ? scopeOfParts([first, ...others]) : scopeOfKey(text);
}

export interface ScopeSelection {
  /** Undefined: all scopes. */
  readonly pattern: Scope | undefined;
  readonly under: boolean;
}

/** The same with `*` for any id, and `.>` or `>` behind it for what lies under it. Throws a usage failure. */
export function scopesArgument(text: string | undefined): ScopeSelection {
  if (text === undefined || text === ">") return { pattern: undefined, under: true };
  const under = text.endsWith(".>") || text.endsWith(",>");
  const scope = under ? text.slice(0, -2) : text;
  const isParts = partForm.test(scope);
  const any = escapeId(anyId);
  const key = isParts ? scope : scope.split(".").map((token) => (token === "*" ? any : token));
  return { pattern: scopeArgument(typeof key === "string" ? key : key.join(".")), under };
}

function scopeOfKey(text: string): Scope {
  try {
    return parseScope(text);
  } catch {
    throw usage(`${JSON.stringify(text)} is no scope`, howTo);
  }
}

function scopeOfParts(parts: readonly string[]): Scope {
  const scope: Record<string, unknown> = {};
  for (const part of parts) {
    const [, name = "", value = ""] = partForm.exec(part) ?? [];
    if (name === "" || name in scope) throw usage(`${JSON.stringify(part)} is no part of a scope`, howTo);
    if (name !== "agent") scope[name] = value;
    else {
      const [type = "", ...id] = value.split("/");
      if (id.length === 0) throw usage(`${JSON.stringify(part)} names no agent`, "Say agent=TYPE/ID.");
      scope.agent = { type, id: id.join("/") };
    }
  }
  return scope as Scope;
}
