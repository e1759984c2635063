// The log's part of an erasure: shut it for whoever is writing, find what it holds, leave tombstones.
//
//   G1. Once sealed, every record number up to the seal stands or has been in use: whoever creates one of them, having
//       seen the one before (L1), conflicts, looks at the head, and finds the era gone by.
//   G2. A seal has no time to live before the head's floor is above it: a gap above the floor would hide what follows.

import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvStore, Revision } from "../kv/store.ts";
import { underWay } from "./erasure-state.ts";
import { readHead } from "./head.ts";
import { readStored } from "./log-record.ts";
import { insist, tombstone, tombstoneTtlMs } from "./log-removal.ts";
import { placeOf, recordKey, recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";
import { readStanding } from "./standing-entries.ts";

/** Attempts to create the seal: each goes twice as far ahead of those who write at the same time. */
const sealAttemptsMax = 24;
const atOnce = 64;

/** Creates the seal and fills the gaps below it (G1). Resolves with its number; undefined when `id` is not under way. */
export async function createSeal(
  stores: MemoryStores,
  scope: Scope,
  id: string,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const { entries } = stores;
  let known = await lastKnownRecord(stores, scope);
  for (let attempt = 0; attempt < sealAttemptsMax; attempt += 1) {
    // Not on a log that somebody has finished erasing and that is in use again.
    if (underWay((await readHead(entries, scope)).head, id) === undefined) return undefined;
    const seal = known + 2 ** attempt;
    if (await tryCreate(stores, recordKey(scope, seal), signal)) {
      await fillGaps(stores, scope, seal, signal);
      return seal;
    }
    known = seal;
  }
  throw new TroupeError("WRITE_CONTENDED", `the log of ${scopeKey(scope)} grows faster than it can be sealed`);
}

async function lastKnownRecord({ entries }: MemoryStores, scope: Scope): Promise<number> {
  const { head } = await readHead(entries, scope);
  const base = head.base === undefined ? 0 : recordOf(head.base.upTo);
  return Math.max(head.floor, base, ...(await recordsOf(entries, scope)).slice(-1));
}

/** Numbers of the records that stand, in order. */
async function recordsOf(entries: KvStore, scope: Scope): Promise<readonly number[]> {
  const keys = await entries.list(`${scopeKey(scope)}.log.*`);
  return keys.flatMap((key) => {
    const place = placeOf(key);
    return place?.kind === "record" ? [place.record] : [];
  });
}

async function fillGaps(stores: MemoryStores, scope: Scope, seal: number, signal: AbortSignal | undefined) {
  const { entries } = stores;
  const { head } = await readHead(entries, scope);
  const base = head.base === undefined ? 0 : recordOf(head.base.upTo);
  const standing = new Set(await recordsOf(entries, scope));
  const missing: number[] = [];
  for (let record = Math.max(head.floor, base) + 1; record < seal; record += 1) {
    if (!standing.has(record)) missing.push(record);
  }
  await inTurns(missing, (record) => tryCreate(stores, recordKey(scope, record), signal), signal);
}

/** False: somebody was quicker, or it stands since an answer of ours was lost; both are all right. */
async function tryCreate({ entries, clock }: MemoryStores, key: string, signal: AbortSignal | undefined) {
  return (await insist(clock, () => entries.create(key, tombstone), signal)).kind === "written";
}

export interface LogFound {
  readonly records: number;
  readonly entries: number;
  readonly bytes: number;
  readonly first: Revision;
  /** Every record up to the seal that stands, tombstones too. */
  readonly standing: readonly StandingRecord[];
}

export interface StandingRecord {
  readonly key: string;
  readonly revision: Revision;
}

export async function surveyLog(
  { entries, codecs }: MemoryStores,
  scope: Scope,
  seal: number,
  signal: AbortSignal | undefined,
): Promise<LogFound> {
  let found = { records: 0, entries: 0, bytes: 0, first: 0 };
  let standing: StandingRecord[] = [];
  await readStanding({
    store: entries,
    pattern: `${scopeKey(scope)}.log.*`,
    which: "last",
    signal,
    restart: () => {
      found = { records: 0, entries: 0, bytes: 0, first: 0 };
      standing = [];
    },
    take: async (kv) => {
      const place = placeOf(kv.key);
      if (kv.operation !== "put" || place?.kind !== "record" || place.record > seal) return;
      standing.push({ key: kv.key, revision: kv.revision });
      if (kv.value.length === 0) return;
      found.records += 1;
      found.bytes += kv.value.length;
      found.first = found.first === 0 ? kv.revision : Math.min(found.first, kv.revision);
      found.entries += await entriesIn(codecs, kv);
    },
  });
  return { ...found, standing };
}

/** What cannot be read is erased all the same, and counts as one entry. */
async function entriesIn(codecs: MemoryStores["codecs"], kv: Parameters<typeof readStored>[1]): Promise<number> {
  try {
    return (await readStored(codecs, kv)).filter(({ gone }) => gone !== 1).length;
  } catch (thrown) {
    if (isTroupeError(thrown)) return 1;
    throw thrown;
  }
}

/** Leaves a tombstone at each, whatever is written there meanwhile. */
export async function buryRecords(
  stores: MemoryStores,
  records: readonly StandingRecord[],
  signal: AbortSignal | undefined,
  onBuried: (count: number) => void,
): Promise<void> {
  await inTurns(records, (record) => bury(stores, record, signal), signal, onBuried);
}

async function bury(
  { entries, clock }: MemoryStores,
  { key, revision }: StandingRecord,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let expected = revision; ; ) {
    const ttl = { ttlMs: tombstoneTtlMs };
    const write = await insist(clock, () => entries.update(key, tombstone, expected, ttl), signal);
    if (write.kind === "written" || write.revision === 0) return;
    expected = write.revision;
  }
}

/** So many at once, one group after the other. */
async function inTurns<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<unknown>,
  signal?: AbortSignal,
  onDone?: (count: number) => void,
): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) {
    signal?.throwIfAborted();
    await Promise.all(items.slice(at, at + atOnce).map(act));
    onDone?.(Math.min(items.length, at + atOnce));
  }
}
