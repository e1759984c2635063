// A log that goes on from an entry of another one. No entry is copied: what lies before is read there.
//
//   F1. The other log's head names the fork before the fork stands: whoever erases that log finds all its forks.
//   F2. The fork's head is written together with a seal behind the end of what the scope's log was: a writer in flight,
//       which knows nothing of the fork, meets it, looks and goes on above the fork's floor.
//   F3. What is appended to a fork lies where its readers look: not before the first record that its base still shows, also when
//       that one was truncated beyond the entry that the fork begins at.

import { contentionDelay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvTransaction } from "../kv/store.ts";
import type { ForkBase, Head, StandingHead } from "./head.ts";
import { changeHead, checkEra, headWrite, readHead } from "./head.ts";
import type { ForkOptions } from "./log-calls.ts";
import type { SeenLog } from "./log-end.ts";
import { findEnd } from "./log-end.ts";
import type { LogHandle } from "./log-handle.ts";
import { readPages } from "./log-pages.ts";
import { tombstone, tombstoneTtlMs } from "./log-removal.ts";
import { forkDepthMax, segmentsOf } from "./log-segments.ts";
import { recordKey, recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { parseScope, scopeKey } from "./scope.ts";

/** Forks of one log. */
const forksMax = 1_000;
const triesMax = 20;
/** Longest wait of who lost a race for the head. Unit: ms. */
const raceWaitMsMax = 64;

/** Rejects with OPTION_INVALID, SCOPE_ERASED, WRITE_CONTENDED, and as the store does. May be repeated. */
export async function forkLog(log: LogHandle, fork: Scope, { at }: ForkOptions): Promise<void> {
  const { stores, scope } = log;
  const name = scopeKey(fork);
  if (name === scopeKey(scope)) throw invalid(`${name} cannot be a fork of itself`);
  const standing = await log.open();
  const [newest] = await log.read({ order: "newest", limit: 1 }, standing).toArray();
  const upTo = at ?? newest?.position ?? 0;
  if (!Number.isSafeInteger(upTo) || upTo < 0 || upTo > (newest?.position ?? 0)) {
    throw invalid(
      `\`at\` must be a position up to that of the last entry, ${newest?.position ?? 0}, got ${String(at)}`,
    );
  }
  await checkDepth(stores, standing.head);
  const { era } = standing.head;
  await changeHead(stores.entries, scope, stores.clock, (head) => {
    checkEra(scopeKey(scope), head, era);
    if (head.forks.includes(name)) return undefined;
    if (head.forks.length >= forksMax) throw invalid(`${scopeKey(scope)} has ${forksMax} forks already`);
    return { ...head, forks: [...head.forks, name] }; // F1
  });
  await layFork(stores, fork, standing.head, { scope: scopeKey(scope), era, upTo });
}

async function layFork(stores: MemoryStores, fork: Scope, parent: Head, base: ForkBase): Promise<void> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const seen = await findEnd(stores, fork);
    if (isSame(seen.head.base, base)) return;
    await checkEmpty(stores, fork, seen);
    const seal = seen.end + 1;
    const head: Head = {
      ...seen.head,
      ...{ base, first: parent.first, floor: Math.max(seal, recordOf(base.upTo), parent.first - 1) }, // F3
      pins: parent.pins.filter((pin) => pin <= base.upTo),
      summary: parent.summary !== undefined && parent.summary.position <= base.upTo ? parent.summary : undefined,
    };
    const outcome = await tryLay(stores, fork, head, seen, seal);
    if (outcome?.kind === "written") return;
    await contentionDelay(stores.clock, tries, raceWaitMsMax);
  }
  throw new TroupeError("WRITE_CONTENDED", `${scopeKey(fork)} was changed by others ${triesMax} times in a row`);
}

/** Undefined when the answer was lost: the next look tells (F2). */
async function tryLay(
  { entries }: MemoryStores,
  fork: Scope,
  head: Head,
  standing: StandingHead,
  seal: number,
): Promise<KvTransaction | undefined> {
  try {
    return await entries.transact([
      { kind: "put", key: recordKey(fork, seal), value: tombstone, expected: 0, ttlMs: tombstoneTtlMs },
      ...headWrite(fork, head, standing),
    ]);
  } catch (thrown) {
    if (isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN") return undefined;
    throw thrown;
  }
}

async function checkEmpty(stores: MemoryStores, fork: Scope, { head, end }: SeenLog): Promise<void> {
  const name = scopeKey(fork);
  if (head.erasing !== undefined) throw new TroupeError("SCOPE_ERASED", `${name} is being erased`);
  if (head.base !== undefined) throw invalid(`${name} is a fork of ${head.base.scope} already`);
  const segments = await segmentsOf(stores, fork, head, end);
  for await (const page of readPages(stores.entries, segments, { order: "newest", pageSize: 100 })) {
    if (page.length > 0) throw invalid(`${name} has entries already; a fork goes into a scope that has none`);
  }
}

async function checkDepth({ entries }: MemoryStores, parent: Head): Promise<void> {
  let { base } = parent;
  for (let depth = 1; base !== undefined; depth += 1) {
    if (depth >= forkDepthMax) throw invalid(`a fork of a fork, ${forkDepthMax} deep, is as deep as it goes`);
    base = (await readHead(entries, parseScope(base.scope))).head.base;
  }
}

const isSame = (one: ForkBase | undefined, other: ForkBase): boolean =>
  one?.scope === other.scope && one.era === other.era && one.upTo === other.upTo;

function invalid(what: string): TroupeError {
  return new TroupeError("OPTION_INVALID", what);
}
