// The one way in which an actor's value is written. Kept narrow, so that another means (a journal per partition, say)
// can take its place without the rest noticing.
//
//   C1. `commit` resolves with what is so, never with a guess: a write whose answer was lost is looked up at the key's
//       leader and told by its commit id. Until that is possible it waits.
//   C2. `stands`: the value is stored under the revision. `superseded`: another write stands there, ours never will.
//       `refused`: nothing was written. `given-up`: ownership was lost while the outcome was unknown.

import { commitIdOf } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import type { TroupeError } from "../core/errors.ts";
import { isTroupeError } from "../core/errors.ts";
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

type WriteAttempt =
  | (CommitOutcome & { readonly kind: "stands" | "refused" })
  | { readonly kind: "conflict" | "unknown" };

/** Wait before looking again when the key's leader cannot be read. Unit: ms. */
const lookAgainMs = 100;

export class Committer {
  readonly #state: KvStore;
  readonly #clock: Clock;

  constructor(state: KvStore, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    let isCertain = true;
    for (;;) {
      const write = await this.#tryWrite(commit);
      if (write.kind === "stands" || (write.kind === "refused" && isCertain)) return write;
      if (write.kind === "unknown") isCertain = false;
      const found = await this.#lookUp(commit, isCertain);
      if (found !== "old") return found;
      // The old revision still stands. A lost write may yet arrive, but under the same id: try again (C1).
    }
  }

  async #tryWrite(commit: Commit): Promise<WriteAttempt> {
    try {
      const write = await this.#state.update(commit.key, commit.value, commit.expected);
      return write.kind === "written" ? { kind: "stands", revision: write.revision } : { kind: "conflict" };
    } catch (thrown) {
      if (!isTroupeError(thrown)) throw thrown;
      if (thrown.code === "OUTCOME_UNKNOWN") return { kind: "unknown" };
      return { kind: "refused", error: thrown };
    }
  }

  async #lookUp(commit: Commit, isCertain: boolean): Promise<CommitOutcome | "old"> {
    while (!commit.lost.aborted) {
      try {
        const entry = await this.#state.get(commit.key);
        if ((entry?.revision ?? 0) === commit.expected) return "old";
        if (entry === undefined) return { kind: "superseded", revision: 0, isCertain };
        if (commitIdOf(entry.value) === commit.commitId) return { kind: "stands", revision: entry.revision };
        return { kind: "superseded", revision: entry.revision, isCertain };
      } catch (thrown) {
        if (!isTroupeError(thrown)) throw thrown;
        await delay(this.#clock, lookAgainMs, commit.lost);
      }
    }
    return { kind: "given-up" };
  }
}
