// What changed from one JSON value to another, as a JSON patch (RFC 6902): operations add, remove and replace.
//
//   J1. Applying `diff(a, b)` to `a` gives `b`.

import type { Json } from "./codec.ts";

export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

export type JsonPatch = readonly PatchOperation[];

/** `undefined` stands for "no value"; from it the whole value is one `add` at the root. */
export function diff(before: Json | undefined, after: Json | undefined): JsonPatch {
  const patch: PatchOperation[] = [];
  if (before === undefined && after === undefined) return patch;
  if (after === undefined) patch.push({ op: "remove", path: "" });
  else if (before === undefined) patch.push({ op: "add", path: "", value: after });
  else compare(before, after, "", patch);
  return patch;
}

function compare(before: Json, after: Json, path: string, patch: PatchOperation[]): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) return compareArrays(before, after, path, patch);
  if (isRecord(before) && isRecord(after)) return compareRecords(before, after, path, patch);
  patch.push({ op: "replace", path, value: after });
}

function compareRecords(
  before: { readonly [key: string]: Json },
  after: { readonly [key: string]: Json },
  path: string,
  patch: PatchOperation[],
): void {
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) patch.push({ op: "remove", path: `${path}/${escapePointer(key)}` });
  }
  for (const [key, value] of Object.entries(after)) {
    const place = `${path}/${escapePointer(key)}`;
    if (Object.hasOwn(before, key)) compare(before[key] as Json, value, place, patch);
    else patch.push({ op: "add", path: place, value });
  }
}

/** Equal ends are kept, so that what is appended, put in front or taken out in one place is short. */
function compareArrays(before: readonly Json[], after: readonly Json[], path: string, patch: PatchOperation[]): void {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && isEqual(before[start] as Json, after[start] as Json)) start += 1;
  let end = 0;
  while (end < shorter - start && isEqual(before.at(-1 - end) as Json, after.at(-1 - end) as Json)) end += 1;
  const replaced = shorter - start - end;
  for (let at = start; at < start + replaced; at += 1)
    compare(before[at] as Json, after[at] as Json, `${path}/${at}`, patch);
  const from = start + replaced;
  for (let at = before.length - end - 1; at >= from; at -= 1) patch.push({ op: "remove", path: `${path}/${at}` });
  for (let at = from; at < after.length - end; at += 1) {
    patch.push({ op: "add", path: `${path}/${at}`, value: after[at] as Json });
  }
}

function isEqual(a: Json, b: Json): boolean {
  const patch: PatchOperation[] = [];
  compare(a, b, "", patch);
  return patch.length === 0;
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
