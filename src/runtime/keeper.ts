// Keeps a worker's partitions: renews the lease, takes what is free, saves cursors, trims and passivates.
//
//   K1. What is served is owned: a host starts only with its partition's record in hand, and ends before the lease can
//       be over for anybody else. Renewing waits for nothing but the server.
//   K2. The mail is trimmed behind the cursor that was saved one duplicate window ago, never behind the one that is only
//       known here: after a restart the server knows only the ids of what it still stores, and a sender that did not
//       hear of its message's storing sends it again.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { isTroupeError, messageOf } from "../core/errors.ts";
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
  /** Cursors that were saved and not trimmed to yet, oldest first, and since when. */
  saved: readonly { readonly cursor: number; readonly atMs: number }[];
}

/** How often cursors are saved, and free partitions looked for. Unit: ms. */
const keepEveryMs = 1_000;
/** How often the mail is trimmed. Unit: ms. A purge makes the server search the stream, so not with every cursor. */
const trimEveryMs = 10_000;
/** Wait between two looks while there is nothing to serve. Unit: ms. */
const standbyMs = 250;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #holdings = new Map<number, Holding>();
  readonly #ended = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  #isDraining = false;
  #cancelLease: (() => void) | undefined;
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

  /** Resolves when something is ours to serve; goes on keeping it, and taking what becomes free, until `stop`. */
  async start(): Promise<void> {
    const { events, worker } = this.#options;
    await this.#renew();
    const renewing = this.#every(leaseRenewMs, () => this.#renew());
    this.#loops = renewing;
    let reported = "";
    for (;;) {
      const owner = await this.#standBy();
      if (this.#holdings.size > 0 || this.#ended.signal.aborted) break;
      if (owner !== undefined && owner !== reported) events.emit({ kind: "worker-waiting", worker, owner });
      reported = owner ?? reported;
      await delay(this.#clock, standbyMs, this.#ended.signal);
    }
    const keeping = this.#every(keepEveryMs, () => this.#keep());
    const trimming = this.#every(trimEveryMs, () => this.#trim());
    this.#loops = Promise.all([renewing, keeping, trimming]);
  }

  /** Stops keeping; the partitions stay as they are. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loops;
    this.#cancelLease?.();
  }

  /** Finishes what was begun, under a lease that is still renewed, saves the cursors and gives the partitions back. */
  async giveBack(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const holdings = [...this.#holdings.values()];
    await Promise.all(holdings.map((holding) => holding.host.drain(signal)));
    await this.stop();
    await this.drop("closed");
    const { ownership } = this.#options;
    await Promise.all(holdings.map(({ owned, host }) => ownership.save(owned, host.cursor, true)));
    await ownership.leave();
  }

  /** Ends every activation at once. */
  async drop(why: "ownership-lost" | "closed"): Promise<void> {
    const holdings = [...this.#holdings.values()];
    this.#holdings.clear();
    await Promise.all(holdings.map((holding) => holding.host.end(why)));
  }

  /** Runs `act` again and again until the end; what goes wrong is logged and tried again. */
  async #every(ms: number, act: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#ended;
    for (await delay(this.#clock, ms, signal); !signal.aborted; await delay(this.#clock, ms, signal)) {
      try {
        await act();
      } catch (thrown) {
        this.#options.log.warn({ error: messageOf(thrown) }, "keeping the partitions failed, trying again");
      }
    }
  }

  /** Gives a sign of life. When the lease is over what is served ends, whatever else is being waited for (K1). */
  async #renew(): Promise<void> {
    const { ownership, events, worker } = this.#options;
    await ownership.renew();
    this.#cancelLease?.();
    this.#cancelLease = this.#clock.after(Math.max(0, ownership.leftMs), () => {
      if (this.#holdings.size === 0) return;
      events.emit({ kind: "ownership-lost", worker, reason: "its lease was not renewed in time" });
      void this.drop("ownership-lost");
    });
  }

  async #keep(): Promise<void> {
    this.coarseNowMs = this.#clock.monotonicMs();
    if (this.#isDraining) return;
    for (const { host } of this.#holdings.values()) host.passivateIdle();
    await Promise.all([...this.#holdings].map(([partition, holding]) => this.#save(partition, holding)));
    await this.#takeFree();
  }

  /** Takes what is free, and says who owns the rest; undefined when the server is away, which a standby outlives. */
  async #standBy(): Promise<string | undefined> {
    try {
      return (await this.#takeFree()).join(", ");
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.retry === "never") throw thrown;
      this.#options.log.warn({ error: thrown.message }, "looking for free partitions failed, trying again");
      return undefined;
    }
  }

  /** Takes what is free, while there is a lease to serve it under. Returns the owners of what is not. */
  async #takeFree(): Promise<readonly string[]> {
    const { ownership, ports } = this.#options;
    if (ownership.leftMs <= 0 || this.#isDraining || this.#holdings.size === ports.partitionCount) return [];
    const { taken, owners } = await ownership.takeFree(new Set(this.#holdings.keys()));
    // The end may have come meanwhile: then nothing begins any more, and others take it when the lease is over.
    if (this.#ended.signal.aborted || this.#isDraining || ownership.leftMs <= 0) return owners;
    await Promise.all(taken.map((owned) => this.#open(owned)));
    return owners;
  }

  /** A host that cannot start is not kept: its partition is taken again. */
  async #open(owned: OwnedPartition): Promise<void> {
    const host = this.#options.openHost(owned);
    const holding: Holding = { host, owned, saved: [] };
    this.#holdings.set(owned.partition, holding);
    try {
      await host.start();
    } catch (thrown) {
      if (this.#holdings.get(owned.partition) === holding) this.#holdings.delete(owned.partition);
      await host.end("ownership-lost");
      throw thrown;
    }
  }

  async #save(partition: number, holding: Holding): Promise<void> {
    const { ownership, events, worker } = this.#options;
    const { cursor } = holding.host;
    if (cursor <= holding.owned.cursor) return;
    const saved = await ownership.save(holding.owned, cursor);
    if (saved !== "lost") {
      holding.owned = saved;
      if (events.isHeard) events.emit({ kind: "cursor-saved", partition, cursor });
      return;
    }
    // Another owner stands there. After a lease that was over it may be ourselves, in a later ownership.
    if (this.#holdings.get(partition) === holding) this.#holdings.delete(partition);
    events.emit({ kind: "ownership-lost", worker, reason: `partition ${partition} was taken by another owner` });
    await holding.host.end("ownership-lost");
  }

  async #trim(): Promise<void> {
    const { mail, duplicateWindowMs } = this.#options.ports;
    const now = this.#clock.monotonicMs();
    for (const [partition, holding] of [...this.#holdings]) {
      if (this.#ended.signal.aborted) return;
      const { cursor } = holding.owned;
      if ((holding.saved.at(-1)?.cursor ?? 0) < cursor) holding.saved = [...holding.saved, { cursor, atMs: now }];
      const due = holding.saved.findLast((saved) => now - saved.atMs >= duplicateWindowMs);
      if (due === undefined) continue;
      holding.saved = holding.saved.filter((saved) => saved.cursor > due.cursor);
      await mail.trim(partition, due.cursor); // K2
    }
  }
}
