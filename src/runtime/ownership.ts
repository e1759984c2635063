// Who lives and who owns what, in the cluster bucket: a lease per worker, and per partition its owner, epoch and cursor.
//
//   E1. A partition's epoch grows by one with each owner, by compare-and-set: of two takers one wins.
//   E2. An owner stops by its own clock when its lease was not renewed in time, before anybody else may take over.
//   E3. A cursor is saved under the record's revision: an owner that was replaced cannot set it back.
//
// Leases make takeover quick; they never make it safe. Safety is the revision check of each commit (P1).

import type { Clock } from "../core/clock.ts";
import { decodeText, encodeText } from "../core/codec.ts";
import { isTroupeError } from "../core/errors.ts";
import type { KvStore } from "../kv/store.ts";
import type { Mail } from "./mail.ts";
import { partitionKey, workerKey } from "./subjects.ts";

/** How long a worker counts as alive after its last sign. Unit: ms, whole seconds. */
export const leaseTtlMs = 3_000;
/** How often it gives one. Unit: ms. Two may fail and the third still lands before the lease is over. */
export const leaseRenewMs = 1_000;
const pingTimeoutMs = 500;

/** What stands at `partition.<pool>.<p>`. `owner` is empty when it was given back. */
export interface PartitionRecord {
  readonly owner: string;
  readonly epoch: number;
  readonly cursor: number;
}

export interface OwnedPartition extends PartitionRecord {
  readonly partition: number;
  readonly revision: number;
}

export interface TakenPartitions {
  readonly taken: readonly OwnedPartition[];
  /** The workers that own the rest. */
  readonly owners: readonly string[];
}

export interface OwnershipOptions {
  readonly cluster: KvStore;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly pool: string;
  readonly partitionCount: number;
  readonly worker: string;
  /** What `troupe ps` shows of this worker. */
  readonly about: object;
}

const free: PartitionRecord = { owner: "", epoch: 0, cursor: 0 };

export class Ownership {
  readonly #options: OwnershipOptions;
  #renewedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** Time that is left of the lease by this process's own clock (E2); 0 or less when it is over. Unit: ms. */
  get leftMs(): number {
    return this.#renewedAtMs + leaseTtlMs - this.#options.clock.monotonicMs();
  }

  /** Gives a sign of life; returns whether the server took it. */
  async renew(): Promise<boolean> {
    const { cluster, clock, worker, about } = this.#options;
    const askedAtMs = clock.monotonicMs();
    try {
      const value = encodeText(JSON.stringify({ worker, ...about, renewedAt: new Date(clock.now()).toISOString() }));
      await cluster.put(workerKey(worker), value, { ttlMs: leaseTtlMs });
      this.#renewedAtMs = askedAtMs;
      return true;
    } catch (thrown) {
      if (!isTroupeError(thrown)) throw thrown;
      return false;
    }
  }

  /** Takes every partition that is free or whose owner is dead, but those that are `held`. Says which owners live. */
  async takeFree(held: ReadonlySet<number>): Promise<TakenPartitions> {
    const { cluster, pool, partitionCount, worker } = this.#options;
    const keys = Array.from({ length: partitionCount }, (_, partition) => partitionKey(pool, partition));
    const entries = await cluster.getMany(keys);
    const records = keys.map((key) => {
      const entry = entries.get(key);
      return { record: entry === undefined ? free : readRecord(entry.value), revision: entry?.revision ?? 0 };
    });
    const others = new Set(
      records.map(({ record }) => record.owner).filter((owner) => owner !== "" && owner !== worker),
    );
    const living = await this.#livingOf(others);
    const takes = records.map(async ({ record, revision }, partition): Promise<OwnedPartition | undefined> => {
      if (held.has(partition) || living.has(record.owner)) return undefined;
      const next = { owner: worker, epoch: record.epoch + 1, cursor: record.cursor };
      const write = await cluster.update(partitionKey(pool, partition), writeRecord(next), revision);
      return write.kind === "written" ? { ...next, partition, revision: write.revision } : undefined; // E1
    });
    const settled = await Promise.all(takes);
    return { taken: settled.filter((owned) => owned !== undefined), owners: [...living] };
  }

  /** Saves the cursor; `lost` when another owner stands there (E3). With `isLast` the partition is given back. */
  async save(owned: OwnedPartition, cursor: number, isLast = false): Promise<OwnedPartition | "lost"> {
    const { cluster, pool, worker } = this.#options;
    const next = { owner: isLast ? "" : worker, epoch: owned.epoch, cursor };
    const key = partitionKey(pool, owned.partition);
    const write = await cluster.update(key, writeRecord(next), owned.revision);
    if (write.kind === "written") return { ...next, partition: owned.partition, revision: write.revision };
    // A write of ours whose answer was lost may be what stands there.
    const entry = await cluster.get(key);
    if (entry === undefined) return "lost";
    const record = readRecord(entry.value);
    if (record.epoch !== owned.epoch || (record.owner !== worker && !isLast)) return "lost";
    return { ...record, partition: owned.partition, revision: entry.revision };
  }

  /** The worker is no more. */
  async leave(): Promise<void> {
    await this.#options.cluster.delete(workerKey(this.#options.worker));
  }

  /** Dead is who has no lease, or whose control subject nobody serves, which NATS says at once. */
  async #livingOf(workers: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { cluster, mail } = this.#options;
    const answers = [...workers].map(async (worker) => {
      if ((await cluster.get(workerKey(worker))) === undefined) return undefined;
      return (await mail.ping(worker, pingTimeoutMs)) === "nobody" ? undefined : worker;
    });
    return new Set((await Promise.all(answers)).filter((worker) => worker !== undefined));
  }
}

function writeRecord({ owner, epoch, cursor }: PartitionRecord): Uint8Array {
  return encodeText(JSON.stringify({ owner, epoch, cursor }));
}

/** Reads a record of a partition. */
export function readRecord(value: Uint8Array): PartitionRecord {
  const { owner, epoch, cursor } = JSON.parse(decodeText(value)) as Partial<PartitionRecord>;
  return { owner: owner ?? "", epoch: epoch ?? 0, cursor: cursor ?? 0 };
}
