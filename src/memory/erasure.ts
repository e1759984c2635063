// To forget a scope for good: its entries, its facts, their history, what forks share of it and what they have summarized
// of that. What was formed before an erasure does not come back after it, whoever was writing at the time.
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
   * The scopes that lie under it too: with `{ user: "anna" }` all of her sessions. Default false. Those that come into being
   * meanwhile are found as long as it lasts; the first write ever to a scope that nobody knew may come just after its end.
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
 * same receipt. Rejects as the stores do, and then the scope stays shut until an `erase` of it is completed.
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

/** Those that lie under it, until there is none that this erasure has not been through; the root is shut meanwhile. */
async function completeUnder(root: ScopeErasure): Promise<readonly ErasedScope[]> {
  const { stores, signal } = root;
  const seen = new Set([scopeKey(root.scope)]);
  const parts: ErasedScope[] = [];
  for (;;) {
    const scopes = (await scopesUnder(stores, root.scope, signal)).filter((scope) => !seen.has(scopeKey(scope)));
    if (scopes.length === 0)
      return parts.toSorted((one, other) => (scopeKey(one.scope) < scopeKey(other.scope) ? -1 : 1));
    for (const scope of scopes) {
      seen.add(scopeKey(scope));
      const part = await completeOne(root, scope);
      if (part !== undefined) parts.push(part);
    }
  }
}

/** Undefined: the whole was finished by somebody else, and this scope has been erased once more since. */
async function completeOne(root: ScopeErasure, scope: Scope): Promise<ErasedScope | undefined> {
  const { id, atMs } = root.mark;
  const own: ScopeErasure = { ...root, scope, mark: { id, atMs } };
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { head } = await fence(own, () => isUnderWay(root));
    if (isDone(head, id) || head.erasing === undefined) return finished(own);
    // One of its own that is under way here is completed first.
    const standing: ScopeErasure = { ...own, mark: { id: head.erasing.id, atMs: head.erasing.atMs } };
    const part = await end(standing, await removeAll(standing));
    if (head.erasing.id === id && part !== undefined) return part;
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
