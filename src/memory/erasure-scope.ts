// The erasure of one scope, step by step. What stands in its heads says how far it has come, so that whoever comes next
// goes on from there: after a death, or side by side with another one.
//
//   E1. Fenced first: from the first step to the last nobody can write, and who began before it can never (H1).
//   E2. Counted before anything is removed, once: whoever completes it returns the same receipt.
//   E3. Open again only when all of it is gone, so that what is found there afterwards was formed afterwards.

import { contentionDelay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvStore } from "../kv/store.ts";
import type { FactsFound } from "./erasure-facts.ts";
import { purgeFacts, surveyFacts } from "./erasure-facts.ts";
import { cutForks } from "./erasure-forks.ts";
import type { LogFound } from "./erasure-log.ts";
import { buryRecords, createSeal, surveyLog } from "./erasure-log.ts";
import { type ErasedScope, erasedScope } from "./erasure-receipt.ts";
import * as state from "./erasure-state.ts";
import type { ErasedFork, ErasureUnderWay, Head, StandingHead } from "./head.ts";
import { changeHead, readHead, tryWriteHead } from "./head.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { parseScope, scopeKey } from "./scope.ts";

/** Attempts to shut a head, and the longest wait between two. Unit of the wait: ms. */
const shutAttemptsMax = 100;
const shutWaitMsMax = 50;

export interface ErasureProgress {
  readonly scope: Scope;
  readonly step: "sealing" | "counting" | "entries" | "facts" | "forks";
  readonly done: number;
  /** 0 while it is not known. */
  readonly total: number;
}

export interface ScopeErasure {
  readonly stores: MemoryStores;
  readonly scope: Scope;
  readonly mark: ErasureUnderWay;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: ErasureProgress) => void;
}

/**
 * Shuts the memory's head for writers (E1). `isWanted` is asked between the reading and the writing: whoever is late does
 * not shut what another one has opened again.
 */
export async function fence(
  { stores, scope, mark }: ScopeErasure,
  isWanted: (head: Head) => boolean | Promise<boolean>,
): Promise<StandingHead> {
  return shut(stores, stores.entries, scope, (head) => state.begin(head, mark), isWanted);
}

/**
 * Everything but the end (E2). Resolves with the forks that were cut; undefined when the erasure is not under way any more:
 * somebody else has finished it.
 */
export async function removeAll(erasure: ScopeErasure): Promise<readonly ErasedFork[] | undefined> {
  const { stores, scope, mark, signal } = erasure;
  const { id } = mark;
  const begin = (head: Head) => state.beginFacts(head, mark);
  const facts = await shut(stores, stores.facts, scope, begin, () => isUnderWay(erasure));
  if (!(await sealLog(erasure))) return undefined;
  const found = await survey(erasure);
  const counted = await change(stores.entries, erasure, (head) => state.count(head, id, found.counts));
  if (state.underWay(counted.head, id) === undefined) return undefined;
  const { sealed = 0 } = state.underWay(counted.head, id) ?? {};
  await buryLog(erasure, sealed, found.log);
  if (!state.isDone(facts.head, id) && !(await purgeNames(erasure, found.names))) return undefined;
  erasure.onProgress({ scope, step: "forks", done: 0, total: counted.head.forks.length });
  return cutForks(stores, scope, counted.head.forks, signal);
}

/** Once more after each time, until there is nothing: what was rewritten while it was read may not have been shown. */
async function buryLog(erasure: ScopeErasure, sealed: number, found: LogFound): Promise<void> {
  const { stores, scope, signal, onProgress } = erasure;
  for (let log = found; ; ) {
    const total = log.standing.length;
    const onBuried = (done: number) => onProgress({ scope, step: "entries", done, total });
    await buryRecords(stores, log.standing, signal, onBuried);
    log = await surveyLog(stores, scope, sealed, signal);
    if (log.records === 0) return;
  }
}

/** The same for facts. False: somebody else has finished the erasure, and it has been erased once more since. */
async function purgeNames(
  { stores, scope, mark, signal, onProgress }: ScopeErasure,
  found: FactsFound,
): Promise<boolean> {
  for (let names = found; ; ) {
    const total = names.keys.length;
    const onPurged = (done: number) => onProgress({ scope, step: "facts", done, total });
    const isPurged = await purgeFacts(stores, scope, mark.id, names.keys, signal, onPurged);
    if (!isPurged) return state.isDone((await readHead(stores.facts, scope)).head, mark.id);
    names = await surveyFacts(stores, scope, signal);
    if (names.facts === 0) return true;
  }
}

/** Opens the scope again (E3), if nobody has yet. As `finished`. */
export async function finish(erasure: ScopeErasure, forks: readonly ErasedFork[]): Promise<ErasedScope | undefined> {
  const { stores, mark } = erasure;
  const { id } = mark;
  const removed = await change(stores.entries, erasure, (head) => state.markRemoved(head, id, forks));
  if (state.underWay(removed.head, id) !== undefined) {
    const facts = await change(stores.facts, erasure, (head) => state.finishFacts(head, mark));
    await change(stores.entries, erasure, (head) => state.finish(head, id, removed.revision, facts.revision));
  }
  return finished(erasure);
}

/** What was erased; undefined while it is not finished, or when the scope has been erased once more since. */
export async function finished({ stores, scope, mark }: ScopeErasure): Promise<ErasedScope | undefined> {
  const { erased } = (await readHead(stores.entries, scope)).head;
  return erased?.id === mark.id ? erasedScope(scope, erased) : undefined;
}

export async function isUnderWay({ stores, scope, mark }: ScopeErasure): Promise<boolean> {
  return state.underWay((await readHead(stores.entries, scope)).head, mark.id) !== undefined;
}

async function shut(
  { clock }: MemoryStores,
  store: KvStore,
  scope: Scope,
  begin: (head: Head) => Head | undefined,
  isWanted: (head: Head) => boolean | Promise<boolean>,
): Promise<StandingHead> {
  for (let attempt = 0; attempt < shutAttemptsMax; attempt += 1) {
    const standing = await readHead(store, scope);
    const next = begin(standing.head);
    if (next === undefined || !(await isWanted(standing.head))) return standing;
    try {
      const written = await tryWriteHead(store, scope, next, standing);
      if (written !== undefined) return written;
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.code !== "OUTCOME_UNKNOWN") throw thrown;
    }
    await contentionDelay(clock, attempt, shutWaitMsMax);
  }
  throw new TroupeError("WRITE_CONTENDED", `${scopeKey(scope)} could not be shut: its head changes all the time`);
}

const change = (store: KvStore, { stores, scope }: ScopeErasure, by: (head: Head) => Head | undefined) =>
  changeHead(store, scope, stores.clock, by);

async function sealLog(erasure: ScopeErasure): Promise<boolean> {
  const { stores, scope, mark, signal, onProgress } = erasure;
  const { head } = await readHead(stores.entries, scope);
  const erasing = state.underWay(head, mark.id);
  if (erasing === undefined) return false;
  if (erasing.sealed !== undefined) return true;
  onProgress({ scope, step: "sealing", done: 0, total: 0 });
  await leaveBase(erasure, head);
  const record = await createSeal(stores, scope, mark.id, signal);
  if (record === undefined) return false;
  const sealed = await change(stores.entries, erasure, (standing) => state.seal(standing, mark.id, record));
  return state.underWay(sealed.head, mark.id) !== undefined;
}

/** Before the seal, with which the head forgets what it was a fork of. */
async function leaveBase({ stores, scope }: ScopeErasure, { base }: Head): Promise<void> {
  if (base === undefined) return;
  const fork = scopeKey(scope);
  await changeHead(stores.entries, parseScope(base.scope), stores.clock, (head) => state.forgetFork(head, fork));
}

async function survey({ stores, scope, mark, signal, onProgress }: ScopeErasure) {
  onProgress({ scope, step: "counting", done: 0, total: 0 });
  const { head } = await readHead(stores.entries, scope);
  const log = await surveyLog(stores, scope, state.underWay(head, mark.id)?.sealed ?? 0, signal);
  const names = await surveyFacts(stores, scope, signal);
  const counts = {
    records: log.records,
    entries: log.entries,
    facts: names.facts,
    bytes: log.bytes + names.bytes,
    firstEntry: log.first,
    firstFact: names.first,
  };
  return { counts, log, names };
}
