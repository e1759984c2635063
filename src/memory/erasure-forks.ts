// What forks share of an erased scope: their view of it ends, and what they have summarized of it goes.
//
//   G5. A summary is written together with its log's head (C2 of `log-compaction.ts`), and not when that was cut since its
//       entries were read. Every fork's head is cut here after the entries have gone: a summary of them that is under
//       way is refused, and one that stands is older than the cut.

import type { KvEntry, Revision } from "../kv/store.ts";
import type { StoredEntry } from "./entry.ts";
import { printRecord } from "./entry.ts";
import { cutFork } from "./erasure-state.ts";
import type { ErasedFork } from "./head.ts";
import { changeHead, readHead } from "./head.ts";
import { readStored } from "./log-record.ts";
import { goneEntry, insist, tombstone } from "./log-removal.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { parseScope, scopeKey } from "./scope.ts";
import { readStanding } from "./standing-entries.ts";

/** Cuts the forks of `erased` off, and the summaries out of them and of the forks that stand on them. */
export async function cutForks(
  stores: MemoryStores,
  erased: Scope,
  forks: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly ErasedFork[]> {
  const key = scopeKey(erased);
  const done: ErasedFork[] = [];
  for (const fork of forks) {
    const { head, revision } = await readHead(stores.entries, parseScope(fork));
    if (revision === 0) continue; // It was to be made and is not yet: what it will read is gone.
    // One that has no base any more was cut by somebody who may have come no further.
    const upTo = head.base?.scope === key ? head.base.upTo : 0;
    await cutBranch({ stores, erased: key, signal, done }, fork, head.forks, upTo);
  }
  return done;
}

interface Cutting {
  readonly stores: MemoryStores;
  readonly erased: string;
  readonly signal: AbortSignal | undefined;
  readonly done: ErasedFork[];
}

async function cutBranch(cutting: Cutting, fork: string, forks: readonly string[], upTo: number): Promise<void> {
  const { stores, erased, signal, done } = cutting;
  for (const key of forks) {
    const { head } = await readHead(stores.entries, parseScope(key));
    if (head.base?.scope !== fork) continue;
    await cutBranch(cutting, key, head.forks, Math.min(upTo, head.base.upTo));
  }
  signal?.throwIfAborted();
  const scope = parseScope(fork);
  const { revision } = await changeHead(stores.entries, scope, stores.clock, (head) => cutFork(head, erased, upTo));
  await removeSummaries(stores, scope, revision, signal);
  done.push({ scope: fork, last: revision });
}

/** Takes out the summaries that were written before this revision. */
async function removeSummaries(
  stores: MemoryStores,
  scope: Scope,
  before: Revision,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Once more after each time: what was rewritten while it was read may not have been shown.
  for (let found = await recordsWithSummaries(stores, scope, before, signal); found.length > 0; ) {
    for (const kv of found) await rewrite(stores, kv, signal);
    found = await recordsWithSummaries(stores, scope, before, signal);
  }
}

async function recordsWithSummaries(
  stores: MemoryStores,
  scope: Scope,
  before: Revision,
  signal: AbortSignal | undefined,
): Promise<readonly KvEntry[]> {
  let found: KvEntry[] = [];
  await readStanding({
    store: stores.entries,
    pattern: `${scopeKey(scope)}.log.*`,
    which: "last",
    signal,
    restart: () => {
      found = [];
    },
    take: async (kv) => {
      if (kv.revision < before && (await withoutSummaries(stores, kv)) !== undefined) found.push(kv);
    },
  });
  return found;
}

/** The record's entries with the summaries gone; undefined when it holds none. */
async function withoutSummaries(stores: MemoryStores, kv: KvEntry): Promise<readonly StoredEntry[] | undefined> {
  const entries = kv.operation === "put" ? await readStored(stores.codecs, kv) : [];
  if (!entries.some(({ kind }) => kind === "summary")) return undefined;
  return entries.map((entry) => (entry.kind === "summary" ? goneEntry : entry));
}

async function rewrite(stores: MemoryStores, first: KvEntry, signal: AbortSignal | undefined): Promise<void> {
  const { entries, clock, codecs } = stores;
  for (let kv: KvEntry | undefined = first; kv !== undefined; ) {
    const left = await withoutSummaries(stores, kv);
    if (left === undefined) return;
    // A tombstone for good: its number is above the floor, and a gap there would hide what follows.
    const isEmpty = left.every(({ gone }) => gone === 1);
    const value = isEmpty ? tombstone : await codecs.encode(printRecord(left));
    const { key, revision } = kv;
    const write = await insist(clock, () => entries.update(key, value, revision), signal);
    if (write.kind === "written") return;
    kv = await entries.get(key);
  }
}
