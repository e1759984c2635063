// Everything that a bucket holds under a pattern, once through: what `list` and `get` cannot show, deletions and the
// entries of histories, in order of revision and without holding it all in memory.

import { TroupeError } from "../core/errors.ts";
import type { KeyPattern, KvEntry, KvStore } from "../kv/store.ts";

export interface StandingRequest {
  readonly store: KvStore;
  readonly pattern: KeyPattern;
  /** "last": the last entry of each key; "kept": all that are kept. */
  readonly which: "last" | "kept";
  readonly signal: AbortSignal | undefined;
  /** Runs for each entry in turn; the next one waits for it. */
  readonly take: (entry: KvEntry) => void | Promise<void>;
  /** It begins anew: what was taken before does not count. */
  readonly restart: () => void;
}

/**
 * Resolves when all that stood at the call has been taken; a key that is written meanwhile may be left out where its older
 * entry is not kept. Rejects as `watch` does, and with the signal's reason.
 */
export async function readStanding(request: StandingRequest): Promise<void> {
  const { store, pattern, which, signal, take, restart } = request;
  signal?.throwIfAborted();
  await using watcher = await store.watch(pattern, {
    ...(which === "kept" ? { from: 1 } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const change of watcher) {
    if (change.kind === "current") return;
    if (change.kind === "restarted") restart();
    else await take(change.entry);
  }
  signal?.throwIfAborted();
  throw new TroupeError("CLOSED", `the store of ${store.bucket} was closed while it was read`);
}
