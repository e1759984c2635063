// What a request may say besides its path: each value is checked at the door, and what is wrong is named with its value.

import type { Context } from "hono";
import { TroupeError } from "../../core/errors.ts";

/** Longest text that a parameter may hold. Unit: characters. */
export const textCharsMax = 500;

/** Undefined when it is absent or empty. Throws OPTION_INVALID. */
export function textOf(context: Context, name: string, charsMax = textCharsMax): string | undefined {
  const values = context.req.queries(name) ?? [];
  const [text = ""] = values;
  if (values.length > 1) throw new TroupeError("OPTION_INVALID", `\`${name}\` may be given once, got ${values.length}`);
  if (text.length > charsMax) {
    throw new TroupeError("OPTION_INVALID", `\`${name}\` holds at most ${charsMax} characters, got ${text.length}`);
  }
  return text === "" ? undefined : text;
}

/** Throws OPTION_INVALID when it is absent or empty. */
export function neededTextOf(context: Context, name: string, charsMax = textCharsMax): string {
  const text = textOf(context, name, charsMax);
  if (text === undefined) throw new TroupeError("OPTION_INVALID", `\`${name}\` is missing`);
  return text;
}

/**
 * A part of the path that a page has written. An id may be `..`, which every reader of addresses takes out: those of dots alone, and
 * those that begin with `~`, are written behind a `~` (the page does so in web/src/address-part.ts).
 */
export function partOf(context: Context, name: string): string {
  const part = context.req.param(name) ?? "";
  return part.startsWith("~") ? part.slice(1) : part;
}

export interface WholeBounds {
  readonly least: number;
  readonly most: number;
  readonly otherwise: number;
}

/** Throws OPTION_INVALID. */
export function wholeOf(context: Context, name: string, { least, most, otherwise }: WholeBounds): number {
  const text = textOf(context, name);
  if (text === undefined) return otherwise;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  const range = `a whole number from ${least} to ${most}`;
  throw new TroupeError("OPTION_INVALID", `\`${name}\` takes ${range}, got ${JSON.stringify(text.slice(0, 40))}`);
}

/** One of some words; `otherwise` when it is absent. Throws OPTION_INVALID. */
export function wordOf<const Word extends string, Otherwise extends Word | undefined>(
  context: Context,
  name: string,
  words: readonly Word[],
  otherwise: Otherwise,
): Word | Otherwise {
  const text = textOf(context, name);
  if (text === undefined) return otherwise;
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  const known = words.join(", ");
  throw new TroupeError("OPTION_INVALID", `\`${name}\` is one of ${known}; got ${JSON.stringify(text.slice(0, 40))}`);
}
