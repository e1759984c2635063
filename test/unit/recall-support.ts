// Documents for the tests of recall, and an embedder that needs no model.

import fc from "fast-check";
import type { RecallDocument } from "../../src/memory/recall/document.ts";
import type { Embedder } from "../../src/memory/recall/embedder.ts";
import type { RecallIndexOptions } from "../../src/memory/recall/query-options.ts";
import { RecallIndex } from "../../src/memory/recall/recall-index.ts";

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

export function documentOf(id: string, parts: Partial<RecallDocument> = {}): RecallDocument {
  const plain = {
    key: `session.s1.log.${id}`,
    revision: 1,
    scope: "session.s1",
    kind: "turn",
    text: id,
    atMs: 0,
    position: 0,
  };
  return { id, ...plain, ...parts };
}

/** Turns of one conversation, `Name: what she says`, a minute apart. */
export function conversationOf(
  lines: readonly string[],
  startMs = 0,
  scope = "session.s1",
  first = 1,
): RecallDocument[] {
  return lines.map((line, at) => {
    const [, speaker = "", text = ""] = /^(\w+): (.*)$/.exec(line) ?? [];
    const position = first + at;
    return documentOf(`${scope}#${position}`, { scope, speaker, text, position, atMs: startMs + at * minuteMs });
  });
}

export function indexOf(documents: Iterable<RecallDocument>, options: RecallIndexOptions = {}): RecallIndex {
  const index = new RecallIndex(options);
  for (const document of documents) index.add(document);
  return index;
}

/** Vectors of counts of three characters, so that misspelt words are near each other. */
export function trigramEmbedder(dimensions = 256): Embedder {
  return {
    dimensions,
    model: "trigrams",
    async embed(texts) {
      return texts.map((text) => {
        const vector = new Float32Array(dimensions);
        const padded = `  ${text.toLowerCase()}  `;
        for (let at = 0; at + 3 <= padded.length; at += 1) {
          let hash = 0;
          for (const character of padded.slice(at, at + 3))
            hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
          const place = hash % dimensions;
          vector[place] = (vector[place] ?? 0) + 1;
        }
        return vector;
      });
    },
  };
}

const someWords =
  "tea teas teacher coffee hike hiking Anna Ben went go when? sunny I yesterday 日本語 日本 café the what".split(" ");

const textOf = (words: readonly string[]) =>
  fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((chosen) => chosen.join(" "));

export const someText = textOf(someWords);
/** Speaks of dates too. */
export const someQuery = textOf([...someWords, "January", "February", "1970"]);

/** Few ids, scopes and moments, so that documents replace each other, stand beside each other, and are of one time. */
export const someDocument: fc.Arbitrary<RecallDocument> = fc
  .record({
    id: fc.constantFrom(..."abcdefghijklmnop"),
    scope: fc.constantFrom("session.s1", "user.anna", "user.anna.session.s1"),
    kind: fc.constantFrom("turn", "turn", "turn", "tool", "fact"),
    text: someText,
    speaker: fc.constantFrom("Anna", "Ben", undefined),
    minute: fc.constantFrom(0, 1, 2, 30, 90, 100, 50_000),
    position: fc.nat({ max: 5 }),
  })
  .map(({ id, minute, speaker, ...parts }) =>
    documentOf(id, { ...parts, atMs: minute * minuteMs, ...(speaker === undefined ? {} : { speaker }) }),
  );
