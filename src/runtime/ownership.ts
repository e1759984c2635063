// Taking, keeping and giving back the partitions of a pool, in the cluster bucket.
//
//   E1. A partition's epoch grows with each owner, by compare-and-set: of two takers one wins.
//   E3. A cursor is saved under its own revision, and whoever takes a partition writes its cursor anew: an owner that was
//       replaced cannot set it back.
//   E4. No epoch that was ever seen is given out again, whatever the record says: it may have been lost, or set back with its
//       bucket, and under an epoch that is over the actors' values would refuse whoever has it.
//
// The cursor stands at a key of its own, so that those who watch who owns what do not hear of it each second.

import { decodeRecord, encodeText } from "../core/codec.ts";
import type { KvEntry, KvStore, Revision } from "../kv/store.ts";
import type { Directory, PartitionRecord, StandingRecord } from "./directory.ts";
import { writeRecord } from "./directory.ts";
import type { Needs } from "./placement.ts";
import { cursorKey, partitionKey } from "./subjects.ts";

/** What stands at `cursor.<pool>.<p>`. */
export interface CursorRecord {
  readonly epoch: number;
  /** Everything of the partition at or below this mail sequence is done. */
  readonly cursor: number;
}

export interface OwnedPartition extends CursorRecord {
  readonly partition: number;
  /** Of the cursor's key. */
  readonly revision: Revision;
}

export interface OwnershipOptions {
  readonly cluster: KvStore;
  readonly directory: Directory;
  readonly worker: string;
  readonly now: () => number;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  /** The highest epoch of each partition that was seen elsewhere than in its record, or given out here (E4). */
  readonly #seen = new Map<number, number>();

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** Takes note of an epoch that the partition has had (E4). */
  noteEpoch(partition: number, epoch: number): void {
    this.#seen.set(partition, Math.max(epoch, this.#seen.get(partition) ?? 0));
  }

  /** Takes a partition under the record that stands; undefined when another was quicker. */
  async tryTake(partition: number): Promise<OwnedPartition | undefined> {
    const { directory, worker } = this.#options;
    const standing = directory.recordOf(partition);
    const epoch = Math.max(standing.epoch, this.#seen.get(partition) ?? 0) + 1; // E4
    const next = { owner: worker, epoch, needs: standing.needs };
    // The cursor is looked at meanwhile: should it move, it is not written under what was seen (E3).
    const looking = this.#options.cluster.get(cursorKey(directory.pool, partition));
    const [taken, cursor] = await Promise.allSettled([this.#tryWrite(partition, standing, next), looking]);
    if (taken.status === "rejected") throw taken.reason;
    if (!taken.value) return undefined; // E1
    this.noteEpoch(partition, epoch);
    if (cursor.status === "rejected") throw cursor.reason;
    return this.#takeCursor(partition, epoch, cursor.value);
  }

  /** Says what the partition's owner must be able to serve, while it is ours. */
  async tryNeed(partition: number, epoch: number, needs: Needs): Promise<boolean> {
    const { directory, worker } = this.#options;
    const standing = directory.recordOf(partition);
    if (standing.owner !== worker || standing.epoch !== epoch) return false;
    return this.#tryWrite(partition, standing, { owner: worker, epoch, needs: { ...standing.needs, ...needs } });
  }

  /** Gives the partition back, its cursor saved before; false when another had it already. */
  async giveBack(owned: OwnedPartition, cursor: number): Promise<boolean> {
    if (cursor > owned.cursor && (await this.save(owned, cursor)) === "lost") return false;
    return (await this.tryRelease(owned.partition)) || !this.isTaken(owned);
  }

  /** Whether its record is known to have had a later owner. */
  isTaken({ partition, epoch }: OwnedPartition): boolean {
    return this.#options.directory.recordOf(partition).epoch > epoch;
  }

  /** Takes our name off a partition's record. */
  async tryRelease(partition: number): Promise<boolean> {
    const { directory, worker } = this.#options;
    const standing = directory.recordOf(partition);
    if (standing.owner !== worker) return false;
    const { epoch, needs } = standing;
    return this.#tryWrite(partition, standing, { owner: "", epoch, needs });
  }

  /** Saves the cursor; `lost` when another owner has written there (E3). */
  async save(owned: OwnedPartition, cursor: number): Promise<OwnedPartition | "lost"> {
    const { cluster } = this.#options;
    const { partition, epoch } = owned;
    const key = cursorKey(this.#options.directory.pool, partition);
    const next = { epoch, cursor };
    const write = await cluster.update(key, encodeText(JSON.stringify(next)), owned.revision);
    if (write.kind === "written") return { ...next, partition, revision: write.revision };
    // A write of ours whose answer was lost may be what stands there.
    const entry = await cluster.get(key);
    const found = entry === undefined ? undefined : readCursor(entry.value);
    if (entry === undefined || found?.epoch !== epoch) return "lost";
    return { ...found, partition, revision: entry.revision };
  }

  /** `seen`: the cursor's entry as it was a moment ago. */
  async #takeCursor(partition: number, epoch: number, seen: KvEntry | undefined): Promise<OwnedPartition | undefined> {
    const { cluster, directory } = this.#options;
    const key = cursorKey(directory.pool, partition);
    for (let entry = seen; ; entry = await cluster.get(key)) {
      const before = entry === undefined ? firstCursor : readCursor(entry.value);
      if (before.epoch > epoch) {
        // Another has taken it since, or the record was set back: then it is taken once more, above that (E4).
        this.noteEpoch(partition, before.epoch);
        return undefined;
      }
      const next = { epoch, cursor: before.cursor };
      const write = await cluster.update(key, encodeText(JSON.stringify(next)), entry?.revision ?? 0);
      if (write.kind === "written") return { ...next, partition, revision: write.revision };
    }
  }

  async #tryWrite(partition: number, standing: StandingRecord, next: PartitionRecord): Promise<boolean> {
    const { cluster, directory, now } = this.#options;
    const key = partitionKey(directory.pool, partition);
    const write = await cluster.update(key, writeRecord(next), standing.revision);
    if (write.kind === "written") directory.adopt(partition, next, write.revision, now());
    else await directory.refresh(partition);
    return write.kind === "written";
  }
}

const firstCursor: CursorRecord = { epoch: 0, cursor: 0 };

/** Reads what stands at a cursor's key. What is no cursor is none: the mail is read from its beginning, and repeats are known. */
export function readCursor(value: Uint8Array): CursorRecord {
  const { epoch = 0, cursor = 0 } = decodeRecord<CursorRecord>(value) ?? firstCursor;
  return { epoch, cursor };
}
