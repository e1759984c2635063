// The facts' part of an erasure: every name that was ever used is purged, whatever it holds now.
//
//   G3. A purge is one transaction with a check of the facts' head while the erasure stands in it: it cannot hit a fact
//       that was written after somebody else has finished the erasure.
//   G4. What is in flight expects a revision from before the purge (F1), or the head from before the erasure (F2): both
//       are gone.

import type { KvOperationRequest, Revision } from "../kv/store.ts";
import { transactionOperationsMax } from "../kv/writes.ts";
import { underWay } from "./erasure-state.ts";
import { readHead } from "./head.ts";
import { insist } from "./log-removal.ts";
import { headKey, placeOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";
import { readStanding } from "./standing-entries.ts";

export interface FactsFound {
  /** Names that held a value. */
  readonly facts: number;
  /** Of all values that are kept of them. */
  readonly bytes: number;
  readonly first: Revision;
  /** Every key that there is an entry of, deletions too: their histories may hold values. */
  readonly keys: readonly string[];
}

export async function surveyFacts(
  { facts }: MemoryStores,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<FactsFound> {
  let found = { bytes: 0, first: 0 };
  const keys = new Set<string>();
  const holding = new Set<string>();
  await readStanding({
    store: facts,
    pattern: `${scopeKey(scope)}.fact.*`,
    which: "kept",
    signal,
    restart: () => {
      found = { bytes: 0, first: 0 };
      keys.clear();
      holding.clear();
    },
    take: (kv) => {
      if (placeOf(kv.key)?.kind !== "fact") return;
      keys.add(kv.key);
      if (kv.operation === "put") {
        holding.add(kv.key);
        found.bytes += kv.value.length;
        found.first = found.first === 0 ? kv.revision : Math.min(found.first, kv.revision);
      }
    },
  });
  return { ...found, facts: holding.size, keys: [...keys] };
}

/** False: the erasure is not under way any more; somebody else has finished it. */
export async function purgeFacts(
  { facts, clock }: MemoryStores,
  scope: Scope,
  id: string,
  keys: readonly string[],
  signal: AbortSignal | undefined,
  onPurged: (count: number) => void,
): Promise<boolean> {
  const pageKeys = transactionOperationsMax - 1;
  for (let at = 0; at < keys.length; ) {
    signal?.throwIfAborted();
    const { head, revision } = await readHead(facts, scope);
    if (underWay(head, id) === undefined) return false;
    const page = keys.slice(at, at + pageKeys);
    const purges = page.map((key): KvOperationRequest => ({ kind: "purge", key }));
    const check = { kind: "check", key: headKey(scope), expected: revision } as const;
    const outcome = await insist(clock, () => facts.transact([check, ...purges]), signal); // G3
    if (outcome.kind === "conflict") continue;
    at += page.length;
    onPurged(Math.min(keys.length, at));
  }
  return true;
}
