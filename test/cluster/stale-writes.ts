// What stands in the state bucket against who owned what when: a fold over both, in the order in which each was written.
//
//   S1. The epoch in an actor's committed values never goes down: nothing of a later owner is overwritten by an earlier one.
//   S2. A write under an epoch that is over comes at most a lease (3 s) after the record of a later one, or after the time
//       in which its bytes were held, by a frozen server too, or its writer frozen, was over: no owner lingers.
//
// Such a late write breaks no promise: it is a compare-and-set on a value that the later owner has still to change, which
// then loads it. But an owner that is none any more has no business to write, so they are counted and measured.

/** Beyond this an owner lingers (S2). Unit: ms. */
export const lingerMsMax = 3_000;

export interface CommittedWrite {
  readonly key: string;
  readonly partition: number;
  readonly epoch: number;
  /** Names the worker by its beginning. */
  readonly commit: string;
  /** By the server's clock. Unit: ms since the Unix epoch. */
  readonly writtenAtMs: number;
}

export interface LateWrite {
  readonly write: CommittedWrite;
  /** Since the record of a later epoch was written. Unit: ms. */
  readonly lateMs: number;
}

export class StaleWrites {
  readonly #epochs = new Map<string, CommittedWrite>();
  readonly #byPartition = new Map<number, CommittedWrite[]>();
  /** By partition: its epochs and since when they stand. */
  readonly #owned = new Map<number, Map<number, number>>();
  readonly broken: string[] = [];
  writes = 0;

  committed(write: CommittedWrite): void {
    this.writes += 1;
    const before = this.#epochs.get(write.key);
    if (before !== undefined && before.epoch > write.epoch) {
      const text = `${write.key} was written under epoch ${write.epoch} (${write.commit})`;
      this.broken.push(`S1: ${text} after epoch ${before.epoch} (${before.commit})`);
    }
    this.#epochs.set(write.key, write);
    const all = this.#byPartition.get(write.partition) ?? [];
    if (all.push(write) === 1) this.#byPartition.set(write.partition, all);
  }

  owned(partition: number, epoch: number, writtenAtMs: number): void {
    const epochs = this.#owned.get(partition) ?? new Map<number, number>();
    this.#owned.set(partition, epochs);
    epochs.set(epoch, Math.min(epochs.get(epoch) ?? Infinity, writtenAtMs));
  }

  /** Epochs that began, beyond the first of each partition. */
  get takeovers(): number {
    let count = 0;
    for (const epochs of this.#owned.values()) count += Math.max(0, epochs.size - 1);
    return count;
  }

  /** Writes under an epoch that was over, the latest first. */
  get late(): readonly LateWrite[] {
    const late: LateWrite[] = [];
    for (const [partition, writes] of this.#byPartition) {
      const epochs = [...(this.#owned.get(partition) ?? [])];
      for (const write of writes) {
        const since = epochs.filter(([epoch]) => epoch > write.epoch).map(([, atMs]) => atMs);
        const lateMs = write.writtenAtMs - Math.min(...since, Infinity);
        if (lateMs > 0) late.push({ write, lateMs });
      }
    }
    return late.sort((a, b) => b.lateMs - a.lateMs);
  }

  /** What lingers (S2). `releasedAtMs`: when the last fault that held up the writer of it was over; 0 when none did. */
  lingering(releasedAtMs: (write: CommittedWrite) => number): readonly string[] {
    return this.late.flatMap(({ write, lateMs }) => {
      const sinceMs = Math.min(lateMs, write.writtenAtMs - releasedAtMs(write));
      if (sinceMs <= lingerMsMax) return [];
      return `S2: ${write.key} was written under epoch ${write.epoch} (${write.commit}) ${sinceMs} ms after that was over`;
    });
  }
}
