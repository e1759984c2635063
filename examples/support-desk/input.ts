// From lines to messages. A broken line is an outcome, with its number and the reason; the rest goes on.

import type { z } from "zod";
import type { Line } from "./lines.ts";
import { readLines } from "./lines.ts";
import type { Message } from "./message.ts";
import { messageSchema } from "./message.ts";
import { reasonOf } from "./text.ts";

export type Entry =
  | { readonly kind: "message"; readonly line: number; readonly message: Message }
  | { readonly kind: "broken"; readonly line: number; readonly reason: string };

/** Blank lines are no entries. */
export async function* readEntries(source: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  for await (const line of readLines(source)) {
    const entry = toEntry(line);
    if (entry !== undefined) yield entry;
  }
}

export function toEntry(line: Line): Entry | undefined {
  const broken = (reason: string): Entry => ({ kind: "broken", line: line.number, reason });
  if (line.kind === "unreadable") return broken(line.reason);
  if (line.text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (thrown) {
    // The line that the parser counts is always the first.
    return broken(`is not JSON: ${reasonOf(thrown).replace(/ \(line \d+ column \d+\)$/, "")}`);
  }
  const parsed = messageSchema.safeParse(value);
  if (parsed.success) return { kind: "message", line: line.number, message: parsed.data };
  return broken(parsed.error.issues.map((issue) => printIssue(issue, value)).join("; "));
}

/** zod says "expected string, received undefined" for a field that is not there; people say "missing". */
function printIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const field = issue.path.map(String).join(".");
  if (field === "") return `is not an object but ${describe(value)}`;
  const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, field);
  if (!isThere) return `has no \`${field}\``;
  const got = describe((value as Record<string, unknown>)[field]);
  if (issue.code === "invalid_type") return `\`${field}\` must be a ${issue.expected}, got ${got}`;
  if (issue.code === "invalid_value") return `\`${field}\` must be one of ${issue.values.join(", ")}, got ${got}`;
  return `\`${field}\` ${issue.message}`;
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return value.length > 40 ? "a string" : JSON.stringify(value);
  return typeof value === "object" ? "an object" : String(value);
}
