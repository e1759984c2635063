// What recall sees of the memory: entries and facts as documents, and whether a document is still what the store holds.

import type { Json } from "../core/codec.ts";
import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import { indexOf, recordEntriesMax } from "./memory-keys.ts";
import type { RecallDocument } from "./recall/document.ts";
import { scopeKey } from "./scope.ts";

/** Words of one fact that are looked at; a value may be a megabyte. Unit: characters. */
const factTextMax = 10_000;

const entryId = (key: string, index: number): string => `${key}#${index}`;

/** The ids that entries of the record at this key may have. */
export const idsOfRecord = (key: string): readonly string[] =>
  Array.from({ length: recordEntriesMax }, (_, index) => entryId(key, index));

export function documentOfEntry(entry: Entry): RecallDocument {
  const { scope, key, revision, kind, role, text, atMs, position, speaker } = entry;
  return {
    ...{ id: entryId(key, indexOf(position)), key, revision, scope: scopeKey(scope), kind, role, text, atMs, position },
    ...(speaker === undefined ? {} : { speaker }),
  };
}

/** Its name and its value as words. Facts stand in front of all entries of their scope, beside none. */
export function documentOfFact(fact: Fact): RecallDocument {
  const { scope, name, value, key, revision, validFromMs, writtenAtMs, by } = fact;
  const text = `${wordsOfName(name)}: ${wordsOf(value).join(" ")}`.slice(0, factTextMax);
  return {
    ...{ id: key, key, revision, scope: scopeKey(scope), kind: "fact", text, atMs: validFromMs ?? writtenAtMs },
    position: Number.MIN_SAFE_INTEGER + revision,
    ...(by === undefined ? {} : { speaker: by }),
  };
}

/** `favourite_city`, `favouriteCity` and `favourite.city` are two words each. */
const wordsOfName = (name: string): string =>
  name
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replaceAll(/[_.:/-]+/g, " ")
    .trim();

function wordsOf(value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number" || typeof value === "boolean") return [String(value)];
  if (value === null) return [];
  if (isList(value)) return value.flatMap(wordsOf);
  return Object.entries(value).flatMap(([name, inner]) => [wordsOfName(name), ...wordsOf(inner)]);
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
