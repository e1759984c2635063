// Who owned which partition from when to when, and when each worker gave a sign of life, by the server's own clock: all that was
// ever stored in the cluster bucket, as the server republishes it. So nothing is missed, also of what was overwritten at once.

import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect as connectNats } from "@nats-io/transport-node";
import { within } from "../contract/mail-support.ts";

/** One owner of one partition. */
export interface Ownership {
  readonly partition: number;
  readonly owner: string;
  readonly takenAtMs: number;
  /** From when on nobody owned it before: given back, or the last sign of life of its owner. Undefined: it never had one. */
  readonly freeSinceMs: number | undefined;
  /** How it ended; undefined while it has not. */
  end: "given" | "lost" | undefined;
}

const dest = "record";

export class OwnershipRecord implements AsyncDisposable {
  readonly all: Ownership[] = [];
  readonly #connection: NatsConnection;
  readonly #now = new Map<number, Ownership>();
  readonly #givenAtMs = new Map<number, number>();
  readonly #signs = new Map<string, number>();
  #look: () => void = () => {};

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  /** Before any worker of the app begins. */
  static async open(servers: string, app: string): Promise<OwnershipRecord> {
    const connection = await connectNats({ servers });
    const manager = await jetstreamManager(connection);
    const stream = `KV_${app}_cluster`;
    const { config } = await manager.streams.info(stream);
    const record = new OwnershipRecord(connection);
    const prefix = `${dest}.$KV.${app}_cluster.`;
    connection.subscribe(`${dest}.>`, {
      callback: (_, message) => {
        const atMs = Date.parse(message.headers?.get("Nats-Time-Stamp") ?? "");
        record.#take(message.subject.slice(prefix.length), message.string(), atMs);
      },
    });
    await manager.streams.update(stream, { ...config, republish: { src: ">", dest: `${dest}.>` } });
    return record;
  }

  ownersOf(worker: string): readonly Ownership[] {
    return this.all.filter(({ owner }) => owner === worker);
  }

  /** The partitions that it owns now. */
  heldBy(worker: string): readonly number[] {
    return this.ownersOf(worker).flatMap(({ end, partition }) => (end === undefined ? [partition] : []));
  }

  /** When it gave its last sign of life. */
  lastSignMs(worker: string): number {
    return this.#signs.get(worker) ?? Number.NaN;
  }

  /** Resolves when it is so; looks at each change. */
  until(what: string, isSo: () => boolean): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#look = () => isSo() && resolve();
      this.#look();
    });
    return within(`${what}, of ${JSON.stringify(this.all)}`, seen);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }

  #take(key: string, text: string, atMs: number): void {
    const [kind, ...rest] = key.split(".");
    if (kind === "worker" && text !== "") this.#signs.set(rest.join("."), atMs);
    if (kind === "partition") this.#takePartition(Number(rest.at(-1)), text, atMs);
    this.#look();
  }

  #takePartition(partition: number, text: string, atMs: number): void {
    const { owner, epoch } = JSON.parse(text) as { readonly owner: string; readonly epoch: number };
    const before = this.#now.get(partition);
    if (owner === "") {
      if (before !== undefined) before.end = "given";
      this.#now.delete(partition);
      this.#givenAtMs.set(partition, atMs);
      return;
    }
    const isFirst = epoch === 1;
    if (before !== undefined) before.end = "lost";
    const freeSinceMs = before === undefined ? this.#givenAtMs.get(partition) : this.lastSignMs(before.owner);
    const taken: Ownership = {
      partition,
      owner,
      takenAtMs: atMs,
      freeSinceMs: isFirst ? undefined : freeSinceMs,
      end: undefined,
    };
    this.#now.set(partition, taken);
    this.all.push(taken);
  }
}
