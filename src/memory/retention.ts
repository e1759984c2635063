// Taking out of scopes what their retention says.
//
//   N3. Each page of a log is one transaction with the head that it was decided by: its records become tombstones, or are
//       written anew without what goes, and the head's `first` and `floor` move up with them. A pin, a summary or an
//       erasure that comes between makes it decide anew; who is killed leaves nothing half done.
//   N4. A scope that was erased since the plan is left alone. Applying a plan twice does no more than applying it once.

import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvEntry, KvOperationRequest } from "../kv/store.ts";
import type { StoredEntry } from "./entry.ts";
import { printRecord } from "./entry.ts";
import { type Head, headWrite } from "./head.ts";
import { readWithHead } from "./log-end.ts";
import { readStored } from "./log-record.ts";
import { keepOnly, tombstone, tombstoneTtlMs } from "./log-removal.ts";
import { positionOf, recordKey, recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import { goesBy, type RetentionCut } from "./retention-cut.ts";
import type { PlannedScope, RetentionPlan, RetentionProgress } from "./retention-plan.ts";
import { expiredFactPages, ownSegment, strayPages } from "./retention-plan.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface ApplyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RetentionProgress) => void;
}

export interface AppliedScope {
  readonly scope: Scope;
  /** Why nothing was done. */
  readonly skipped: "erased" | undefined;
  readonly entries: number;
  /** Records that went as a whole, and those that were written anew. */
  readonly records: number;
  readonly rewritten: number;
  readonly expiredFacts: number;
  readonly strays: number;
}

const pageRecords = 100;
const attemptsMax = 50;

/** Rejects with WRITE_CONTENDED, MEMORY_UNREADABLE, CODEC_UNKNOWN, and as the stores do; the plan can be applied again. */
export async function applyRetention(
  stores: MemoryStores,
  plan: RetentionPlan,
  { signal, onProgress }: ApplyOptions = {},
): Promise<readonly AppliedScope[]> {
  const applied: AppliedScope[] = [];
  for (const [done, planned] of plan.scopes.entries()) {
    onProgress?.({ scope: planned.scope, done, total: plan.scopes.length });
    applied.push(await applyToScope(stores, planned, plan.atMs, signal));
  }
  return applied;
}

async function applyToScope(
  stores: MemoryStores,
  planned: PlannedScope,
  atMs: number,
  signal: AbortSignal | undefined,
): Promise<AppliedScope> {
  const { scope } = planned;
  const taken = { entries: 0, records: 0, rewritten: 0 };
  const left = { scope, skipped: undefined, ...taken, expiredFacts: 0, strays: 0 };
  const { head } = await readWithHead(stores, scope, []);
  if (!isOfPlan(head, planned)) return { ...left, skipped: "erased" };
  const own = ownSegment(scope, head, recordOf(planned.cut?.upTo ?? 0));
  for (let first = own.first; planned.cut !== undefined && first <= own.last; first += pageRecords) {
    signal?.throwIfAborted();
    const numbers = Array.from({ length: Math.min(pageRecords, own.last - first + 1) }, (_, at) => first + at);
    const page = await takePage(stores, planned, planned.cut, numbers);
    if (page === undefined) return { ...left, ...taken, skipped: "erased" };
    taken.entries += page.entries;
    taken.records += page.records;
    taken.rewritten += page.rewritten;
  }
  let strays = 0;
  for await (const page of strayPages(stores, own, signal)) strays += await buryStrays(stores, page);
  let expiredFacts = 0;
  for await (const page of expiredFactPages(stores, scope, atMs, signal)) {
    for (const { key, revision } of page) {
      // One that was written again meanwhile is another fact.
      if ((await stores.facts.purge(key, { expected: revision })).kind === "written") expiredFacts += 1;
    }
  }
  return { scope, skipped: undefined, ...taken, expiredFacts, strays };
}

const isOfPlan = (head: Head, planned: PlannedScope): boolean => head.era === planned.era && head.erasing === undefined;

type Taken = Pick<AppliedScope, "entries" | "records" | "rewritten">;

/** N3. Undefined: the scope was erased since the plan. */
async function takePage(
  stores: MemoryStores,
  planned: PlannedScope,
  cut: RetentionCut,
  numbers: readonly number[],
): Promise<Taken | undefined> {
  const { scope } = planned;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { records, ...standing } = await readWithHead(stores, scope, numbers);
    const { head } = standing;
    if (!isOfPlan(head, planned)) return undefined;
    const page = await decidePage(stores, head, cut, numbers, (record) => records.get(recordKey(scope, record)));
    if (page.operations.length === 0 && page.head === head) return page.taken;
    try {
      const outcome = await stores.entries.transact([...headWrite(scope, page.head, standing), ...page.operations]);
      if (outcome.kind === "written") return page.taken;
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.code !== "OUTCOME_UNKNOWN") throw thrown;
    }
  }
  const text = `${scopeKey(scope)} was changed by others ${attemptsMax} times in a row`;
  throw new TroupeError("WRITE_CONTENDED", text);
}

interface DecidedPage {
  /** The same object when it does not change. */
  readonly head: Head;
  readonly operations: readonly KvOperationRequest[];
  readonly taken: Taken;
}

async function decidePage(
  stores: MemoryStores,
  head: Head,
  cut: RetentionCut,
  numbers: readonly number[],
  standing: (record: number) => KvEntry | undefined,
): Promise<DecidedPage> {
  const operations: KvOperationRequest[] = [];
  const taken = { entries: 0, records: 0, rewritten: 0 };
  let { first, floor } = head;
  for (const record of numbers) {
    const kv = standing(record);
    const stored = kv === undefined ? [] : await readStored(stores.codecs, kv);
    const goes = (entry: StoredEntry, index: number) =>
      entry.gone !== 1 &&
      goesBy(cut, head, { position: positionOf(record, index), atMs: entry.at ?? kv?.writtenAtMs ?? 0 });
    const going = stored.filter(goes).length;
    const kept = kv === undefined ? [] : keepOnly(stored, kv, (index) => goes(stored[index] as StoredEntry, index));
    // A fork's first record may lie in what it shares, which is not touched here.
    if (kept.length === 0 && head.base === undefined && first === record && record <= recordOf(cut.upTo)) first += 1;
    if (kv === undefined || going === 0) continue;
    taken.entries += going;
    if (kept.length === 0) {
      taken.records += 1;
      floor = Math.max(floor, record);
      operations.push({ kind: "put", key: kv.key, value: tombstone, expected: kv.revision, ttlMs: tombstoneTtlMs });
    } else {
      taken.rewritten += 1;
      const value = await stores.codecs.encode(printRecord(kept));
      operations.push({ kind: "put", key: kv.key, value, expected: kv.revision });
    }
  }
  const isSame = first === head.first && floor === head.floor;
  return { head: isSame ? head : { ...head, first, floor: Math.max(floor, first - 1) }, operations, taken };
}

async function buryStrays(
  { entries }: MemoryStores,
  strays: readonly { readonly key: string; readonly revision: number }[],
): Promise<number> {
  let buried = 0;
  for (const { key, revision } of strays) {
    const write = await entries.update(key, tombstone, revision, { ttlMs: tombstoneTtlMs });
    if (write.kind === "written") buried += 1;
  }
  return buried;
}
