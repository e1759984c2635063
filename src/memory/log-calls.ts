// What the calls of a context log take and give.

import type { Entry, EntryKind, NewEntry } from "./entry.ts";
import type { SummaryPlace } from "./head.ts";
import type { EntrySchemaOptions } from "./log-schema.ts";
import type { CountTokens } from "./token-count.ts";

export interface ContextLogOptions {
  /**
   * An entry that was given an id is looked for among so many of the log's last entries before it is written. They are
   * read once, when the first id is given, and their ids are kept in memory (about 100 bytes each). Default 10,000.
   */
  readonly idempotencyEntries?: number;
  /** Appends that wait behind the record that is being written; more reject with WRITE_CONTENDED. Default 10,000. */
  readonly queuedCallsMax?: number;
  /** What entries look like today, and how older ones are led there. */
  readonly entrySchema?: EntrySchemaOptions;
}

export interface AppendOptions {
  /**
   * The scope's era under which this was formed (`log.era()`): after an erasure it is refused with SCOPE_ERASED.
   * Default: the era that the log's handle knew when the call began.
   */
  readonly era?: number;
  /** Takes the call back as long as nothing of it is on its way; afterwards the call is answered as without it. */
  readonly signal?: AbortSignal;
}

export interface Appended {
  /** One for each entry given, in the same order. */
  readonly entries: readonly AppendedEntry[];
}

export interface AppendedEntry {
  readonly id: string;
  readonly position: number;
  readonly key: string;
  readonly revision: number;
  /** An entry of this id stood already; this one was not written. */
  readonly isDuplicate: boolean;
}

/** All bounds hold together. Positions need not be those of an entry. */
export interface ReadOptions {
  /** From this position on, itself included. */
  readonly from?: number;
  /** Up to this position, itself included. */
  readonly to?: number;
  /** Behind this position. */
  readonly after?: number;
  /** Before this position. */
  readonly before?: number;
  /** Said at this time or later. Unit: ms since the Unix epoch. */
  readonly sinceMs?: number;
  /** Said before this time. Unit: ms since the Unix epoch. */
  readonly untilMs?: number;
  /** Default: all. */
  readonly kinds?: readonly EntryKind[];
  /** Default: all. */
  readonly roles?: readonly string[];
  readonly filter?: (entry: Entry) => boolean;
  /** Only the last so many of those that match; they are held in memory. */
  readonly last?: number;
  /** Ends after so many entries. */
  readonly limit?: number;
  /** Default "oldest": oldest first. */
  readonly order?: "oldest" | "newest";
  /** Records that are read at once, at most 499. Default: what `last` or `limit` says, or 64 and more while they are small. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

export interface WindowOptions {
  /** What the window may take. Unit: tokens, as `countTokens` counts them. */
  readonly tokens: number;
  /** Default: `approximateTokens`. */
  readonly countTokens?: CountTokens;
  /** Kinds that are taken besides the pinned entries and the summary. Default: all but summaries. */
  readonly kinds?: readonly EntryKind[];
  readonly signal?: AbortSignal;
}

export interface LogWindow {
  /** In the order of the log; the summary stands behind what it speaks of. */
  readonly entries: readonly Entry[];
  /** The summary in force. It is among `entries`. */
  readonly summary: Entry | undefined;
  /** What `entries` take. */
  readonly tokens: number;
  /** The pinned entries and the summary alone take more than was allowed; nothing else is in the window. */
  readonly isOverBudget: boolean;
  /** What would have been in a larger window. */
  readonly leftOut: LeftOut | undefined;
}

export interface LeftOut {
  /** Position of the newest entry that did not fit; it and what is older is left out. */
  readonly upTo: number;
  /** How many entries. */
  readonly entries: number;
  /** False: `entries` counts the records that were not read as one entry each. */
  readonly isExact: boolean;
}

/** Makes a summary of `entries`, and of `previous` (what stood for the entries before them). */
export type Summarize = (
  entries: readonly Entry[],
  previous: string | undefined,
  signal: AbortSignal | undefined,
) => string | NewEntry | Promise<string | NewEntry>;

export interface CompactOptions {
  readonly summarize: Summarize;
  /** The last so many entries are left out of the summary. Either this or `upTo`. */
  readonly keepLast?: number;
  /** Position up to which the summary is to speak. */
  readonly upTo?: number;
  /** Most entries of one call of `summarize`; the next call gets what this one returned as `previous`. Default 500. */
  readonly chunkEntries?: number;
  readonly signal?: AbortSignal;
}

export type Compaction =
  | { readonly kind: "compacted"; readonly summary: SummaryPlace; readonly entries: number }
  /** There is nothing that the summary in force does not cover. */
  | { readonly kind: "nothing" }
  /** Another summary came into force meanwhile and stands; this one is not in force. */
  | { readonly kind: "superseded"; readonly standing: SummaryPlace | undefined };

/** A position: what lies behind it, or before it, is taken out; itself stays. */
export type TruncateOptions = { readonly after: number } | { readonly before: number };

export interface Truncation {
  readonly entries: number;
  readonly records: number;
}

export interface ForkOptions {
  /** The last entry that the fork shares. Default: the last one that stands. */
  readonly at?: number;
}
