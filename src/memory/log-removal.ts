// Taking entries out of a log. A record out of which everything goes becomes a tombstone, one that keeps some is written
// anew without the others (L3 of `log-writer.ts`).
//
//   T1. Before a record goes, the head's floor is at the end of the log: whoever looks for the end looks above what is
//       taken out, also when the tombstones are no more.
//   T2. What is kept of a record keeps its position and its time.
//   T4. A record that was written anew shows it: at least one entry in it is gone. Watches tell it from a new one by that.

import type { Clock } from "../core/clock.ts";
import { contentionDelay, delay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvEntry } from "../kv/store.ts";
import type { StoredEntry } from "./entry.ts";
import { printRecord } from "./entry.ts";
import type { PageOptions } from "./log-pages.ts";
import { readPages } from "./log-pages.ts";
import { readStored } from "./log-record.ts";
import type { Segment } from "./log-segments.ts";
import type { MemoryStores } from "./memory-stores.ts";

/** How long a tombstone refuses whoever comes late. Unit: ms. */
export const tombstoneTtlMs = 3_600_000;
export const tombstone = new Uint8Array(0);

const pageSize = 100;
const triesMax = 20;
const waitMsMax = 1_000;
/** Longest wait of who lost a race for a record. Unit: ms. */
const raceWaitMsMax = 64;

export interface Removed {
  readonly records: number;
  readonly entries: number;
}

/**
 * Makes every record of a segment that stands a tombstone, page by page in this order, each page all or nothing.
 * Rejects as the store does; what was done until then is done, and doing it again does the rest.
 */
export async function entomb(stores: MemoryStores, segment: Segment, order: PageOptions["order"]): Promise<Removed> {
  let [records, entries] = [0, 0];
  for await (const page of readPages(stores.entries, [segment], { order, pageSize })) {
    if (page.length === 0) continue;
    for (const { kv } of page) entries += countOf(await readStored(stores.codecs, kv));
    records += page.length;
    await insist(stores.clock, () =>
      stores.entries.transact(
        page.map(({ kv: { key } }) => ({ kind: "put", key, value: tombstone, ttlMs: tombstoneTtlMs })),
      ),
    );
  }
  return { records, entries };
}

/** Takes the entries out of one record whose index `goes` names. Rejects with WRITE_CONTENDED, and as the store does. */
export async function takeOut(stores: MemoryStores, key: string, goes: (index: number) => boolean): Promise<Removed> {
  const { entries, clock } = stores;
  let removed: Removed = { records: 0, entries: 0 };
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const kv = await entries.get(key);
    const stored = kv === undefined ? [] : await readStored(stores.codecs, kv);
    const going = stored.filter((entry, index) => entry.gone !== 1 && goes(index)).length;
    if (kv === undefined || going === 0) return removed;
    const kept = keepOnly(stored, kv, goes);
    removed = { records: kept.length === 0 ? 1 : 0, entries: going };
    const write = await insist(stores.clock, async () =>
      kept.length === 0
        ? entries.update(key, tombstone, kv.revision, { ttlMs: tombstoneTtlMs })
        : entries.update(key, await stores.codecs.encode(printRecord(kept)), kv.revision),
    );
    if (write.kind === "written") return removed;
    await contentionDelay(clock, tries, raceWaitMsMax);
  }
  throw new TroupeError("WRITE_CONTENDED", `${key} was changed by others ${triesMax} times in a row`);
}

/** What is left of a record; nothing when nothing is (T2). */
export function keepOnly(
  stored: readonly StoredEntry[],
  kv: KvEntry,
  goes: (index: number) => boolean,
): readonly StoredEntry[] {
  const kept = stored.map((entry, index) =>
    entry.gone === 1 || goes(index) ? goneEntry : { ...entry, at: entry.at ?? kv.writtenAtMs },
  );
  const last = kept.findLastIndex((entry) => entry.gone !== 1);
  return last < 0 ? [] : kept.slice(0, last + 2); // T4
}

/** What stands at the index of an entry that was taken out. */
export const goneEntry = { gone: 1 } as StoredEntry;

const countOf = (stored: readonly StoredEntry[]): number => stored.filter(({ gone }) => gone !== 1).length;

/**
 * Again while it is not known whether it was done, a bounded number of times: only for what may be done twice. Rejects with
 * OUTCOME_UNKNOWN at last, with what `act` rejects with, and with the signal's reason.
 */
export async function insist<Value>(clock: Clock, act: () => Promise<Value>, signal?: AbortSignal): Promise<Value> {
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await act();
    } catch (thrown) {
      const isUnknown = isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN";
      if (!isUnknown || tries === triesMax) throw thrown;
      await delay(clock, Math.min(waitMsMax, 2 ** tries), signal);
    }
  }
}
