// What an actor type remembers: whose memory it is, what is logged of its turns, and what is brought before a handler runs.

import { TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Scope } from "../memory/scope.ts";
import { scopeKey } from "../memory/scope.ts";
import type { Caller } from "./context.ts";

/** The message of a turn, as far as it says whose memory is meant. */
export interface MemoryMessage {
  readonly method: string;
  /** What the method's schema has made of it. */
  readonly input: unknown;
  readonly caller: Caller;
  readonly messageId: string;
}

export interface MemoryOptions {
  /** Whose memory a turn writes to, and is brought from. Default: the actor's own, `{ agent: self }`. */
  readonly scope?: (self: ActorAddress, message: MemoryMessage) => Scope;
  /** What is brought comes from these as well, shared ones as a rule. Nothing is logged there. Default: none. */
  readonly scopes?: readonly Scope[] | ((self: ActorAddress, message: MemoryMessage) => readonly Scope[]);
  /** What of each turn is an entry of the log. `false`: nothing. Default: everything. */
  readonly log?: boolean | MemoryLogOptions;
  /** What stands in `ctx.memory` when the handler begins. Default: nothing, so that no turn waits for the memory. */
  readonly bring?: MemoryBringOptions;
}

export interface MemoryLogOptions {
  /** Each message that a turn has handled. Default true. */
  readonly received?: boolean;
  /** What a handler has answered to an ask, unless that was nothing. Default true. */
  readonly replies?: boolean;
  /** Each message that a handler has told another actor. Default true. */
  readonly sent?: boolean;
  /** Only turns of these handlers. Default: all. */
  readonly methods?: readonly string[];
  /**
   * A payload in words; undefined: it is not logged. Default: a string as it is, of an object its `text`, `message` or
   * `content` when that is a string, of all else its JSON. Longer than 16,384 characters is cut.
   */
  readonly text?: (value: unknown) => string | undefined;
}

export interface MemoryBringOptions {
  /** The newest entries of the scope that fit, with those that are pinned and the summary. Unit: tokens. */
  readonly window?: { readonly tokens: number };
  /** What fits the message best, of all scopes, without what the window shows. */
  readonly recall?: {
    /** Hits at most. Default 8. */
    readonly k?: number;
    /** What is looked for, made of the handler's argument. Default: its words, as `log.text` says. */
    readonly query?: (input: unknown) => string;
  };
  /** The facts of these names, of all scopes, the nearest first; `true`: all that there are. */
  readonly facts?: readonly string[] | true;
}

/** The same, checked and with its defaults. */
export interface ActorMemory {
  readonly scope: (self: ActorAddress, message: MemoryMessage) => Scope;
  readonly scopes: (self: ActorAddress, message: MemoryMessage) => readonly Scope[];
  readonly log: ResolvedMemoryLog;
  readonly bring: ResolvedMemoryBring | undefined;
}

export interface ResolvedMemoryLog {
  readonly received: boolean;
  readonly replies: boolean;
  readonly sent: boolean;
  /** Undefined: all. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly text: (value: unknown) => string | undefined;
}

export interface ResolvedMemoryBring {
  /** Undefined: no window. */
  readonly windowTokens: number | undefined;
  readonly recall: { readonly k: number; readonly query: (input: unknown) => string } | undefined;
  readonly facts: readonly string[] | true | undefined;
}

export const memoryDefaults = Object.freeze({ recallHits: 8 });
/** Hits that a turn may be brought. */
const recallHitsMax = 100;
const factNamesMax = 200;
const optionNames = ["scope", "scopes", "log", "bring"];
const logNames = ["received", "replies", "sent", "methods", "text"];
const bringNames = ["window", "recall", "facts"];

/** Rejects with DEFINITION_INVALID. */
export function resolveMemory(
  type: string,
  options: MemoryOptions,
  methods: Readonly<Record<string, { readonly kind: string }>>,
): ActorMemory {
  checkNames(type, "memory", options, optionNames);
  const { scope = ownScope, scopes = noScopes, log = true, bring } = options;
  if (typeof scope !== "function") throw invalid(type, "`scope` must be a function that returns a scope");
  if (typeof scopes !== "function") checkScopes(type, scopes);
  const handlers = Object.keys(methods).filter((name) => methods[name]?.kind === "handler");
  const resolvedLog = resolveLog(type, log, handlers);
  return {
    scope,
    scopes: typeof scopes === "function" ? scopes : () => scopes,
    log: resolvedLog,
    bring: bring === undefined ? undefined : resolveBring(type, bring, resolvedLog),
  };
}

/** A payload in words, when the definition says nothing else. */
export function wordsOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) {
    const { text, message, content } = value as Record<"text" | "message" | "content", unknown>;
    for (const words of [text, message, content]) if (typeof words === "string") return words;
  }
  return JSON.stringify(value);
}

const ownScope = (self: ActorAddress): Scope => ({ agent: self });
const noScopes: readonly Scope[] = [];

function resolveLog(type: string, log: boolean | MemoryLogOptions, handlers: readonly string[]): ResolvedMemoryLog {
  if (typeof log === "boolean") {
    return { received: log, replies: log, sent: log, methods: undefined, text: wordsOf };
  }
  checkNames(type, "memory.log", log, logNames);
  const { received = true, replies = true, sent = true, methods, text = wordsOf } = log;
  if (typeof text !== "function") throw invalid(type, "`log.text` must be a function that returns a string");
  const strange = methods?.find((name) => !handlers.includes(name));
  if (strange !== undefined) throw invalid(type, `\`log.methods\` names no handler of it: ${JSON.stringify(strange)}`);
  return { received, replies, sent, methods: methods === undefined ? undefined : new Set(methods), text };
}

function resolveBring(type: string, bring: MemoryBringOptions, log: ResolvedMemoryLog): ResolvedMemoryBring {
  checkNames(type, "memory.bring", bring, bringNames);
  const { window, recall, facts } = bring;
  const k = recall?.k ?? memoryDefaults.recallHits;
  if (window !== undefined) checkWhole(type, "bring.window.tokens", window.tokens, Number.MAX_SAFE_INTEGER);
  checkWhole(type, "bring.recall.k", k, recallHitsMax);
  if (recall?.query !== undefined && typeof recall.query !== "function") {
    throw invalid(type, "`bring.recall.query` must be a function that returns a string");
  }
  const isNames = Array.isArray(facts) && facts.length <= factNamesMax && facts.every((name) => isFactName(name));
  if (facts !== undefined && facts !== true && !isNames) {
    throw invalid(type, `\`bring.facts\` must be true or at most ${factNamesMax} names, got ${JSON.stringify(facts)}`);
  }
  return {
    windowTokens: window?.tokens,
    recall: recall === undefined ? undefined : { k, query: recall.query ?? ((input) => log.text(input) ?? "") },
    facts,
  };
}

const isFactName = (name: unknown) => typeof name === "string" && name !== "";

function checkScopes(type: string, scopes: readonly Scope[]): void {
  if (!Array.isArray(scopes)) throw invalid(type, "`scopes` must be a list of scopes or a function that returns one");
  try {
    for (const scope of scopes) scopeKey(scope);
  } catch (thrown) {
    throw invalid(type, `\`scopes\`: ${String(thrown)}`);
  }
}

function checkNames(type: string, what: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw invalid(type, `\`${what}\` must be an object`);
  const strange = Object.keys(options).find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw invalid(type, `\`${what}\` has no option \`${strange}\`; it has ${known.join(", ")}`);
  }
}

function checkWhole(type: string, name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw invalid(type, `\`${name}\` must be a whole number from 1 to ${most}, got ${String(value)}`);
}

function invalid(type: string, what: string): TroupeError {
  return new TroupeError("DEFINITION_INVALID", `actor ${type}: memory: ${what}`);
}
