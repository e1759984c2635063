// Which entries of a log go by a policy: decided from the newest to the oldest, and kept as a line that can be drawn again
// later. Pure.
//
//   N1. What is pinned when it is taken out, and the summary that is in force then, stays.
//   N2. What was appended after the line was drawn is above it and stays.

import type { Head } from "./head.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

export type RetentionReason = "age" | "entries" | "bytes";

/** Where the line is. */
export interface RetentionCut {
  /** Entries before this position go; 0: none for their number or size. */
  readonly before: number;
  /** Entries of an earlier time go. Unit: ms since the Unix epoch. */
  readonly olderThanMs: number | undefined;
  /** The newest position that was looked at. */
  readonly upTo: number;
}

export interface CutEntry {
  readonly position: number;
  readonly atMs: number;
  /** Of its stored JSON. */
  readonly bytes: number;
}

/** Draws the line, entry by entry, newest first. */
export class CutFinder {
  readonly #policy: RetentionPolicy;
  readonly #olderThanMs: number | undefined;
  #entries = 0;
  #bytes = 0;
  #before = 0;
  #upTo = 0;

  constructor(policy: RetentionPolicy, nowMs: number) {
    this.#policy = policy;
    this.#olderThanMs = policy.ageMsMax === undefined ? undefined : nowMs - policy.ageMsMax;
  }

  /** Why the entry goes; empty when it stays. */
  take({ position, atMs, bytes }: CutEntry): readonly RetentionReason[] {
    const { entriesMax = Number.POSITIVE_INFINITY, bytesMax = Number.POSITIVE_INFINITY } = this.#policy;
    this.#entries += 1;
    this.#bytes += bytes;
    this.#upTo = Math.max(this.#upTo, position);
    const reasons: RetentionReason[] = [];
    if (this.#olderThanMs !== undefined && atMs < this.#olderThanMs) reasons.push("age");
    if (this.#entries > entriesMax) reasons.push("entries");
    if (this.#bytes > bytesMax) reasons.push("bytes");
    if (reasons.some((reason) => reason !== "age")) this.#before = Math.max(this.#before, position + 1);
    return reasons;
  }

  get cut(): RetentionCut {
    return { before: this.#before, olderThanMs: this.#olderThanMs, upTo: this.#upTo };
  }
}

/** Whether an entry goes, as the head is when it is taken out (N1, N2). */
export function goesBy(cut: RetentionCut, head: Head, { position, atMs }: Omit<CutEntry, "bytes">): boolean {
  if (position > cut.upTo || isKept(head, position)) return false;
  return position < cut.before || (cut.olderThanMs !== undefined && atMs < cut.olderThanMs);
}

export function isKept({ pins, summary }: Head, position: number): boolean {
  return pins.includes(position) || summary?.position === position;
}
