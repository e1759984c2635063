// What stands in the state bucket against who owned what when: a fold over both, in the order in which each was written.
//
//   S1. The epoch in an actor's committed values never goes down.
//   S2. Of what a later ownership has written nothing is overwritten by an earlier one. (That is S1 for each actor.)
//
// A write under an earlier epoch, after the record of a later one stands and before the later owner has written to that
// actor, breaks no promise: it is a compare-and-set on the value that the later owner has still to change, which then
// loads it. It is measured here all the same, since an owner whose lease is over has no business to write: all such
// writes must have been on their way already.

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
}
