// What a log holds: one thing that was said, seen or done. Stored as JSON that a person can read, the text in front, what
// has its default left out.

import type { Json } from "../core/codec.ts";
import { printJson } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { traceIdForm } from "../core/trace.ts";
import { positionOf, recordEntriesMax } from "./memory-keys.ts";
import type { Scope } from "./scope.ts";

/** "turn": said by somebody; "tool": a call of a tool or what came of it; "summary": stands for what was before it. */
export type EntryKind = "turn" | "observation" | "tool" | "summary";
export const entryKinds: readonly EntryKind[] = ["turn", "observation", "tool", "summary"];

export interface NewEntry {
  /** What was said, in words. May be empty when `data` says it. */
  readonly text: string;
  /** In whose part: `user`, `assistant`, `system`, `tool` or a name of your own, at most 64 characters. Default "user". */
  readonly role?: string;
  /** Names the entry: a second one of the same id is not written again. At most 256 characters. Default: a fresh one. */
  readonly id?: string;
  /** Default "turn". */
  readonly kind?: EntryKind;
  /** Who said it, for people and for recall. At most 256 characters. */
  readonly speaker?: string;
  /** What goes with it, as JSON: arguments and result of a tool, say. */
  readonly data?: Json;
  /** When it was said. Unit: ms since the Unix epoch. Default: when the store writes it. */
  readonly atMs?: number;
  /** Stands in every window. Default false. */
  readonly pinned?: boolean;
  /** Id of the message that led to it. At most 256 characters. */
  readonly cause?: string;
  /** Trace id, 32 hex digits. */
  readonly trace?: string;
}

/** An entry as it is stored. */
export interface Entry {
  readonly scope: Scope;
  /** Orders the log and never changes; not without gaps. */
  readonly position: number;
  readonly id: string;
  readonly kind: EntryKind;
  readonly role: string;
  readonly text: string;
  readonly speaker: string | undefined;
  readonly data: Json | undefined;
  readonly atMs: number;
  readonly pinned: boolean;
  readonly cause: string | undefined;
  readonly trace: string | undefined;
  /** Of a summary: the position up to which it speaks. */
  readonly covers: number | undefined;
  /** Schema number. */
  readonly schema: number;
  /** Where it lies in the store. */
  readonly key: string;
  readonly revision: number;
}

/** An entry's JSON. */
export interface StoredEntry {
  readonly role?: string;
  readonly text: string;
  readonly id: string;
  readonly kind?: EntryKind;
  readonly speaker?: string;
  readonly data?: Json;
  readonly at?: number;
  readonly pin?: 1;
  readonly cause?: string;
  readonly trace?: string;
  readonly covers?: number;
  readonly v?: number;
  /** Left behind by an entry that was taken out of a record with others. */
  readonly gone?: 1;
}

/** Characters of the names that an entry carries. */
const nameLengthMax = 256;
const roleLengthMax = 64;

/** What is stored of a new entry. `id`: what it is called when it has no id of its own. Rejects with ENTRY_INVALID. */
export function storedEntry(entry: NewEntry, id: string, schema: number, covers?: number): StoredEntry {
  checkEntry(entry);
  const { role = "user", text, kind = "turn", speaker, data, atMs, pinned, cause, trace } = entry;
  return {
    ...(role === "user" ? {} : { role }),
    text,
    id: entry.id ?? id,
    ...(kind === "turn" ? {} : { kind }),
    ...(speaker === undefined ? {} : { speaker }),
    ...(data === undefined ? {} : { data }),
    ...(atMs === undefined ? {} : { at: atMs }),
    ...(pinned === true ? { pin: 1 } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...(trace === undefined ? {} : { trace }),
    ...(covers === undefined ? {} : { covers }),
    ...(schema === 1 ? {} : { v: schema }),
  };
}

/** An entry's JSON. Rejects with ENTRY_INVALID when JSON cannot carry what it holds. */
export function printEntry(entry: StoredEntry): string {
  return printJson(entry, "ENTRY_INVALID", "an entry") ?? "{}";
}

/** A record of entries, each given as its JSON. */
export function joinRecord(entries: readonly string[]): string {
  return entries.length === 1 ? (entries[0] ?? "") : `[${entries.join(",")}]`;
}

export function printRecord(entries: readonly StoredEntry[]): string {
  return joinRecord(entries.map(printEntry));
}

/** The entries of a record; none of a tombstone. Rejects with MEMORY_UNREADABLE. */
export function readRecord(key: string, text: string): readonly StoredEntry[] {
  if (text === "") return [];
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (thrown) {
    throw unreadable(key, messageOf(thrown), thrown);
  }
  const entries = Array.isArray(raw) ? (raw as unknown[]) : [raw];
  if (entries.length > recordEntriesMax) throw unreadable(key, `it holds ${entries.length} entries`);
  for (const entry of entries) {
    if (typeof entry !== "object" || entry === null) throw unreadable(key, "it holds no entry");
    const { text: words, id, gone } = entry as Partial<StoredEntry>;
    const isEntry = typeof words === "string" && typeof id === "string";
    if (gone !== 1 && !isEntry) throw unreadable(key, "an entry has no `text` and `id`");
  }
  return entries as readonly StoredEntry[];
}

/** Where a record lies and when it was written. */
export interface RecordPlace {
  readonly scope: Scope;
  readonly record: number;
  readonly key: string;
  readonly revision: number;
  readonly writtenAtMs: number;
}

export function toEntry(stored: StoredEntry, index: number, place: RecordPlace): Entry {
  const { scope, record, key, revision, writtenAtMs } = place;
  return {
    scope,
    position: positionOf(record, index),
    id: stored.id,
    kind: stored.kind ?? "turn",
    role: stored.role ?? "user",
    text: stored.text,
    speaker: stored.speaker,
    data: stored.data,
    atMs: stored.at ?? writtenAtMs,
    pinned: stored.pin === 1,
    cause: stored.cause,
    trace: stored.trace,
    covers: stored.covers,
    schema: stored.v ?? 1,
    key,
    revision,
  };
}

/** Rejects with ENTRY_INVALID. */
export function checkEntry(entry: NewEntry): void {
  if (typeof entry !== "object" || entry === null) throw invalid(`an entry must be an object, got ${String(entry)}`);
  const { text, role, id, kind, speaker, atMs, cause, trace } = entry;
  if (typeof text !== "string") throw invalid(`\`text\` must be a string, got ${JSON.stringify(text) ?? typeof text}`);
  checkText("role", role, roleLengthMax);
  checkText("id", id, nameLengthMax);
  checkText("speaker", speaker, nameLengthMax);
  checkText("cause", cause, nameLengthMax);
  if (kind !== undefined && !entryKinds.includes(kind)) {
    throw invalid(`\`kind\` must be one of ${entryKinds.join(", ")}, got ${JSON.stringify(kind)}`);
  }
  if (atMs !== undefined && !Number.isFinite(atMs)) throw invalid(`\`atMs\` must be a time in ms, got ${atMs}`);
  if (trace !== undefined && !traceIdForm.test(trace)) {
    throw invalid(`\`trace\` must be 32 hex digits, got ${JSON.stringify(trace)}`);
  }
}

function checkText(name: string, value: string | undefined, lengthMax: number): void {
  if (value === undefined) return;
  if (typeof value === "string" && value.length > 0 && value.length <= lengthMax) return;
  throw invalid(`\`${name}\` must be a string of 1 to ${lengthMax} characters, got ${JSON.stringify(value)}`);
}

function invalid(what: string): TroupeError {
  return new TroupeError("ENTRY_INVALID", what);
}

function unreadable(key: string, why: string, cause?: unknown): TroupeError {
  return new TroupeError("MEMORY_UNREADABLE", `the value of ${key} is no record of a log: ${why}`, { cause });
}
