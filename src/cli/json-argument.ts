// Values on the command line: JSON, or `-` for JSON on standard input.

import { messageOf } from "../core/errors.ts";
import { shellWord } from "../core/shell-word.ts";
import { usage } from "./failure.ts";

/** The value; undefined when there is none. Throws a usage failure that says how to quote. */
export async function readJsonArgument(
  name: string,
  text: string | undefined,
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<unknown> {
  if (text === undefined) return undefined;
  if (text !== "-") return parseJson(name, text);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  const read = Buffer.concat(chunks).toString("utf8");
  return read.trim() === "" ? undefined : parseJson(`${name} on standard input`, read);
}

export function parseJson(name: string, text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const shown = text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
    throw usage(`${name} is not JSON: ${JSON.stringify(shown)} (${messageOf(thrown)})`, howToQuote(text));
  }
}

/** The most likely slip: a text without its double quotes, or an object whose quotes the shell has taken. */
function howToQuote(text: string): string {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed)) {
    return 'Put JSON in single quotes, so that the shell leaves its double quotes alone: \'{"name":"Ada"}\'.';
  }
  const quoted = trimmed.length > 60 ? "a text" : trimmed;
  return `A text is JSON in double quotes, and single quotes keep the shell away: ${shellWord(JSON.stringify(quoted))}.`;
}
