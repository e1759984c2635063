// Reading a log: which entries are wanted, and an iterable that brings them page by page.
//
//   R1. What is read is the log as it stood when the reading began, as far as it still stands: what is appended meanwhile
//       is not in it, what is taken out meanwhile may be.

import { TroupeError } from "../core/errors.ts";
import type { KvStore } from "../kv/store.ts";
import type { Entry } from "./entry.ts";
import type { Head } from "./head.ts";
import type { ReadOptions } from "./log-calls.ts";
import type { PagedRecord } from "./log-pages.ts";
import { readPages } from "./log-pages.ts";
import type { RecordReading } from "./log-record.ts";
import { readEntriesAt } from "./log-record.ts";
import type { Segment } from "./log-segments.ts";
import { recordOf } from "./memory-keys.ts";

/** A log as it stood at one moment (R1). */
export interface StandingLog {
  readonly head: Head;
  readonly segments: readonly Segment[];
}

/** Entries in the order asked for. Each iteration reads anew. */
export interface LogReading extends AsyncIterable<Entry> {
  toArray(): Promise<readonly Entry[]>;
}

/** How it begins where nothing is said; further pages are larger while records are small. */
const pageSizeDefault = 64;
/** With the head a page is read as of one moment. */
const pageSizeMax = 499;

/** What is wanted, with every bound there. */
export interface Wanted {
  readonly low: number;
  readonly high: number;
  /** How many are read at most, and in which order. */
  readonly countMax: number;
  readonly order: "oldest" | "newest";
  /** They are handed out in the other order than they are read, and then at most `limit`. */
  readonly isTurned: boolean;
  readonly limit: number;
  readonly pageSize: number;
  readonly pageSizeMax: number;
  readonly matches: (entry: Entry) => boolean;
}

/** Rejects with OPTION_INVALID. */
export function wantedOf(options: ReadOptions): Wanted {
  const { from = 0, to = Number.MAX_SAFE_INTEGER, after = -1, before = Number.MAX_SAFE_INTEGER } = options;
  const { last, limit = Number.MAX_SAFE_INTEGER, order = "oldest", filter, kinds, roles, sinceMs, untilMs } = options;
  for (const [name, value, least] of [
    ...[["from", from, 0] as const, ["to", to, 0] as const, ["after", after, -1] as const],
    ...[["before", before, 0] as const, ["last", last ?? 1, 0] as const, ["limit", limit, 0] as const],
  ]) {
    if (!Number.isSafeInteger(value) || value < least) throw invalid(name, "a whole number of 0 or more", value);
  }
  if (order !== "oldest" && order !== "newest") throw invalid("order", '"oldest" or "newest"', order);
  const { pageSize } = options;
  if (pageSize !== undefined && !(Number.isSafeInteger(pageSize) && pageSize >= 1 && pageSize <= pageSizeMax)) {
    throw invalid("pageSize", `a whole number from 1 to ${pageSizeMax}`, pageSize);
  }
  const isPicky = [filter, kinds, roles, sinceMs, untilMs].some((bound) => bound !== undefined);
  const isTurned = last !== undefined && order === "oldest";
  const countMax = isTurned ? last : Math.min(last ?? limit, limit);
  return {
    low: Math.max(from, after + 1),
    high: Math.min(to, before - 1),
    order: last === undefined ? order : "newest",
    ...{ countMax, isTurned, limit },
    pageSize: pageSize ?? (isPicky || countMax > pageSizeMax ? pageSizeDefault : Math.max(1, countMax)),
    pageSizeMax: pageSize ?? pageSizeMax,
    matches: (entry) =>
      (kinds === undefined || kinds.includes(entry.kind)) &&
      (roles === undefined || roles.includes(entry.role)) &&
      (sinceMs === undefined || entry.atMs >= sinceMs) &&
      (untilMs === undefined || entry.atMs < untilMs) &&
      (filter === undefined || filter(entry)),
  };
}

/** The entries that are wanted, in the order in which they are read. */
export async function* readEntries(
  entries: KvStore,
  reading: RecordReading,
  { head, segments }: StandingLog,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry, void, undefined> {
  const { low, high, order, pageSize, pageSizeMax, countMax, matches } = wanted;
  const pins = new Set(head.pins);
  let count = 0;
  if (countMax === 0 || low > high) return;
  for await (const page of readPages(entries, clip(segments, low, high), { order, pageSize, pageSizeMax, signal })) {
    for (const place of page) {
      for (const stored of await entriesOf(reading, place, order)) {
        const { position } = stored;
        if (position < low || position > Math.min(high, place.segment.upTo)) continue;
        const pinned = pins.has(position);
        const entry = stored.pinned === pinned ? stored : { ...stored, pinned };
        if (!matches(entry)) continue;
        yield entry;
        count += 1;
        if (count === countMax) return;
      }
    }
  }
}

async function entriesOf(reading: RecordReading, place: PagedRecord, order: string): Promise<readonly Entry[]> {
  const { segment, record, kv } = place;
  const entries = await readEntriesAt(reading, kv, segment.scope, record);
  return order === "oldest" || entries.length < 2 ? entries : entries.toReversed();
}

/** The segments as far as they hold records from position `low` to `high`. */
function clip(segments: readonly Segment[], low: number, high: number): readonly Segment[] {
  return segments.flatMap((segment) => {
    const first = Math.max(segment.first, recordOf(low));
    const last = Math.min(segment.last, recordOf(high));
    return first > last ? [] : [{ ...segment, first, last }];
  });
}

/** The same, in the order in which they are handed out. */
export function readingOf(
  open: () => Promise<StandingLog>,
  entries: KvStore,
  reading: RecordReading,
  options: ReadOptions,
): LogReading {
  const wanted = wantedOf(options);
  const { signal } = options;
  async function* read(): AsyncGenerator<Entry, void, undefined> {
    signal?.throwIfAborted();
    const inOrder = readEntries(entries, reading, await open(), wanted, signal);
    if (!wanted.isTurned) return yield* inOrder;
    const turned: Entry[] = [];
    for await (const entry of inOrder) turned.push(entry);
    yield* turned.reverse().slice(0, wanted.limit);
  }
  return {
    [Symbol.asyncIterator]: read,
    async toArray() {
      const all: Entry[] = [];
      for await (const entry of read()) all.push(entry);
      return all;
    },
  };
}

function invalid(name: string, wanted: string, got: unknown): TroupeError {
  return new TroupeError("OPTION_INVALID", `\`${name}\` must be ${wanted}, got ${String(got)}`);
}
