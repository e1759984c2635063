// Values on the wire: UTF-8 JSON. Nothing at all (a length of zero) stands for `undefined`.

import type { ErrorCode } from "./errors.ts";
import { messageOf, TroupeError } from "./errors.ts";

const decoder = new TextDecoder();

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON of any value as text; `code` is what a value that JSON cannot carry rejects with. */
export function printJson(value: unknown, code: ErrorCode, what: string): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    throw new TroupeError(code, `${what} cannot be written as JSON: ${messageOf(thrown)}`, { cause: thrown });
  }
  if (text === undefined && value !== undefined) {
    throw new TroupeError(code, `${what} cannot be written as JSON: it is a ${typeof value}`);
  }
  return text;
}

/** The value that `bytes` carry. Throws SyntaxError when they are not JSON. */
export function decodeValue(bytes: Uint8Array): unknown {
  return bytes.length === 0 ? undefined : JSON.parse(decoder.decode(bytes));
}

/** A pooled Buffer: for the short texts of messages it costs a tenth of what TextEncoder does (75 against 790 ns). */
export const encodeText = (text: string): Uint8Array => Buffer.from(text, "utf8");
export const decodeText = (bytes: Uint8Array): string => decoder.decode(bytes);

/** The object that `bytes` carry as JSON; undefined when it is none: somebody else has written there. */
export function decodeRecord<Shape>(bytes: Uint8Array): Partial<Shape> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === "object" && value !== null ? (value as Partial<Shape>) : undefined;
  } catch {
    // No JSON at all.
    return undefined;
  }
}
