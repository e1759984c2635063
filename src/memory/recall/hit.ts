// What a search asks for, and what it answers.

import type { RecallDocument } from "./document.ts";

export interface RecallQueryOptions {
  /** Hits at most. Default 10. */
  readonly k?: number;
  /** Only documents of these scopes: their texts, or patterns of them (`user.anna.>`, `*.*.session.*`). Default: all. */
  readonly scopes?: readonly string[];
  /** Only documents of these kinds. Default: all. */
  readonly kinds?: readonly string[];
  /** Only documents from this moment on. Unit: ms since the Unix epoch. */
  readonly since?: number;
  /** Only documents from before this moment. Unit: ms since the Unix epoch. */
  readonly until?: number;
  /** Only documents for which it says true. */
  readonly filter?: (document: RecallDocument) => boolean;
  /** Ends the embedding of the query; a lexical search does not wait for anything. */
  readonly signal?: AbortSignal;
}

/** What a part of the score comes from. */
export type RecallField = "text" | "neighbours" | "date" | "telling" | "speaker";

/** Why a hit stands where it does. */
export interface RecallWhy {
  /** Words of the query that it met, as they stood there, the weightiest first. */
  readonly matched: readonly { readonly word: string; readonly field: RecallField; readonly score: number }[];
  /** What each field gave to the lexical score, which is their sum. */
  readonly fields: Readonly<Record<RecallField, number>>;
  /** The sum of the fields. */
  readonly lexicalScore: number;
  /** Its place in the lexical list, from 1; undefined when no word matched. */
  readonly lexicalRank: number | undefined;
  /** Its place in the list of vectors, from 1; undefined when there was none, or it is not in that list. */
  readonly vectorRank: number | undefined;
  /** Likeness of its vector to the query's, from -1 to 1. */
  readonly cosine: number | undefined;
}

export interface RecallHit {
  readonly document: RecallDocument;
  /** What it is ranked by: the lexical score, or with vectors the sum of 1 / (60 + rank) over both lists. */
  readonly score: number;
  readonly why: RecallWhy;
}

export interface RecallResult {
  /** The best first; equal ones by time, the newer first, then by id. */
  readonly hits: readonly RecallHit[];
  /** Said when the query could not be embedded, so that the hits are ranked by words alone: the reason. */
  readonly degraded?: string;
}
