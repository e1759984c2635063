// Who owns each partition of a pool, as this process knows it: a live copy of the partitions' records. Clients find the
// owner by it, workers decide by it what to take and what to give.
//
//   D1. It may lag. An ask by an epoch that is over finds nobody, which has no effect and is tried again; a write by a
//       revision that is over is refused.
//   D2. What stands at a partition's key and is no record counts as none: its owner takes the partition anew, and writes one.

import type { Clock } from "../core/clock.ts";
import { decodeRecord, encodeText } from "../core/codec.ts";
import { Replica } from "../kv/replica.ts";
import type { KvEntry, KvStore, Revision } from "../kv/store.ts";
import type { EpochWaiter } from "./epoch-ring.ts";
import { EpochRing } from "./epoch-ring.ts";
import type { Needs } from "./placement.ts";
import { noNeeds } from "./placement.ts";
import { partitionKey, partitionKeys } from "./subjects.ts";

/** What stands at `partition.<pool>.<p>`. `owner` is empty when it was given back. */
export interface PartitionRecord {
  readonly owner: string;
  /** Number of the ownership; grows with each. */
  readonly epoch: number;
  /** What its owner must be able to serve. */
  readonly needs: Needs;
}

/** As it stands, with the revision; 0 when nothing stands there. */
export interface StandingRecord extends PartitionRecord {
  readonly revision: Revision;
  /** By the server's clock; by this process's when it was written here. Unit: ms since the epoch. */
  readonly writtenAtMs: number;
}

const unowned: StandingRecord = Object.freeze({ owner: "", epoch: 0, needs: noNeeds, revision: 0, writtenAtMs: 0 });

export interface DirectoryOptions {
  readonly cluster: KvStore;
  readonly clock: Clock;
  readonly pool: string;
  readonly partitionCount: number;
}

export class Directory {
  readonly pool: string;
  readonly partitionCount: number;
  readonly #records: StandingRecord[];
  readonly #listeners = new Set<() => void>();
  /** By partition. */
  readonly #waiting: (EpochRing | undefined)[] = [];
  #replica: Replica | undefined;

  private constructor({ pool, partitionCount }: DirectoryOptions) {
    this.pool = pool;
    this.partitionCount = partitionCount;
    this.#records = new Array<StandingRecord>(partitionCount).fill(unowned);
  }

  /** Resolves when it knows what stands. Rejects as a store's `watch` does. */
  static async open(options: DirectoryOptions): Promise<Directory> {
    const { cluster, clock, pool } = options;
    const directory = new Directory(options);
    const onChange = (key: string | undefined) => directory.#read(key);
    directory.#replica = await Replica.open({ store: cluster, pattern: partitionKeys(pool), clock, onChange });
    directory.#read(undefined);
    return directory;
  }

  recordOf(partition: number): StandingRecord {
    return this.#records[partition] ?? unowned;
  }

  /** The epoch of the partition's owner; undefined when it has none. */
  epochOf(partition: number): number | undefined {
    const { owner, epoch } = this.recordOf(partition);
    return owner === "" ? undefined : epoch;
  }

  /** Runs `listener` after each change. Returns the function that stops it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The waiter hears of the partition's next epoch, unless it leaves before. */
  awaitNextEpoch(partition: number, waiter: EpochWaiter): void {
    const ring = this.#waiting[partition] ?? new EpochRing();
    this.#waiting[partition] = ring;
    ring.join(waiter);
  }

  /** Takes note of a record that this process has written. */
  adopt(partition: number, record: PartitionRecord, revision: Revision, writtenAtMs: number): void {
    const key = partitionKey(this.pool, partition);
    this.#replica?.adopt({ key, value: writeRecord(record), revision, operation: "put", writtenAtMs });
  }

  /** Looks at the partition's record itself. Rejects as a store's `get` does. */
  async refresh(partition: number): Promise<void> {
    await this.#replica?.refresh(partitionKey(this.pool, partition));
  }

  /** The same for several. */
  async refreshAll(partitions: readonly number[]): Promise<void> {
    await this.#replica?.refreshAll(partitions.map((partition) => partitionKey(this.pool, partition)));
  }

  async close(): Promise<void> {
    await this.#replica?.close();
  }

  #read(key: string | undefined): void {
    if (this.#replica === undefined) return; // Not current yet: all of it is read then.
    if (key === undefined) for (let at = 0; at < this.partitionCount; at += 1) this.#readOne(at);
    else this.#readOne(Number(key.slice(key.lastIndexOf(".") + 1)));
    for (const listener of [...this.#listeners]) listener();
  }

  #readOne(partition: number): void {
    if (!(partition < this.partitionCount)) return;
    const before = this.recordOf(partition);
    const record = readStanding(this.#replica?.get(partitionKey(this.pool, partition)));
    this.#records[partition] = record;
    const waiting = this.#waiting[partition];
    if (waiting === undefined || record.epoch === before.epoch) return;
    this.#waiting[partition] = undefined;
    waiting.onNextEpoch();
  }
}

function readStanding(entry: KvEntry | undefined): StandingRecord {
  if (entry === undefined) return unowned;
  const { value, revision, writtenAtMs } = entry;
  return { ...readRecord(value), revision, writtenAtMs };
}

/** Reads the record of a partition (D2). */
export function readRecord(value: Uint8Array): PartitionRecord {
  const { owner = "", epoch = 0, needs = noNeeds } = decodeRecord<PartitionRecord>(value) ?? {};
  return { owner, epoch, needs };
}

export function writeRecord({ owner, epoch, needs }: PartitionRecord): Uint8Array {
  return encodeText(JSON.stringify(Object.keys(needs).length === 0 ? { owner, epoch } : { owner, epoch, needs }));
}
