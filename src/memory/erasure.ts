// To forget a scope for good: its entries, its facts, their history, what forks share of it and what they have summarized
// of that. What was formed before an erasure does not come back after it, whoever was writing at the time.
//
//   E4. Of the scopes that go together none is open again before all of them are empty: what is read in one of them is not
//       written to another. (E1 to E3 stand in `erasure-scope.ts`.)
//
// What stays: keys without values (names of scopes and facts, numbers of records for an hour), counts, and the policy.

import { TroupeError } from "../core/errors.ts";
import type { ErasedScope, ErasureReceipt } from "./erasure-receipt.ts";
import type { ErasureProgress, ScopeErasure } from "./erasure-scope.ts";
import { fence, finish, finished, isUnderWay, removeAll } from "./erasure-scope.ts";
import { isDone, isErasedSince } from "./erasure-state.ts";
import type { ErasedFork, ErasureUnderWay, Head } from "./head.ts";
import { readHead } from "./head.ts";
import { scopesUnder } from "./known-scopes.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface EraseOptions {
  /**
   * The scopes that lie under it too: with `{ user: "anna" }` all of her sessions. Default false. As long as it lasts nobody
   * makes the first write to a scope under it; what was formed before it, for a scope that nobody knew, is refused however late.
   */
  readonly under?: boolean;
  /** Ends it where it is; the scope stays shut until an `erase` of it is completed. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ErasureProgress) => void;
}

/** How often one that others keep overtaking is begun again. */
const attemptsMax = 10;

/**
 * Resolves when nothing is left. One that was cut short is completed by the next, and two at once are one: both get the
 * same receipt. Rejects as the stores do, with OUTCOME_UNKNOWN when the answers to one write were lost time and again, and
 * then the scope stays shut until an `erase` of it is completed.
 */
export async function eraseScope(
  stores: MemoryStores,
  scope: Scope,
  options: EraseOptions = {},
): Promise<ErasureReceipt> {
  const { clock } = stores;
  const before = (await readHead(stores.entries, scope)).head;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const wanted: ErasureUnderWay = {
      ...{ id: clock.uniqueId(), atMs: clock.now() },
      ...(options.under === true ? { under: true } : {}),
    };
    const isWanted = (head: Head) => !isErasedSince(head, before, options.under === true);
    const { head } = await fence(erasureOf(stores, scope, wanted, options), isWanted);
    const mark = head.erasing ?? head.erased ?? wanted;
    const scopes = await complete(erasureOf(stores, scope, mark, options));
    // What was taken up may have been less than what is wanted now.
    if (scopes === undefined || (wanted.under === true && mark.under !== true)) continue;
    return { id: mark.id, scope, isUnder: mark.under === true, atMs: mark.atMs, scopes };
  }
  throw overtaken(scope);
}

function erasureOf(
  stores: MemoryStores,
  scope: Scope,
  { id, atMs, under }: ErasureUnderWay,
  { signal, onProgress = () => undefined }: EraseOptions,
): ScopeErasure {
  const mark = { id, atMs, ...(under === undefined ? {} : { under }) };
  return { stores, scope, mark, signal, onProgress };
}

/** Undefined: it was finished by somebody else, and the scope has been erased once more since. */
async function complete(root: ScopeErasure): Promise<readonly ErasedScope[] | undefined> {
  const forks = await removeAll(root);
  const parts = root.mark.under === true ? await completeUnder(root) : [];
  const part = await end(root, forks);
  return part === undefined ? undefined : [part, ...parts];
}

/** A scope of which all is gone and that is to be opened again. Undefined `forks`: somebody else has done it. */
interface Emptied {
  readonly erasure: ScopeErasure;
  readonly forks: readonly ErasedFork[] | undefined;
}

/** Those that lie under it, until there is none that this erasure has not been through; the root is shut meanwhile. */
async function completeUnder(root: ScopeErasure): Promise<readonly ErasedScope[]> {
  const { stores, signal } = root;
  const emptied = new Map<string, Emptied>();
  const isNew = (scope: Scope) => scopeKey(scope) !== scopeKey(root.scope) && !emptied.has(scopeKey(scope));
  for (let found: readonly Scope[] | undefined; found?.length !== 0; ) {
    found = (await scopesUnder(stores, root.scope, signal)).filter(isNew);
    for (const scope of found) emptied.set(scopeKey(scope), await empty(root, scope));
  }
  const parts: ErasedScope[] = [];
  for (const [, { erasure, forks }] of [...emptied].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const part = await end(erasure, forks); // E4
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

async function empty(root: ScopeErasure, scope: Scope): Promise<Emptied> {
  const { id, atMs } = root.mark;
  const erasure: ScopeErasure = { ...root, scope, mark: { id, atMs } };
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { head } = await fence(erasure, () => isUnderWay(root));
    if (isDone(head, id) || head.erasing === undefined) return { erasure, forks: undefined };
    if (head.erasing.id === id) return { erasure, forks: await removeAll(erasure) };
    // One of its own that is under way here is completed first.
    const standing: ScopeErasure = { ...erasure, mark: { id: head.erasing.id, atMs: head.erasing.atMs } };
    await end(standing, await removeAll(standing));
  }
  throw overtaken(scope);
}

async function end(erasure: ScopeErasure, forks: readonly ErasedFork[] | undefined): Promise<ErasedScope | undefined> {
  return forks === undefined ? finished(erasure) : finish(erasure, forks);
}

function overtaken(scope: Scope): TroupeError {
  const text = `${scopeKey(scope)} was erased by others ${attemptsMax} times in a row`;
  return new TroupeError("WRITE_CONTENDED", text);
}
