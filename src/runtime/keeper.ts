// Keeps a worker alive among the others: renews its lease, knows who lives, and lets its pools look again when that
// changes.
//
//   K1. What is served is owned: it ends before the lease can be over for anybody else. Renewing waits for nothing but
//       the server, and a process that slept through its lease notices before it does anything (`isOwner`).
//   K4. While the connection is away others may take this worker for dead. From the break on no ask is taken until the
//       records of what is held have been read again (`verifying`): an answer that needs no commit could tell of a state
//       that a new owner has left behind. Commits need no such care: they are refused.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import { unlessAborted } from "../core/unless-aborted.ts";
import type { Lease } from "./lease.ts";
import { leaseRenewMs } from "./lease.ts";
import type { Member } from "./membership.ts";
import { Membership } from "./membership.ts";
import type { PartitionHost } from "./partition-host.ts";
import type { PoolKeeper } from "./pool-keeper.ts";
import type { Ports } from "./ports.ts";

export interface KeeperOptions {
  readonly worker: string;
  readonly ports: Ports;
  readonly lease: Lease;
  readonly events: EventStream;
  readonly log: Logger;
}

/** How often cursors are saved, and what is held compared with what should be. Unit: ms. */
const keepEveryMs = 1_000;
/** How often the mail is trimmed. Unit: ms. A purge makes the server search the stream, so not with every cursor. */
const trimEveryMs = 10_000;
/** Wait before the first sign of life is given again. Unit: ms. */
const joinAgainMs = 200;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #ended = new AbortController();
  readonly #membership: Membership;
  #pools: readonly PoolKeeper[] = [];
  #loops: Promise<unknown> = Promise.resolve();
  #cancelLease: (() => void) | undefined;
  #isRenewing = false;
  #verifying: PromiseWithResolvers<void> | undefined;
  readonly #stopListening: () => void;
  /** Advances about once a second. Unit: ms, monotonic. */
  coarseNowMs: number;

  constructor(options: KeeperOptions) {
    const { ports, worker, log, events } = options;
    const { cluster, mail, clock } = ports;
    this.#options = options;
    this.coarseNowMs = clock.monotonicMs();
    this.#membership = new Membership({
      ...{ worker, cluster, mail, clock, log, events },
      onChange: () => this.#memberChanged(),
    });
    this.#stopListening = mail.onConnection((state) => {
      const verifying = state === "lost" ? this.#doubt() : (this.#verifying ?? this.#doubt());
      if (state === "restored") void this.#verify(verifying);
    });
  }

  /** Resolves when it is known again what is owned; undefined while it is (K4). */
  get verifying(): Promise<void> | undefined {
    return this.#verifying?.promise;
  }

  get #clock(): Clock {
    return this.#options.ports.clock;
  }
  get hosts(): readonly PartitionHost[] {
    return this.#pools.flatMap((pool) => pool.hosts);
  }
  /** Those that live, as this worker sees it. */
  get members(): readonly Member[] {
    return this.#membership.members;
  }

  /** False when the lease is over by this process's own clock: everything that is served ends then (K1). */
  get isOwner(): boolean {
    if (this.#options.lease.leftMs > 0) return true;
    this.#dropAll();
    return false;
  }

  /** Resolves when this worker is one of those that live and serves what is free for it; goes on until `stop`. */
  async start(pools: readonly PoolKeeper[]): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted && !(await this.#renew())) await delay(this.#clock, joinAgainMs, signal);
    if (signal.aborted) return;
    const renewing = this.#every(leaseRenewMs, () => this.#renew());
    this.#loops = renewing;
    await this.#membership.start();
    if (signal.aborted) return;
    this.#pools = pools;
    await Promise.all(pools.map((pool) => pool.begin()));
    const keeping = this.#every(keepEveryMs, () => this.#keep());
    const trimming = this.#every(trimEveryMs, () => Promise.all(this.#pools.map((pool) => pool.trim())));
    this.#loops = Promise.all([renewing, keeping, trimming]);
  }

  /** Finishes what was begun, under a lease that is still renewed, and gives everything back. */
  async drain(signal: AbortSignal): Promise<void> {
    const { lease } = this.#options;
    lease.markDraining();
    await lease.renew(); // The others take what is given back as soon as it is.
    await Promise.all(this.#pools.map((pool) => pool.drain(signal)));
    // When the time is over what is still waited for ends with the connection.
    await unlessAborted(this.stop(), signal).catch((thrown: unknown) => {
      if (!signal.aborted) throw thrown;
    });
    await lease.leave();
  }

  /** Stops keeping; the partitions stay as they are. */
  async stop(): Promise<void> {
    this.#stopListening();
    this.#ended.abort();
    await Promise.all(this.#pools.map((pool) => pool.stop()));
    await this.#loops;
    await this.#membership.close();
    this.#cancelLease?.();
  }

  /** When a worker gave its last sign of life. Unit: ms since the epoch, by the server's clock. */
  lastSignMs(worker: string): number | undefined {
    return this.#membership.lastSignMs(worker);
  }

  /** Ends every activation at once. */
  async drop(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.drop()));
  }

  /** Runs `act` again and again until the end; what goes wrong is logged and tried again. */
  async #every(ms: number, act: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#ended;
    for (await delay(this.#clock, ms, signal); !signal.aborted; await delay(this.#clock, ms, signal)) {
      try {
        await act();
      } catch (thrown) {
        if (signal.aborted) return;
        this.#options.log.warn({ error: messageOf(thrown) }, "keeping the partitions failed, trying again");
      }
    }
  }

  /** Gives a sign of life. When the lease is over what is served ends, whatever else is being waited for (K1). */
  async #renew(): Promise<boolean> {
    const { lease } = this.#options;
    this.#isRenewing = true;
    const isTaken = await lease.renew();
    this.#isRenewing = false;
    this.#cancelLease?.();
    this.#cancelLease = this.#clock.after(Math.max(0, lease.leftMs), () => void this.isOwner);
    return isTaken;
  }

  /** What has been read before a break counts no more, nor what is being read (K4): who waits for that waits for the next. */
  #doubt(): PromiseWithResolvers<void> {
    const before = this.#verifying;
    this.#verifying = Promise.withResolvers<void>();
    before?.resolve(this.#verifying.promise);
    return this.#verifying;
  }

  async #verify(verifying: PromiseWithResolvers<void>): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.verify()));
    if (this.#verifying === verifying) this.#verifying = undefined;
    verifying.resolve();
  }

  #dropAll(): void {
    for (const pool of this.#pools) void pool.loseAll("its lease was not renewed in time");
  }

  async #keep(): Promise<void> {
    this.coarseNowMs = this.#clock.monotonicMs();
    for (const host of this.hosts) host.passivateIdle();
    await Promise.all(this.#pools.map((pool) => pool.save()));
    for (const pool of this.#pools) void pool.look();
  }

  #memberChanged(): void {
    for (const pool of this.#pools) void pool.look();
    // Somebody has taken this worker for dead: it says that it is not.
    const isMissed = this.#pools.length > 0 && !this.#membership.isMember(this.#options.worker);
    if (isMissed && !this.#isRenewing && !this.#ended.signal.aborted) void this.#renew();
  }
}
