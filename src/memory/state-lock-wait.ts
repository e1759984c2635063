// Getting a lock: when it is free, or when its holder has been silent for the time to live (F1 and F3 of state-lock.ts).

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvStore, Revision } from "../kv/store.ts";
import { checkWhole } from "../kv/writes.ts";
import { StateLock, waitsForLater } from "./state-lock.ts";
import type { LockEntry } from "./state-lock-entry.ts";
import { lockKey, printLock, readLock } from "./state-lock-entry.ts";

export interface LockOptions {
  /** A holder that is silent for so long loses the lock. It is renewed three times as often. Unit: ms, 300 to 3,600,000. Default 10,000. */
  readonly ttlMs?: number;
  /** How long to wait for the lock before it rejects with LOCK_HELD. Unit: ms. Default 30,000. */
  readonly waitMs?: number;
  /** Ends the wait: rejects with the signal's reason. Does not give back what is held. */
  readonly signal?: AbortSignal;
  /** Who wants it, for people who look. Default: the store's `actor`. */
  readonly holder?: string;
}

interface Wanted {
  readonly key: string;
  readonly name: string;
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly holder: string;
  /** Of the holding. */
  readonly id: string;
}

const ttlMsDefault = 10_000;
const waitMsDefault = 30_000;
/** After a write in doubt, or while others take the lock too. Unit: ms. */
const againMs = 20;
const touchesMax = 100;

/** Waits for the lock. Rejects with LOCK_HELD, OPTION_INVALID, ID_INVALID, SERVER_UNREACHABLE, STORE_FAILED, CLOSED. */
export async function acquireLock(kv: KvStore, clock: Clock, name: string, options: LockOptions): Promise<StateLock> {
  const { ttlMs = ttlMsDefault, waitMs = waitMsDefault, signal, holder = "unnamed" } = options;
  checkWhole("ttlMs", ttlMs, 300, 3_600_000);
  checkWhole("waitMs", waitMs, 0, 2 ** 31 - 1);
  const wanted: Wanted = { key: lockKey(name), name, ttlMs, waitMs, signal, holder, id: clock.uniqueId().slice(0, 10) };
  try {
    return await take(kv, clock, wanted);
  } catch (thrown) {
    if (isTroupeError(thrown) && thrown.code === "LOCK_HELD") throw thrown; // Then it is another's.
    await giveBack(kv, wanted).catch((failed: unknown) => {
      if (!isTroupeError(failed)) throw failed; // Out of reach: it is free when its time is over.
    });
    throw thrown;
  }
}

async function take(kv: KvStore, clock: Clock, wanted: Wanted): Promise<StateLock> {
  const { key, name, ttlMs, waitMs, signal, holder, id } = wanted;
  const deadlineMs = clock.monotonicMs() + waitMs;
  let sign = { revision: -1, seenAtMs: 0 };
  let takenAtMs = clock.monotonicMs();
  let failure: unknown;
  const passing = (thrown: unknown): undefined => {
    failure = thrown;
    return waitsForLater(thrown);
  };
  for (;;) {
    signal?.throwIfAborted();
    if (failure !== undefined) {
      if (clock.monotonicMs() >= deadlineMs) throw failure;
      await delay(clock, againMs * (1 + clock.random()), signal);
    }
    failure = undefined;
    const looked = await look(kv, key).catch(passing);
    if (looked === undefined) continue;
    const { entry, revision } = looked;
    const now = clock.monotonicMs();
    if (entry?.id === id && entry.holder !== undefined) {
      // Taken: by the write below, whatever was heard of it.
      const fenced = await fence(kv, clock, key, { entry, revision }).catch(passing);
      if (fenced === undefined) continue;
      return new StateLock({ kv, clock, key, name, entry: { ...entry, keys: [] }, revision: fenced, takenAtMs });
    }
    if (revision !== sign.revision) sign = { revision, seenAtMs: now };
    const restMs = entry?.holder === undefined ? 0 : sign.seenAtMs + entry.ttlMs - now;
    if (restMs > 0) {
      if (now >= deadlineMs) throw held(name, entry, waitMs);
      await changed(kv, clock, key, revision, Math.min(restMs, deadlineMs - now), signal).catch(passing);
      continue;
    }
    takenAtMs = now;
    const taken = { holder, token: (entry?.token ?? 0) + 1, ttlMs, keys: entry?.keys ?? [], at: clock.now(), id };
    await kv.update(key, printLock(taken), revision).catch(passing);
  }
}

async function look(
  kv: KvStore,
  key: string,
): Promise<{ readonly entry: LockEntry | undefined; readonly revision: Revision }> {
  const standing = await kv.get(key);
  return standing === undefined
    ? { entry: undefined, revision: 0 }
    : { entry: readLock(standing), revision: standing.revision };
}

/** Nobody has what was taken by a write of which nothing was heard in time, or too late. What others claimed before stays claimed (F3). */
async function giveBack(kv: KvStore, { key, id }: Wanted): Promise<void> {
  const { entry, revision } = await look(kv, key);
  if (entry?.id !== id) return;
  const { holder: _holder, ...free } = entry;
  await kv.update(key, printLock(free), revision);
}

/**
 * Writes each claimed key once more, as it stands, and then says that none is claimed (F3). Returns the revision of the lock's
 * entry; undefined when it is to be looked at again.
 */
async function fence(
  kv: KvStore,
  clock: Clock,
  key: string,
  { entry, revision }: { readonly entry: LockEntry; readonly revision: Revision },
): Promise<Revision | undefined> {
  if (entry.keys.length === 0) return revision;
  for (const claimed of entry.keys) await touch(kv, clock, claimed);
  const write = await kv.update(key, printLock({ ...entry, keys: [], at: clock.now() }), revision);
  return write.kind === "written" ? write.revision : undefined;
}

async function touch(kv: KvStore, clock: Clock, key: string): Promise<void> {
  for (let tries = 0; tries < touchesMax; tries += 1) {
    const standing = await kv.get(key);
    if (standing === undefined) return; // F4
    const write = await kv.update(key, standing.value, standing.revision).catch(inDoubt);
    if (write?.kind === "written") return;
    await delay(clock, againMs * clock.random());
  }
  throw new TroupeError("WRITE_CONTENDED", `${key} was changed by others ${touchesMax} times in a row`);
}

/** Resolves when the key has another entry than that of `revision`, or when the time is over. */
async function changed(
  kv: KvStore,
  clock: Clock,
  key: string,
  revision: Revision,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const cancel = clock.after(withinMs, () => over.abort());
  const ends = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  try {
    await using watcher = await kv.watch(key, { from: revision + 1, signal: ends });
    for await (const change of watcher) if (change.kind !== "current") break;
  } finally {
    cancel();
  }
}

function inDoubt(thrown: unknown): undefined {
  if (isTroupeError(thrown) && thrown.code === "OUTCOME_UNKNOWN") return undefined;
  throw thrown;
}

function held(name: string, entry: LockEntry | undefined, waitMs: number): TroupeError {
  const text = `the lock ${name} is held by ${entry?.holder} (token ${entry?.token}), also after ${waitMs} ms`;
  return new TroupeError("LOCK_HELD", text, { data: { holder: entry?.holder, token: entry?.token } });
}
