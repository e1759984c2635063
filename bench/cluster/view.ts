// What the bench sees of a cluster, from the cluster bucket as any client does: who lives, and who owns which partition.

import { systemClock } from "../../src/core/clock.ts";
import { decodeText } from "../../src/core/codec.ts";
import { Replica } from "../../src/kv/replica.ts";
import { Directory } from "../../src/runtime/directory.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import type { Ports } from "../../src/runtime/ports.ts";

export interface Living {
  readonly worker: string;
  readonly pid: number;
  readonly isDraining: boolean;
}

/** How long anything may take that is waited for here. Unit: ms. */
const patienceMs = 20_000;
const pool = "main";

export class ClusterView implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #directory: Directory;
  readonly #leases: Replica;
  readonly #listeners: Set<() => void>;

  private constructor(ports: Ports, directory: Directory, leases: Replica, listeners: Set<() => void>) {
    this.#ports = ports;
    this.#directory = directory;
    this.#leases = leases;
    this.#listeners = listeners;
    directory.onChange(() => this.#changed());
  }

  static async open(servers: string, app: string): Promise<ClusterView> {
    const ports = await natsPorts({ nats: { servers } })({ app, pool, partitionCount: undefined });
    const { cluster, partitionCount } = ports;
    const listeners = new Set<() => void>();
    const onChange = () => {
      for (const listener of [...listeners]) listener();
    };
    const directory = await Directory.open({ cluster, clock: systemClock, pool, partitionCount });
    const leases = await Replica.open({ store: cluster, pattern: "worker.*", clock: systemClock, onChange });
    return new ClusterView(ports, directory, leases, listeners);
  }

  get living(): readonly Living[] {
    return [...this.#leases.entries()].map(({ value }) => {
      const { worker = "", pid = 0, isDraining = false } = JSON.parse(decodeText(value)) as Partial<Living>;
      return { worker, pid, isDraining };
    });
  }

  /** By partition the owner's process; 0 when nobody owns it who lives. */
  get owners(): readonly number[] {
    const pidOf = new Map(this.living.map(({ worker, pid }) => [worker, pid]));
    const partitions = Array.from({ length: this.#directory.partitionCount }, (_, partition) => partition);
    return partitions.map((partition) => pidOf.get(this.#directory.recordOf(partition).owner) ?? 0);
  }

  /** Resolves as soon as `isSo`. Rejects when it takes too long. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    const waiting = Promise.withResolvers<void>();
    const look = () => isSo() && waiting.resolve();
    const late = setTimeout(() => {
      const text = JSON.stringify({ living: this.living, owners: this.owners });
      waiting.reject(new Error(`${what}: not after ${patienceMs / 1_000} s: ${text}`));
    }, patienceMs);
    this.#listeners.add(look);
    try {
      await waiting.promise;
    } finally {
      this.#listeners.delete(look);
      clearTimeout(late);
    }
  }

  /** Resolves when exactly these processes live, and share the partitions equally. */
  untilShared(pids: readonly number[]): Promise<void> {
    return this.until(`${pids.join(", ")} share all partitions`, () => isShared(this.living, this.owners, pids));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leases.close();
    await this.#directory.close();
    await this.#ports.close();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether exactly these processes live, and none has more than an equal share, rounded up, of all partitions. */
export function isShared(living: readonly Living[], owners: readonly number[], pids: readonly number[]): boolean {
  const share = Math.ceil(owners.length / pids.length);
  const own = (pid: number) => owners.filter((owner) => owner === pid).length;
  const isComplete =
    living.length === pids.length && living.every(({ pid, isDraining }) => pids.includes(pid) && !isDraining);
  return isComplete && owners.every((owner) => pids.includes(owner)) && pids.every((pid) => own(pid) <= share);
}
