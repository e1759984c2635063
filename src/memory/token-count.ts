// What an entry costs in a model's window. Only the model's own tokenizer knows; this is what is taken for it where the
// user gives none.

import type { Entry } from "./entry.ts";

/** Tokens that an entry takes. A whole number, or it is rounded up. */
export type CountTokens = (entry: Entry) => number;

const asciiPerToken = 4;
const othersPerToken = 1.5;
/** What a model's frame of a message takes: its role, its ends. */
const perEntry = 4;

/**
 * Four characters of ASCII to a token, one and a half of any other script, and 4 for the message itself. Within about a
 * quarter for English prose, too high for most other languages of Europe, too low for numbers and code.
 */
export const approximateTokens: CountTokens = ({ text, speaker, data }) => {
  const parts = [text, speaker ?? "", data === undefined ? "" : JSON.stringify(data)];
  return perEntry + parts.reduce((sum, part) => sum + tokensOf(part), 0);
};

function tokensOf(text: string): number {
  let ascii = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) < 128) ascii += 1;
  return Math.ceil(ascii / asciiPerToken + (text.length - ascii) / othersPerToken);
}
