// What a key and a pattern may look like: the same in every store, so that data moves between them.

import { TroupeError } from "../core/errors.ts";

/** Longest key. Unit: characters (all ASCII). Room for an escaped id of 256 bytes behind a type and a prefix. */
export const keyLengthMax = 1_024;
const keyForm = /^[-/_=A-Za-z0-9]+(?:\.[-/_=A-Za-z0-9]+)*$/;
const patternForm = /^(?:(?:[-/_=A-Za-z0-9]+|\*)\.)*(?:[-/_=A-Za-z0-9]+|\*|>)$/;

/** Returns the key. Rejects with KEY_INVALID. */
export function checkKey(key: string): string {
  if (typeof key !== "string" || key.length > keyLengthMax || !keyForm.test(key)) {
    throw new TroupeError("KEY_INVALID", `${JSON.stringify(key) ?? typeof key} is not a key`);
  }
  return key;
}

/** Returns the pattern. Rejects with KEY_INVALID. */
export function checkPattern(pattern: string): string {
  if (typeof pattern !== "string" || pattern.length > keyLengthMax || !patternForm.test(pattern)) {
    throw new TroupeError("KEY_INVALID", `${JSON.stringify(pattern) ?? typeof pattern} is not a pattern of keys`);
  }
  return pattern;
}

/** A test for the keys that a pattern matches. */
export function matcherOf(pattern: string): (key: string) => boolean {
  const wanted = checkPattern(pattern).split(".");
  const isOpen = wanted.at(-1) === ">";
  return (key) => {
    const tokens = key.split(".");
    if (isOpen ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
    return wanted.every((want, at) => want === ">" || want === "*" || want === tokens[at]);
  };
}
