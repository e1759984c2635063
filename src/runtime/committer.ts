// The one way in which an actor's value is written. Kept narrow, so that another means (a journal per partition, say)
// can take its place without the rest noticing.
//
//   C1. `commit` resolves with what is so, never with a guess: a write whose answer was lost is looked up at the key's
//       leader and told by its commit id. Until that is possible it waits.
//   C2. `stands`: the value is stored under the revision. `superseded`: another write stands there, ours never will.
//       `refused`: nothing was written. `given-up`: ownership was lost while the outcome was unknown.
//   C3. A write that reached nobody (not connected, or the key has no leader now) was not refused: it is tried again for as
//       long as ownership lasts.
//   C4. When ownership is lost nothing is written any more, also not again.

import { commitIdOf } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import type { KvStore, Revision } from "../kv/store.ts";

export type CommitOutcome =
  | { readonly kind: "stands"; readonly revision: Revision }
  /** `isCertain`: ours was never stored. Otherwise it may have been, and was written over since. */
  | { readonly kind: "superseded"; readonly revision: Revision; readonly isCertain: boolean }
  | { readonly kind: "refused"; readonly error: TroupeError }
  | { readonly kind: "given-up" };

export interface Commit {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expected: Revision;
  /** Stands in the value; unlike any other commit's. */
  readonly commitId: string;
  /** Aborts when this worker no longer owns the actor. */
  readonly lost: AbortSignal;
}

const fenced = (key: string) => new TroupeError("FENCED", `${key} is no longer owned here`);
/** Wait before the key's leader is asked again that could not be reached. Unit: ms. */
const tryAgainMs = 100;

export class Committer {
  readonly #state: KvStore;
  readonly #clock: Clock;
  readonly #onConflict: (key: string) => void;

  /** `onConflict` hears of each write that another one came before. */
  constructor(state: KvStore, clock: Clock, onConflict: (key: string) => void = () => {}) {
    this.#state = state;
    this.#clock = clock;
    this.#onConflict = onConflict;
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    // Almost every commit ends here, so it goes through as few promises as can be.
    return this.#state.update(commit.key, commit.value, commit.expected).then(
      (write) => (write.kind === "written" ? { kind: "stands", revision: write.revision } : this.#settle(commit, true)),
      (thrown) => this.#settleFailure(commit, thrown, true),
    );
  }

  /** After a conflict, or an answer that was lost: finds out what stands, and tries again while nothing else does. */
  async #settle(commit: Commit, isCertain: boolean): Promise<CommitOutcome> {
    const found = await this.#lookUp(commit, isCertain);
    // The old revision still stands. A lost write may yet arrive, but under the same id: try again (C1).
    return found === "old" ? this.#writeAgain(commit, isCertain) : found;
  }

  async #writeAgain(commit: Commit, isCertain: boolean): Promise<CommitOutcome> {
    if (commit.lost.aborted) return isCertain ? { kind: "refused", error: fenced(commit.key) } : { kind: "given-up" }; // C4
    try {
      const write = await this.#state.update(commit.key, commit.value, commit.expected);
      if (write.kind === "written") return { kind: "stands", revision: write.revision };
    } catch (thrown) {
      return this.#settleFailure(commit, thrown, isCertain);
    }
    return this.#settle(commit, isCertain);
  }

  async #settleFailure(commit: Commit, thrown: unknown, isCertain: boolean): Promise<CommitOutcome> {
    if (!isTroupeError(thrown)) throw thrown;
    if (thrown.code === "OUTCOME_UNKNOWN") return this.#settle(commit, false);
    const isRefused = thrown.code !== "SERVER_UNREACHABLE" || commit.lost.aborted;
    if (isCertain && isRefused) return { kind: "refused", error: thrown };
    await delay(this.#clock, tryAgainMs, commit.lost);
    // Refused now, but an earlier attempt may be stored: only the key can tell.
    return isCertain ? this.#writeAgain(commit, true) : this.#settle(commit, false);
  }

  async #lookUp(commit: Commit, isCertain: boolean): Promise<CommitOutcome | "old"> {
    while (!commit.lost.aborted) {
      try {
        const entry = await this.#state.get(commit.key);
        if ((entry?.revision ?? 0) === commit.expected) return "old";
        if (entry !== undefined && commitIdOf(entry.value) === commit.commitId) {
          return { kind: "stands", revision: entry.revision };
        }
        this.#onConflict(commit.key);
        return { kind: "superseded", revision: entry?.revision ?? 0, isCertain };
      } catch (thrown) {
        if (!isTroupeError(thrown)) throw thrown;
        await delay(this.#clock, tryAgainMs, commit.lost);
      }
    }
    return { kind: "given-up" };
  }
}
