// Keeps a worker's partitions of one pool: takes those that placement gives it and nobody holds, gives back, drained,
// those that placement gives to another, saves cursors and trims.
//
//   K1. What is served is owned: a host starts only with its partition's record in hand, and ends when the record shows
//       another owner or none, or when the lease is over.
//   K2. The mail is trimmed behind the cursor that was saved one duplicate window ago, never behind the one that is only
//       known here: after a restart the server knows only the ids of what it still stores, and a sender that did not
//       hear of its message's storing sends it again.
//   K3. One look at a time: what changes meanwhile leads to another look. A look does not wait for what it takes, so that
//       partitions that come free one after the other are taken at once; each of them once at a time.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import { unlessAborted } from "../core/unless-aborted.ts";
import type { Directory } from "./directory.ts";
import type { Mail } from "./mail.ts";
import type { Member } from "./membership.ts";
import type { OwnedPartition, Ownership } from "./ownership.ts";
import type { HostListener, PartitionHost } from "./partition-host.ts";
import type { Needs } from "./placement.ts";
import { canServe, noNeeds, placePartitions } from "./placement.ts";

export interface PoolKeeperOptions {
  readonly worker: string;
  readonly directory: Directory;
  readonly ownership: Ownership;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly log: Logger;
  /** How long the mail knows a message id. Unit: ms. */
  readonly duplicateWindowMs: number;
  /** How long a partition that is given away may take to finish its turns. Unit: ms. */
  readonly drainMsMax: number;
  /** How long it is kept before that while slow turns and errands are under way. Unit: ms. */
  readonly handOverMsMax: number;
  /** Those that live, as this worker sees it. */
  readonly members: () => readonly Member[];
  /** When a worker gave its last sign of life, as far as that is known. Unit: ms since the epoch, by the server's clock. */
  readonly lastSignMs: (worker: string) => number | undefined;
  /** Whether the lease stands: without one nothing is taken. */
  readonly hasLease: () => boolean;
  readonly openHost: (owned: OwnedPartition, listener: HostListener) => PartitionHost;
}

/** Actors that are named whose work was cut off. */
const cutNamedMax = 20;

/** Wait before the records are read again that could not be read. Unit: ms. */
const verifyAgainMs = 50;

const takenByAnother = "it has another owner";

/** One partition in our hands. */
interface Holding {
  readonly host: PartitionHost;
  owned: OwnedPartition;
  /** Since when another should have it. Unit: ms, monotonic. */
  awayFromMs: number | undefined;
  /** Set once it is being given away. */
  leaving: Promise<void> | undefined;
  /** Its work has ended and its record is being given back: the answer to that says what has become of it, no news of the record. */
  isOver?: true;
  /** What came for it that this worker cannot serve. */
  unmet: Needs;
  /** Cursors that were saved and not trimmed to yet, oldest first, and since when. */
  saved: readonly { readonly cursor: number; readonly atMs: number }[];
}

export class PoolKeeper {
  readonly #options: PoolKeeperOptions;
  readonly #holdings = new Map<number, Holding>();
  readonly #stopListening: () => void;
  /** Partitions that were lost, or are being taken, and since when they have no owner. Unit: ms since the epoch, by the server's clock. */
  readonly #freeSince = new Map<number, number | undefined>();
  /** Partitions that are being taken. */
  readonly #taking = new Map<number, Promise<void>>();
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;
  #isDraining = false;
  #isEnded = false;

  constructor(options: PoolKeeperOptions) {
    this.#options = options;
    this.#stopListening = options.directory.onChange(() => this.look());
  }

  get pool(): string {
    return this.#options.directory.pool;
  }
  get hosts(): readonly PartitionHost[] {
    return [...this.#holdings.values()].map((holding) => holding.host);
  }

  /** The host of a partition. One that is being given away takes only what turns in this process ask. */
  hostOf(partition: number, isNested: boolean): PartitionHost | undefined {
    const holding = this.#holdings.get(partition);
    return holding?.leaving === undefined || isNested ? holding?.host : undefined;
  }

  /** Compares what is with what should be, now or when the look under way has ended (K3). Resolves when that is done. */
  look(): Promise<void> {
    this.#mustLookAgain = true;
    this.#looking ??= this.#lookUntilDone().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Reads again who owns what is held, and ends what has another owner. Resolves when that is done, or nothing is held. */
  async verify(): Promise<void> {
    const { directory, ownership, clock, hasLease } = this.#options;
    while (!this.#isEnded && hasLease() && this.#holdings.size > 0) {
      const isRead = await directory.refreshAll([...this.#holdings.keys()]).then(
        () => true,
        () => false, // The server is away again: until the lease is over.
      );
      if (isRead) break;
      await delay(clock, verifyAgainMs);
    }
    const lost = [...this.#holdings].filter(([, { owned, isOver }]) => !isOver && ownership.isTaken(owned));
    await this.#lose(lost, takenByAnother);
  }

  /** Looks, and resolves when everything that is to be taken now has been. */
  async begin(): Promise<void> {
    await this.look();
    await this.#takingEnds();
  }

  /** Ends every activation at once. */
  async drop(): Promise<void> {
    const holdings = [...this.#holdings.values()];
    this.#holdings.clear();
    await Promise.all(holdings.map((holding) => holding.host.end("closed")));
  }

  /** Ownership of all of it is over. */
  async loseAll(reason: string): Promise<void> {
    const { lastSignMs, worker } = this.#options;
    const sinceMs = lastSignMs(worker);
    for (const partition of this.#holdings.keys()) this.#freeSince.set(partition, sinceMs);
    await this.#lose([...this.#holdings], reason);
  }

  /** Finishes what was begun and gives everything back; takes nothing more. What is not done when `signal` aborts stays. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const settled = Promise.all([this.#looking, this.#takingEnds()]);
    await unlessAborted(settled, signal).catch(() => undefined); // It rejects by the signal alone: there is no time left.
    await Promise.all([...this.#holdings.values()].map((holding) => this.#giveAway(holding, signal)));
  }

  /** Nothing is taken or given any more; what is held stays as it is. */
  async stop(): Promise<void> {
    this.#isEnded = true;
    this.#stopListening();
    await this.#looking;
    await this.#takingEnds();
  }

  /** Saves the cursors that have moved. */
  async save(): Promise<void> {
    await Promise.all([...this.#holdings].map(([partition, holding]) => this.#save(partition, holding)));
  }

  async trim(): Promise<void> {
    const { mail, duplicateWindowMs, clock } = this.#options;
    const now = clock.monotonicMs();
    for (const [partition, holding] of [...this.#holdings]) {
      if (this.#isEnded) return;
      const { cursor } = holding.owned;
      if ((holding.saved.at(-1)?.cursor ?? 0) < cursor) holding.saved = [...holding.saved, { cursor, atMs: now }];
      const due = holding.saved.findLast((saved) => now - saved.atMs >= duplicateWindowMs);
      if (due === undefined) continue;
      holding.saved = holding.saved.filter((saved) => saved.cursor > due.cursor);
      await mail.trim(partition, due.cursor); // K2
    }
  }

  async #lookUntilDone(): Promise<void> {
    while (this.#mustLookAgain && !this.#isEnded) {
      this.#mustLookAgain = false;
      try {
        await this.#look();
      } catch (thrown) {
        this.#options.log.warn(
          { pool: this.pool, error: messageOf(thrown) },
          "keeping the partitions failed, trying again",
        );
      }
    }
  }

  async #look(): Promise<void> {
    const { directory, worker, members, hasLease, ownership } = this.#options;
    if (!hasLease() || this.#isDraining) return;
    const living = members();
    const able = living.filter((member) => member.pools.includes(this.pool) && !member.isDraining);
    const partitions = Array.from({ length: directory.partitionCount }, (_, partition) => partition);
    const records = partitions.map((partition) => directory.recordOf(partition));
    const needs = new Map(records.flatMap((record, at) => (record.needs === noNeeds ? [] : [[at, record.needs]])));
    const places = placePartitions(directory.partitionCount, able, needs);
    const isAlive = (owner: string) => living.some((member) => member.worker === owner);
    const acts = partitions.map(async (partition): Promise<void> => {
      const record = records[partition];
      const place = places.get(partition);
      const holding = this.#holdings.get(partition);
      if (record === undefined || place === undefined || this.#taking.has(partition)) return;
      if (holding !== undefined) return this.#review(partition, holding, place, able);
      const isFree = record.owner === "" || record.owner === worker || !isAlive(record.owner);
      if (place === worker && isFree) return void this.#taking.set(partition, this.#take(partition));
      // It could not be given back when it was left: nobody else may take it while this worker lives.
      if (record.owner === worker) await ownership.tryRelease(partition);
    });
    // All of them, also when one fails: a look ends with what it has begun (K3).
    const failed = (await Promise.allSettled(acts)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  /** Since when the partition, which is about to be taken, has had no owner; undefined when it never had one, or nobody knows. */
  #readFreeSince(partition: number): number | undefined {
    const { directory, lastSignMs, worker } = this.#options;
    const { owner, epoch, writtenAtMs } = directory.recordOf(partition);
    // Ours by name alone: it was lost and nobody has come, or taken and not begun.
    if (owner === worker || epoch === 0) return this.#freeSince.get(partition);
    return owner === "" ? writtenAtMs : lastSignMs(owner);
  }

  async #review(partition: number, holding: Holding, place: string, able: readonly Member[]): Promise<void> {
    const { directory, worker, ownership, clock, drainMsMax, handOverMsMax } = this.#options;
    const isTaken = !holding.isOver && ownership.isTaken(holding.owned);
    if (isTaken) return this.#lose([[partition, holding]], takenByAnother); // K1
    if (holding.leaving !== undefined) return;
    if (!this.#isOurs(holding.owned))
      return this.#lose([[partition, holding]], "its bucket was made anew, or set back"); // K1
    if (place === worker) holding.awayFromMs = undefined;
    else {
      // A partition that is given away is served by nobody until its work has ended: not in the middle of a long one.
      holding.awayFromMs ??= clock.monotonicMs();
      const isPatient = clock.monotonicMs() - holding.awayFromMs < handOverMsMax;
      if (isPatient && holding.host.slowWork.length > 0) return;
      const grace = new AbortController();
      const cancel = clock.after(drainMsMax, () => grace.abort());
      // Not awaited: others wait for nothing but their own partitions.
      void this.#giveAway(holding, grace.signal).finally(cancel);
      return;
    }
    const wanted = { ...directory.recordOf(partition).needs, ...holding.unmet };
    if (holding.unmet === noNeeds || !able.some((member) => canServe(member, wanted))) return;
    if (await ownership.tryNeed(partition, holding.owned.epoch, holding.unmet)) holding.unmet = noNeeds;
  }

  async #takingEnds(): Promise<void> {
    await Promise.all(this.#taking.values());
  }

  /** Never rejects: what could not be taken is tried again by a later look. */
  async #take(partition: number): Promise<void> {
    try {
      await this.#tryTake(partition);
    } catch (thrown) {
      this.#options.log.warn(
        { pool: this.pool, partition, error: messageOf(thrown) },
        "taking a partition failed, trying again",
      );
    } finally {
      this.#taking.delete(partition);
    }
    // Its place may have changed meanwhile.
    if (this.#holdings.has(partition)) void this.look();
  }

  async #tryTake(partition: number): Promise<void> {
    const { ownership, openHost, hasLease, events, clock, log } = this.#options;
    const freeSinceMs = this.#readFreeSince(partition);
    this.#freeSince.set(partition, freeSinceMs);
    const owned = await ownership.tryTake(partition);
    // The end may have come meanwhile: then nothing begins any more, and others take it when the lease is over.
    if (owned === undefined || this.#isEnded || this.#isDraining || !hasLease()) return;
    const host = openHost(owned, {
      onNeed: (needs) => {
        if (canServe({ types: holding.unmet }, needs)) return; // Noted before.
        holding.unmet = { ...holding.unmet, ...needs };
        void this.look();
      },
      onEpoch: (epoch) => void this.#rise(holding, epoch),
      onMailLost: (error) => {
        log.error({ pool: this.pool, partition, error: error.message }, "a partition's mail was set back");
        void this.#lose([[partition, holding]], "its mail was set back"); // It is taken again when the next look comes.
      },
    });
    const holding: Holding = { host, owned, awayFromMs: undefined, leaving: undefined, unmet: noNeeds, saved: [] };
    this.#holdings.set(partition, holding);
    try {
      await host.start();
    } catch (thrown) {
      await this.#end(partition, holding); // It is taken again.
      throw thrown;
    }
    this.#freeSince.delete(partition);
    const ownerless = freeSinceMs === undefined ? {} : { ownerlessMs: Math.max(0, clock.now() - freeSinceMs) };
    events.emit({ kind: "partition-taken", pool: this.pool, partition, epoch: owned.epoch, ...ownerless });
  }

  #isOurs({ partition, epoch }: OwnedPartition): boolean {
    const record = this.#options.directory.recordOf(partition);
    return record.owner === this.#options.worker && record.epoch === epoch;
  }

  /**
   * An actor was written under a later epoch than ours. Either the partition has another owner by now, as its record shows; or
   * the record was set back, and we take the partition once more, above what was seen (E4).
   */
  async #rise(holding: Holding, epoch: number): Promise<void> {
    const { directory, ownership, log, clock, drainMsMax } = this.#options;
    const { partition, epoch: ours } = holding.owned;
    ownership.noteEpoch(partition, epoch);
    // Unread it counts as unchanged: whoever gives back what is another's by now changes nothing.
    await directory.refresh(partition).catch(() => undefined);
    if (holding.leaving !== undefined || !this.#isOurs(holding.owned)) return void this.look();
    log.error(
      { pool: this.pool, partition, epoch: ours, seen: epoch },
      "a partition's record was set back behind its actors' values: it is taken anew under a later epoch",
    );
    const grace = new AbortController();
    const cancel = clock.after(drainMsMax, () => grace.abort());
    await this.#giveAway(holding, grace.signal).finally(cancel);
  }

  /** Drains the partition and gives it back, so that whoever has its place can take it at once. */
  #giveAway(holding: Holding, signal: AbortSignal): Promise<void> {
    holding.leaving ??= this.#drainAndGiveBack(holding, signal);
    return holding.leaving;
  }

  async #drainAndGiveBack(holding: Holding, signal: AbortSignal): Promise<void> {
    const { ownership, log, events } = this.#options;
    const { host } = holding;
    let isGiven = true;
    try {
      await host.drain(signal).finally(() => this.#endOf(host));
      holding.isOver = true;
      isGiven = await ownership.giveBack(holding.owned, host.cursor);
    } catch (thrown) {
      // The next look releases it.
      log.warn({ pool: this.pool, error: messageOf(thrown) }, "a partition could not be given back, trying again");
    }
    const { partition, epoch } = holding.owned;
    if (!isGiven) await this.#lose([[partition, holding]], takenByAnother);
    // Else it was lost meanwhile, which has been told.
    if (this.#holdings.get(partition) === holding) {
      this.#holdings.delete(partition);
      events.emit({ kind: "partition-given", pool: this.pool, partition, epoch });
    }
    void this.look();
  }

  /** Whatever is under way is cut off; what the next owner begins anew of it is said. */
  #endOf(host: PartitionHost): Promise<void> {
    const cut = host.slowWork;
    if (cut.length > 0) {
      const actors = cut.slice(0, cutNamedMax);
      const fields = { pool: this.pool, partition: host.partition, count: cut.length, actors };
      this.#options.log.warn(fields, "work under way was cut off: the partition's next owner begins it anew");
    }
    return host.end("closed");
  }

  /** K1. What is held no more was told of before. */
  async #lose(some: readonly (readonly [partition: number, holding: Holding])[], reason: string): Promise<void> {
    const { events, worker } = this.#options;
    const lost = some.filter(([partition, holding]) => this.#holdings.get(partition) === holding);
    if (lost.length === 0) return;
    for (const [partition] of lost) this.#holdings.delete(partition);
    events.emit({ kind: "ownership-lost", worker, pool: this.pool, partitions: lost.length, reason });
    await Promise.all(lost.map(([, { host }]) => host.end("ownership-lost")));
  }

  async #end(partition: number, holding: Holding): Promise<void> {
    if (this.#holdings.get(partition) === holding) this.#holdings.delete(partition);
    await holding.host.end("ownership-lost");
  }

  async #save(partition: number, holding: Holding): Promise<void> {
    const { ownership, events } = this.#options;
    const { cursor } = holding.host;
    if (cursor <= holding.owned.cursor || holding.leaving !== undefined) return;
    const saved = await ownership.save(holding.owned, cursor);
    if (this.#holdings.get(partition) !== holding) return;
    if (saved === "lost") return this.#lose([[partition, holding]], takenByAnother);
    holding.owned = saved;
    events.emit({ kind: "cursor-saved", partition, cursor: saved.cursor });
  }
}
