// What a key and a pattern may look like: the same in every store, so that data moves between them.

import { TroupeError } from "../core/errors.ts";
import type { WatchPattern } from "./store.ts";

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

const patternsMax = 16;

/** Returns the patterns of a watcher. Rejects with KEY_INVALID, and with OPTION_INVALID when a key could match two. */
export function checkPatterns(pattern: WatchPattern): readonly string[] {
  const patterns = typeof pattern === "string" ? [pattern] : pattern;
  if (patterns.length < 1 || patterns.length > patternsMax) {
    throw new TroupeError("OPTION_INVALID", `a watcher takes 1 to ${patternsMax} patterns, got ${patterns.length}`);
  }
  for (const [at, one] of patterns.entries()) {
    checkPattern(one);
    const other = patterns.slice(0, at).find((earlier) => overlap(earlier, one));
    if (other === undefined) continue;
    throw new TroupeError("OPTION_INVALID", `the patterns ${other} and ${one} of a watcher match keys in common`);
  }
  return patterns;
}

function overlap(one: string, other: string): boolean {
  const left = one.split(".");
  const right = other.split(".");
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [a, b] = [left[at], right[at]];
    if (a === undefined || b === undefined) return false;
    if (a === ">" || b === ">") return true;
    if (a !== b && a !== "*" && b !== "*") return false;
  }
  return true;
}

/** A test for the keys that a watcher's patterns match. */
export function matcherOfAll(patterns: readonly string[]): (key: string) => boolean {
  const [only, ...more] = patterns.map(matcherOf);
  if (only !== undefined && more.length === 0) return only;
  return (key) => only?.(key) === true || more.some((matches) => matches(key));
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
