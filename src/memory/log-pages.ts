// The records of a log page by page, oldest or newest first, never more than two pages in memory.

import type { KvEntry, KvStore } from "../kv/store.ts";
import type { Segment } from "./log-segments.ts";
import { recordKey } from "./memory-keys.ts";

export interface PageOptions {
  readonly order: "oldest" | "newest";
  /** Records of the first page. */
  readonly pageSize: number;
  /** Records of a page later on, when they are small. Default: as many as of the first. */
  readonly pageSizeMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A record that stands. */
export interface PagedRecord {
  readonly segment: Segment;
  readonly record: number;
  readonly kv: KvEntry;
}

/** A page with more is followed by smaller ones, one with far less by larger ones. Unit: bytes. */
const pageBytesMax = 4_194_304;
const growth = 4;

/** Tombstones are left out. Rejects as `getMany` does, and with the signal's reason. */
export async function* readPages(
  entries: KvStore,
  segments: readonly Segment[],
  { order, pageSize, pageSizeMax = pageSize, signal }: PageOptions,
): AsyncGenerator<readonly PagedRecord[], void, undefined> {
  const spread = { pageSize };
  const ranges = rangesOf(segments, order, spread);
  const readNext = () => {
    const { value: range } = ranges.next();
    return range === undefined ? undefined : readPage(entries, range, order);
  };
  // The second page and what follows is asked for while the one before is in use; often the first one is enough.
  let ahead = readNext();
  for (let at = 0; ahead !== undefined; at += 1) {
    signal?.throwIfAborted();
    const page = await ahead;
    spread.pageSize = pageSizeAfter(spread.pageSize, bytesOf(page), pageSizeMax);
    if (at > 0) ahead = readNext();
    ahead?.catch(() => undefined); // It is told of when its turn has come, if it comes.
    yield page;
    if (at === 0) ahead = readNext();
  }
}

interface Range {
  readonly segment: Segment;
  readonly first: number;
  readonly last: number;
}

/** Ranges of records in the order asked for, each as large as `spread` says when its turn comes. */
export function* rangesOf(
  segments: readonly Segment[],
  order: "oldest" | "newest",
  spread: { readonly pageSize: number },
): Generator<Range, void, undefined> {
  if (order === "oldest") {
    for (const segment of segments) {
      for (let first = segment.first; first <= segment.last; ) {
        const last = Math.min(segment.last, first + spread.pageSize - 1);
        yield { segment, first, last };
        first = last + 1;
      }
    }
    return;
  }
  for (const segment of segments.toReversed()) {
    for (let last = segment.last; last >= segment.first; ) {
      const first = Math.max(segment.first, last - spread.pageSize + 1);
      yield { segment, first, last };
      last = first - 1;
    }
  }
}

async function readPage(entries: KvStore, range: Range, order: "oldest" | "newest"): Promise<readonly PagedRecord[]> {
  const { segment, first, last } = range;
  const numbers = Array.from({ length: last - first + 1 }, (_, at) => (order === "oldest" ? first + at : last - at));
  const keys = numbers.map((record) => recordKey(segment.scope, record));
  const found = await entries.getMany(keys);
  return numbers.flatMap((record, at) => {
    const kv = found.get(keys[at] ?? "");
    return kv === undefined || kv.value.length === 0 ? [] : [{ segment, record, kv }];
  });
}

/** The size of the page after one of `pageSize` records that held `bytes`. */
export function pageSizeAfter(pageSize: number, bytes: number, pageSizeMax: number): number {
  const fitting = Math.floor((pageSize * pageBytesMax) / Math.max(1, bytes));
  return Math.max(1, Math.min(pageSizeMax, pageSize * growth, fitting));
}

const bytesOf = (page: readonly PagedRecord[]): number => page.reduce((sum, { kv }) => sum + kv.value.length, 0);
