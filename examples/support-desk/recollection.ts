// What a customer's agent makes of what it remembers. Pure: what was recalled comes in, words go out.

import type { RecallHit } from "../../src/index.ts";

/** An earlier message counts as another contact when so much time lies between. Unit: ms. */
const earlierMsMin = 6 * 3_600_000;
/** Words that a message must share with what it is about. */
const matchedMin = 2;
const quotesMax = 3;
const quoteLengthMax = 100;
const months = "January February March April May June July August September October November December".split(" ");

/** What the customer wrote about the same thing at another time. */
export interface EarlierMessage {
  readonly day: string;
  readonly text: string;
}

export function findEarlier(recalled: readonly RecallHit[], atMs: number): EarlierMessage | undefined {
  const found = recalled.find(({ document, why }) => {
    const isEarlier = document.atMs <= atMs - earlierMsMin;
    return document.role === "user" && isEarlier && wordsIn(why) >= matchedMin;
  });
  return found === undefined ? undefined : { day: dayOf(found.document.atMs), text: shorten(found.document.text) };
}

/** The answer to a question about what was said, with when. */
export function answerFrom(recalled: readonly RecallHit[]): string {
  const quotes = recalled.slice(0, quotesMax).map(({ document: { atMs, role, text } }) => {
    return `${dayOf(atMs)}, ${role === "user" ? "you" : "the desk"}: “${shorten(text)}”`;
  });
  return quotes.length === 0 ? "I remember nothing about that." : `I remember: ${quotes.join(" · ")}`;
}

function wordsIn({ matched }: RecallHit["why"]): number {
  return new Set(matched.filter(({ field }) => field === "text").map(({ word }) => word)).size;
}

function dayOf(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getUTCDate()} ${months[at.getUTCMonth()] ?? ""}`;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > quoteLengthMax ? `${line.slice(0, quoteLengthMax - 1).toWellFormed()}…` : line;
}
