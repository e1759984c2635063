// Who waits until a replica has come to a revision: reading what one has written.

import type { Clock } from "../../core/clock.ts";
import { TroupeError } from "../../core/errors.ts";
import type { Revision } from "../../kv/store.ts";
import type { MemoryBucketName } from "../memory-change.ts";

/** Revisions of writes to the replica's own scope, as the writing calls return them. */
export interface MemoryRevisions {
  /** Of entries and pins. */
  readonly memory?: Revision;
  readonly facts?: Revision;
}

export interface WaitOptions {
  /** Default 5,000. Beyond it: REPLICA_BEHIND. Unit: ms. */
  readonly timeoutMs?: number;
  /** Ends the waiting: rejects with its reason. */
  readonly signal?: AbortSignal;
}

interface Wait {
  readonly wanted: MemoryRevisions;
  readonly resolve: () => void;
  readonly reject: (thrown: unknown) => void;
}

export class RevisionWaits {
  readonly #clock: Clock;
  readonly #name: string;
  readonly #reached = { memory: 0, facts: 0 };
  readonly #waits = new Set<Wait>();
  #ended: { readonly reason: unknown } | undefined;

  /** `name`: whose replica it is, for errors. */
  constructor(clock: Clock, name: string) {
    this.#clock = clock;
    this.#name = name;
  }

  /** Up to where each bucket has been seen. */
  get reached(): Required<MemoryRevisions> {
    return { ...this.#reached };
  }

  /** How many revisions lie between what is here and the furthest that somebody waits for. */
  get behind(): Required<MemoryRevisions> {
    const furthest = (bucket: MemoryBucketName) =>
      Math.max(0, ...[...this.#waits].map(({ wanted }) => (wanted[bucket] ?? 0) - this.#reached[bucket]));
    return { memory: furthest("memory"), facts: furthest("facts") };
  }

  reach(bucket: MemoryBucketName, revision: Revision): void {
    if (revision <= this.#reached[bucket]) return;
    this.#reached[bucket] = revision;
    for (const wait of this.#waits) if (this.#isReached(wait.wanted)) wait.resolve();
  }

  /** What stands is read again, of a bucket that may be another one: it has been seen up to nowhere. */
  startOver(bucket: MemoryBucketName): void {
    this.#reached[bucket] = 0;
  }

  /** Who waits, or comes later for what is not here, is told why it will not come. */
  end(reason: unknown): void {
    this.#ended ??= { reason };
    for (const wait of this.#waits) wait.reject(this.#ended.reason);
  }

  /** Rejects with REPLICA_BEHIND, CLOSED, OPTION_INVALID, and with the signal's reason. */
  async waitFor(wanted: MemoryRevisions, { timeoutMs = 5_000, signal }: WaitOptions = {}): Promise<void> {
    for (const revision of [wanted.memory ?? 0, wanted.facts ?? 0]) {
      if (Number.isSafeInteger(revision) && revision >= 0) continue;
      throw new TroupeError("OPTION_INVALID", `a revision is a whole number of 0 or more, got ${String(revision)}`);
    }
    if (this.#isReached(wanted)) return;
    if (this.#ended !== undefined) throw this.#ended.reason;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wait: Wait = { wanted, resolve, reject };
    const abort = () => reject(signal?.reason);
    const cancel = this.#clock.after(timeoutMs, () => reject(this.#behindError(wanted, timeoutMs)));
    signal?.addEventListener("abort", abort, { once: true });
    this.#waits.add(wait);
    try {
      await promise;
    } finally {
      this.#waits.delete(wait);
      cancel();
      signal?.removeEventListener("abort", abort);
    }
  }

  #isReached({ memory = 0, facts = 0 }: MemoryRevisions): boolean {
    return this.#reached.memory >= memory && this.#reached.facts >= facts;
  }

  #behindError(wanted: MemoryRevisions, timeoutMs: number): TroupeError {
    const [want, has] = [JSON.stringify(wanted), JSON.stringify(this.#reached)];
    return new TroupeError(
      "REPLICA_BEHIND",
      `${this.#name} was not followed up to ${want} within ${timeoutMs} ms: it is at ${has}`,
    );
  }
}
