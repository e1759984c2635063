// Whether an erasure has left anything: every entry that the buckets still keep under the scopes of a receipt, histories
// too, against the revisions of the receipt.

import type { KvEntry, KvStore, Revision } from "../kv/store.ts";
import type { ErasedScope, ErasureReceipt } from "./erasure-receipt.ts";
import { readStored } from "./log-record.ts";
import { placeOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import { scopeKey } from "./scope.ts";
import { readStanding } from "./standing-entries.ts";

export type ErasureScan =
  | { readonly kind: "clean"; readonly scanned: number }
  /** What is left, the first 100 of it. */
  | { readonly kind: "left"; readonly scanned: number; readonly left: readonly LeftOver[] };

export interface LeftOver {
  readonly bucket: string;
  readonly key: string;
  readonly revision: Revision;
  readonly what: "value" | "summary of a fork";
}

export interface ScanOptions {
  readonly signal?: AbortSignal;
}

const leftOversMax = 100;

/** Scans both buckets. Rejects as the stores do, and with the signal's reason. */
export async function verifyErasure(
  stores: MemoryStores,
  receipt: ErasureReceipt,
  { signal }: ScanOptions = {},
): Promise<ErasureScan> {
  const left: LeftOver[] = [];
  let scanned = 0;
  const scan = async (
    store: KvStore,
    pattern: string,
    whatIsLeft: (entry: KvEntry) => LeftOver["what"] | undefined | Promise<LeftOver["what"] | undefined>,
  ) => {
    const [leftBefore, scannedBefore] = [left.length, scanned];
    await readStanding({
      ...{ store, pattern, signal },
      which: "kept",
      restart: () => {
        left.length = leftBefore;
        scanned = scannedBefore;
      },
      take: async (entry) => {
        scanned += 1;
        if (left.length >= leftOversMax || entry.operation !== "put" || entry.value.length === 0) return;
        const what = await whatIsLeft(entry);
        if (what !== undefined) left.push({ bucket: store.bucket, key: entry.key, revision: entry.revision, what });
      },
    });
  };
  const facets = receipt.isUnder ? ([">"] as const) : (["log.*", "fact.*"] as const);
  for (const facet of facets) {
    const pattern = `${scopeKey(receipt.scope)}.${facet}`;
    await scan(stores.entries, pattern, valueLeft(receipt, "memory"));
    await scan(stores.facts, pattern, valueLeft(receipt, "facts"));
  }
  for (const { scope, last } of receipt.scopes.flatMap(({ forks }) => forks)) {
    await scan(stores.entries, `${scopeKey(scope)}.log.*`, async (entry) => {
      if (entry.revision >= last) return undefined;
      const stored = await readStored(stores.codecs, entry);
      return stored.some(({ kind }) => kind === "summary") ? "summary of a fork" : undefined;
    });
  }
  return left.length === 0 ? { kind: "clean", scanned } : { kind: "left", scanned, left };
}

/** A value counts as left when it is no younger than the erasure of its scope, or of the root when it was overlooked. */
function valueLeft(
  { scopes }: ErasureReceipt,
  bucket: keyof ErasedScope["revisions"],
): (entry: KvEntry) => "value" | undefined {
  const lasts = new Map(scopes.map((part) => [scopeKey(part.scope), part.revisions[bucket][1]]));
  const rootLast = scopes[0]?.revisions[bucket][1] ?? 0;
  return ({ key, revision }) => {
    const place = placeOf(key);
    if (place === undefined || place.kind === "head") return undefined;
    return revision <= (lasts.get(scopeKey(place.scope)) ?? rootLast) ? "value" : undefined;
  };
}
