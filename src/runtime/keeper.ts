// Keeps a worker's partitions: one loop renews the lease, takes what is free, saves cursors, trims and passivates.
//
//   K1. What is served is owned: a host starts only with its partition's record in hand, and ends before the lease can
//       be over for anybody else.
//   K2. The mail is trimmed behind the cursor that was saved, never behind the one that is only known here.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import type { OwnedPartition, Ownership } from "./ownership.ts";
import { leaseRenewMs } from "./ownership.ts";
import type { PartitionHost } from "./partition-host.ts";
import type { Ports } from "./ports.ts";

export interface KeeperOptions {
  readonly worker: string;
  readonly ports: Ports;
  readonly ownership: Ownership;
  readonly events: EventStream;
  readonly log: Logger;
  readonly openHost: (owned: OwnedPartition) => PartitionHost;
}

/** One partition in our hands. */
interface Holding {
  readonly host: PartitionHost;
  owned: OwnedPartition;
  trimmedUpTo: number;
}

/** How often a partition's mail is trimmed at most. Unit: rounds of the loop. */
const trimEveryRounds = 5;
/** Wait between two looks at partitions that others own. Unit: ms. */
const standbyMs = 250;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #holdings = new Map<number, Holding>();
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;
  #round = 0;
  /** Advances about once a second. Unit: ms, monotonic. */
  coarseNowMs: number;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.coarseNowMs = options.ports.clock.monotonicMs();
  }

  get #clock(): Clock {
    return this.#options.ports.clock;
  }
  get hosts(): readonly PartitionHost[] {
    return [...this.#holdings.values()].map((holding) => holding.host);
  }

  hostOf(partition: number): PartitionHost | undefined {
    return this.#holdings.get(partition)?.host;
  }

  /** Resolves when every partition is ours, or `signal` aborts; goes on keeping them until `end`. */
  async start(signal?: AbortSignal): Promise<void> {
    const { partitionCount } = this.#options.ports;
    let reported = "";
    for (;;) {
      const owners = await this.#takeFree();
      if (this.#holdings.size === partitionCount || this.#ended.signal.aborted || signal?.aborted === true) break;
      const owner = owners.join(", ");
      if (owner !== reported)
        this.#options.events.emit({ kind: "worker-waiting", worker: this.#options.worker, owner });
      reported = owner;
      await delay(this.#clock, standbyMs, this.#ended.signal);
    }
    this.#running = this.#keep();
  }

  /** Stops keeping; the partitions stay as they are. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  /** Finishes what was begun, saves the cursors and gives the partitions back. */
  async giveBack(signal: AbortSignal): Promise<void> {
    const holdings = [...this.#holdings.values()];
    await Promise.all(holdings.map((holding) => holding.host.drain(signal)));
    await Promise.all(
      holdings.map(async (holding) => {
        const { cursor } = holding.host;
        await holding.host.end("closed");
        await this.#options.ownership.save(holding.owned, cursor, true);
      }),
    );
    this.#holdings.clear();
    await this.#options.ownership.leave();
  }

  /** Ends every activation at once. */
  async drop(why: "ownership-lost" | "closed"): Promise<void> {
    const holdings = [...this.#holdings.values()];
    this.#holdings.clear();
    await Promise.all(holdings.map((holding) => holding.host.end(why)));
  }

  async #keep(): Promise<void> {
    const { ownership, log } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await delay(this.#clock, leaseRenewMs, signal);
      if (signal.aborted) return;
      this.coarseNowMs = this.#clock.monotonicMs();
      try {
        if (!ownership.isHeld) await this.#lose("its lease was not renewed in time");
        await this.#takeFree();
        if (ownership.isHeld) await this.#maintain();
      } catch (thrown) {
        log.warn({ error: messageOf(thrown) }, "keeping the partitions failed, trying again");
      }
    }
  }

  async #lose(reason: string): Promise<void> {
    if (this.#holdings.size === 0) return;
    this.#options.events.emit({ kind: "ownership-lost", worker: this.#options.worker, reason });
    await this.drop("ownership-lost");
  }

  /** Renews the lease and takes what is free. Returns the owners of what is not. */
  async #takeFree(): Promise<readonly string[]> {
    const { ownership, ports, openHost } = this.#options;
    if (!(await ownership.renew()) || this.#holdings.size === ports.partitionCount) return [];
    const { taken, owners } = await ownership.takeFree(new Set(this.#holdings.keys()));
    const started = taken.map(async (owned) => {
      const host = openHost(owned);
      this.#holdings.set(owned.partition, { host, owned, trimmedUpTo: 0 });
      await host.start();
    });
    await Promise.all(started);
    return owners;
  }

  async #maintain(): Promise<void> {
    this.#round += 1;
    const isTrimming = this.#round % trimEveryRounds === 0;
    for (const [partition, holding] of [...this.#holdings]) {
      holding.host.passivateIdle();
      const { cursor } = holding.host;
      if (cursor > holding.owned.cursor) await this.#save(partition, holding, cursor);
      const saved = holding.owned.cursor;
      if (!isTrimming || saved <= holding.trimmedUpTo || !this.#holdings.has(partition)) continue;
      await this.#options.ports.mail.trim(partition, saved); // K2
      holding.trimmedUpTo = saved;
    }
  }

  async #save(partition: number, holding: Holding, cursor: number): Promise<void> {
    const saved = await this.#options.ownership.save(holding.owned, cursor);
    if (saved !== "lost") {
      holding.owned = saved;
      if (this.#options.events.isHeard) this.#options.events.emit({ kind: "cursor-saved", partition, cursor });
      return;
    }
    this.#holdings.delete(partition);
    const reason = `partition ${partition} was taken by another worker`;
    this.#options.events.emit({ kind: "ownership-lost", worker: this.#options.worker, reason });
    await holding.host.end("ownership-lost");
  }
}
