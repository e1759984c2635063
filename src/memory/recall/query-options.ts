// The options of an index and of a search, checked at the door.

import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { TroupeError } from "../../core/errors.ts";
import { matcherOf } from "../../kv/keys.ts";
import type { RecallDocument } from "./document.ts";
import type { Embedder } from "./embedder.ts";
import type { RecallQueryOptions } from "./hit.ts";

export interface RecallIndexOptions {
  /** Documents held at most; the oldest by time go first. Default 100,000, at most 10,000,000. */
  readonly documentsMax?: number;
  /** What the index may take in memory, estimated; the oldest by time go first. Unit: bytes. Default 512 MiB. */
  readonly bytesMax?: number;
  /** Adds vectors to the ranking. Default: none, words alone. */
  readonly embedder?: Embedder;
  /** How long embedding the query may take before the words rank alone. Unit: ms. Default 2,000. */
  readonly embedMsMax?: number;
  /** Counts `embedMsMax`. Default: the machine's. */
  readonly clock?: Clock;
}

export interface ResolvedIndexOptions {
  readonly documentsMax: number;
  readonly bytesMax: number;
  readonly embedder: Embedder | undefined;
  readonly embedMsMax: number;
  readonly clock: Clock;
}

/** Most hits of one search. */
const kMax = 1_000;
const documentsMost = 10_000_000;
/** The moments that a `Date` can be. Unit: ms, either way. */
const momentMax = 8.64e15;

/** Throws OPTION_INVALID. */
export function resolveIndexOptions(options: RecallIndexOptions): ResolvedIndexOptions {
  const { embedder } = options;
  if (embedder !== undefined) {
    checkWhole("embedder.dimensions", embedder.dimensions, 1, 1_000_000);
    if (typeof embedder.embed !== "function") throw invalid("embedder.embed", "be a function", embedder.embed);
  }
  return {
    documentsMax: checkWhole("documentsMax", options.documentsMax ?? 100_000, 1, documentsMost),
    bytesMax: checkWhole("bytesMax", options.bytesMax ?? 512 * 1024 * 1024, 1, Number.MAX_SAFE_INTEGER),
    embedder,
    embedMsMax: checkWhole("embedMsMax", options.embedMsMax ?? 2_000, 1, 2 ** 31 - 1),
    clock: options.clock ?? systemClock,
  };
}

/** What a search is bounded to. */
export interface ResolvedQuery {
  readonly k: number;
  /** Undefined: all. */
  readonly isScope: ((scope: string) => boolean) | undefined;
  readonly passes: (document: RecallDocument) => boolean;
}

/** Throws OPTION_INVALID. */
export function resolveQuery(query: string, options: RecallQueryOptions): ResolvedQuery {
  if (typeof query !== "string") throw invalid("query", "be a string", query);
  const { since, until, filter } = options;
  const scopes = checkTexts("scopes", options.scopes)?.map((scope) => scopeMatcher(scope));
  const kinds = checkTexts("kinds", options.kinds);
  for (const [name, moment] of Object.entries({ since, until })) {
    if (moment !== undefined && !Number.isFinite(moment)) throw invalid(name, "be a number of ms", moment);
  }
  if (filter !== undefined && typeof filter !== "function") throw invalid("filter", "be a function", filter);
  return {
    k: checkWhole("k", options.k ?? 10, 1, kMax),
    isScope: scopes === undefined ? undefined : (scope) => scopes.some((matches) => matches(scope)),
    passes: (document) =>
      (kinds === undefined || kinds.includes(document.kind)) &&
      (since === undefined || document.atMs >= since) &&
      (until === undefined || document.atMs < until) &&
      (filter === undefined || filter(document)),
  };
}

/** Returns the document. Throws OPTION_INVALID. */
export function checkDocument(document: RecallDocument): RecallDocument {
  for (const name of ["id", "key", "scope", "kind", "text"] as const) {
    if (typeof document[name] !== "string") throw invalid(`document.${name}`, "be a string", document[name]);
  }
  const { speaker, atMs, position } = document;
  if (speaker !== undefined && typeof speaker !== "string") throw invalid("document.speaker", "be a string", speaker);
  if (!(Math.abs(atMs) <= momentMax)) throw invalid("document.atMs", "be a moment in ms", atMs);
  if (!Number.isFinite(position)) throw invalid("document.position", "be a number", position);
  return document;
}

function scopeMatcher(scope: string): (scope: string) => boolean {
  try {
    return matcherOf(scope);
  } catch {
    throw invalid("scopes", "hold texts of scopes, or patterns of them with `*` and `>`", scope);
  }
}

function checkTexts(name: string, texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts !== undefined && !(Array.isArray(texts) && texts.every((text) => typeof text === "string"))) {
    throw invalid(name, "be a list of strings", texts);
  }
  return texts;
}

function checkWhole(name: string, value: number, least: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw invalid(name, `be a whole number from ${least} to ${most}`, value);
  }
  return value;
}

function invalid(name: string, must: string, value: unknown): TroupeError {
  const got =
    typeof value === "number" ? String(value) : typeof value === "string" ? JSON.stringify(value) : typeof value;
  return new TroupeError("OPTION_INVALID", `\`${name}\` must ${must}, got ${got}`);
}
