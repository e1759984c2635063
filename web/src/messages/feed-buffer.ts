// What is kept of the feed on the page.
//
//   B1. It is bounded, also while nothing is shown for hours: the oldest goes, and what is left out is counted. What is ordinary goes
//       first: of 200 ordinary items a second a warning would be gone after five seconds.
//   B2. While it is paused what is shown stays as it is; what comes meanwhile is kept and counted, and is shown when it goes on.
//   B3. Nothing is shown twice, and order is that of arrival.

import type { FeedView } from "../../../src/monitoring/dashboard/api/live.ts";
import type { FeedItem } from "../../../src/monitoring/dashboard/api/messages.ts";

export interface Kept {
  /** Grows: a row's own name on the page. */
  readonly number: number;
  readonly item: FeedItem;
}

export interface FeedBuffer {
  /** Oldest first. */
  readonly shown: readonly Kept[];
  readonly isPaused: boolean;
  /** What came while it was paused: at most as many as are kept at all. */
  readonly held: readonly Kept[];
  /** How many came while it was paused, kept or not, and how many of them are no longer kept. */
  readonly came: number;
  readonly lost: number;
  /** What the workers have told of in numbers alone, since the page was opened. */
  readonly skipped: number;
  /** Of these, warnings and errors: as many at least. */
  readonly skippedNotable: number;
  readonly next: number;
}

export const keptMax = 1_000;
/** Warnings and errors among them at most. */
export const notableMax = 500;

export const emptyFeed: FeedBuffer = {
  ...{ shown: [], isPaused: false, held: [], came: 0, lost: 0, skipped: 0, skippedNotable: 0, next: 1 },
};

export function withItems(buffer: FeedBuffer, { items, skipped, skippedNotable }: FeedView): FeedBuffer {
  const fresh = items.map((item, at) => ({ number: buffer.next + at, item }));
  const counted = {
    ...{ ...buffer, next: buffer.next + items.length, skipped: buffer.skipped + skipped },
    skippedNotable: buffer.skippedNotable + skippedNotable,
  };
  if (!buffer.isPaused) return { ...counted, shown: lastOf([...buffer.shown, ...fresh]) }; // B1
  const held = lastOf([...buffer.held, ...fresh]);
  const lost = buffer.lost + buffer.held.length + fresh.length - held.length;
  return { ...counted, held, lost, came: buffer.came + fresh.length }; // B2
}

export function paused(buffer: FeedBuffer): FeedBuffer {
  return { ...buffer, isPaused: true };
}

export function resumed(buffer: FeedBuffer): FeedBuffer {
  const shown = lastOf([...buffer.shown, ...buffer.held]);
  return { ...buffer, isPaused: false, shown, held: [], came: 0, lost: 0 };
}

/** What was left out of one sample says nothing of another. */
export function recounted(buffer: FeedBuffer): FeedBuffer {
  return { ...buffer, skipped: 0, skippedNotable: 0 };
}

/** Forgets what is shown; a pause goes on. */
export function cleared(buffer: FeedBuffer): FeedBuffer {
  return { ...buffer, shown: [], skipped: 0, skippedNotable: 0 };
}

/** B1 */
function lastOf(all: readonly Kept[]): readonly Kept[] {
  if (all.length <= keptMax) return all;
  const notable = all.filter(isNotable).slice(-notableMax);
  const ordinary = all.filter((kept) => !isNotable(kept)).slice(-(keptMax - notable.length));
  return [...notable, ...ordinary].sort((one, other) => one.number - other.number);
}

const isNotable = ({ item }: Kept): boolean => item.level !== "info";
