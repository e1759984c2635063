// Who lives: the live set of workers as this one sees it, from the leases in the cluster bucket.
//
//   G1. Death is noticed in two ways: the lease runs out; or the worker's control subject has no responders, which NATS
//       says at once when the process is gone. Each worker pings its two neighbours in the ring of ids.
//   G2. Who finds a neighbour gone, twice in a row, deletes its lease under the revision that it has seen, and thereby
//       tells all others. A worker that lives after all has renewed meanwhile, or does so when it sees that, and is back.
//   G3. Who has just been reconnected pings nobody for a while: after a restart of the server the others may only not
//       have come back yet.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { decodeRecord } from "../core/codec.ts";
import { messageOf } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import { Replica } from "../kv/replica.ts";
import type { KvStore } from "../kv/store.ts";
import { leaseTtlMs } from "./lease.ts";
import type { Mail } from "./mail.ts";
import { workerKey, workerOf } from "./subjects.ts";

/** What a worker says of itself with its lease. */
export interface Member {
  readonly worker: string;
  /** What its operator calls it. */
  readonly name?: string | undefined;
  /** The pools whose partitions it takes. */
  readonly pools: readonly string[];
  /** The actor types that it serves, each with the schema number of its code. */
  readonly types: Readonly<Record<string, number>>;
  /** It gives up what it has, and takes nothing. */
  readonly isDraining: boolean;
}

export interface MembershipOptions {
  readonly worker: string;
  readonly cluster: KvStore;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventStream;
  /** Runs when somebody has come, gone or changed; not for mere signs of life. */
  readonly onChange: () => void;
}

/** How often the neighbours are pinged, and how soon again when one does not answer. Unit: ms. */
const pingEveryMs = 250;
const pingAgainMs = 80;
const pingTimeoutMs = 500;
/** How long nobody is pinged after a reconnection (G3). Unit: ms. */
const restMs = 1_000;

const signsMax = 1_000;

/** The two neighbours of a worker in the ring of all ids; fewer when there are no others. */
export function neighboursOf(worker: string, others: readonly string[]): readonly string[] {
  const ring = others.filter((other) => other !== worker).sort();
  const next = ring.find((other) => other > worker) ?? ring[0];
  const before = ring.findLast((other) => other < worker) ?? ring.at(-1);
  return [...new Set([next, before])].filter((other) => other !== undefined);
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #ended = new AbortController();
  readonly #members = new Map<string, Member>();
  /** When those that this worker has seen gave their last sign of life, as `lastSignMs` says it; the last `signsMax`. */
  readonly #signs = new Map<string, number>();
  readonly #stopListening: () => void;
  #replica: Replica | undefined;
  #pinging: Promise<void> = Promise.resolve();
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#stopListening = options.mail.onConnection((state) => {
      if (state === "restored") this.#restUntilMs = options.clock.monotonicMs() + restMs;
    });
  }

  /** Those that live, this worker among them once it has given a sign. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  isMember(worker: string): boolean {
    return this.#members.has(worker);
  }

  /**
   * When a worker, living or dead, gave its last sign of life, as far as that is known: of one that was gone before this one came it
   * is told by what its lease has left for an hour. Unit: ms since the epoch, by the server's clock.
   */
  lastSignMs(worker: string): number | undefined {
    const left = this.#replica?.last(workerKey(worker));
    const leftMs = left?.operation === "expired" ? left.writtenAtMs - leaseTtlMs : left?.writtenAtMs;
    return this.#signs.get(worker) ?? leftMs;
  }

  /** Resolves when it is known who lives, the dead of a moment ago left out. */
  async start(): Promise<void> {
    const { cluster, clock } = this.#options;
    const pattern = workerKey("*");
    this.#replica = await Replica.open({ store: cluster, pattern, clock, onChange: () => this.#read() });
    this.#read();
    const others = [...this.#members.keys()].filter((worker) => worker !== this.#options.worker);
    await Promise.all(others.map((worker) => this.#examine(worker)));
    this.#pinging = this.#pingAgainAndAgain();
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#ended.abort();
    await Promise.all([this.#pinging, this.#replica?.close()]);
  }

  #read(): void {
    const before = new Map(this.#members);
    this.#members.clear();
    for (const { key, value, writtenAtMs } of this.#replica?.entries() ?? []) {
      const worker = workerOf(key);
      this.#members.set(worker, readMember(worker, value));
      this.#signs.delete(worker);
      this.#signs.set(worker, writtenAtMs);
    }
    for (const worker of this.#signs.keys()) if (this.#signs.size > signsMax) this.#signs.delete(worker);
    if (JSON.stringify([...before.values()]) === JSON.stringify(this.members)) return;
    this.#tell("member-joined", this.#members, before);
    this.#tell("member-left", before, this.#members);
    this.#options.onChange();
  }

  /** Tells of those of `some` that are not among `others`, but not of this worker itself. */
  #tell(
    kind: "member-joined" | "member-left",
    some: ReadonlyMap<string, Member>,
    others: ReadonlyMap<string, Member>,
  ): void {
    for (const { worker, name } of some.values()) {
      if (others.has(worker) || worker === this.#options.worker) continue;
      this.#options.events.emit(name === undefined ? { kind, worker } : { kind, worker, name });
    }
  }

  async #pingAgainAndAgain(): Promise<void> {
    const { clock, worker, log } = this.#options;
    const { signal } = this.#ended;
    for (await delay(clock, pingEveryMs, signal); !signal.aborted; await delay(clock, pingEveryMs, signal)) {
      if (clock.monotonicMs() < this.#restUntilMs) continue; // G3
      try {
        await Promise.all(neighboursOf(worker, [...this.#members.keys()]).map((each) => this.#examine(each)));
      } catch (thrown) {
        if (!signal.aborted)
          log.warn({ error: messageOf(thrown) }, "looking after the neighbours failed, trying again");
      }
    }
  }

  /** Deletes the lease of a worker that is gone (G2). */
  async #examine(worker: string): Promise<void> {
    const { mail, clock, cluster } = this.#options;
    const { signal } = this.#ended;
    const key = workerKey(worker);
    const seen = this.#replica?.get(key);
    if (seen === undefined || (await mail.ping(worker, pingTimeoutMs)) !== "nobody") return;
    await delay(clock, pingAgainMs, signal);
    if (signal.aborted || (await mail.ping(worker, pingTimeoutMs)) !== "nobody") return;
    if (clock.monotonicMs() < this.#restUntilMs) return; // The connection broke meanwhile (G3).
    const deleted = await cluster.delete(key, { expected: seen.revision });
    if (deleted.kind !== "written") return;
    this.#replica?.adopt({ ...seen, value: new Uint8Array(0), operation: "delete", revision: deleted.revision });
  }
}

/** Those that have a lease, read from the store. Rejects as stores do. */
export async function readMembers(cluster: KvStore): Promise<readonly Member[]> {
  const entries = await cluster.getMany(await cluster.list(workerKey("*")));
  return [...entries.values()].map(({ key, value }) => readMember(workerOf(key), value));
}

/** Reads what stands at a worker's key; of another version: it lives, and that is all that is known of it. */
export function readMember(worker: string, value: Uint8Array): Member {
  const { name, pools = [], types = {}, isDraining = false } = decodeRecord<Member>(value) ?? {};
  return { worker, name, pools, types, isDraining };
}
