// The same by hand with the official client's plain calls: read, change, write with an expectation, again when that fails; an atomic
// batch by its headers; a watcher that is read to its end.

import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import type { CentralSide, Done, Place } from "../side.ts";
import { settle } from "../side.ts";

interface Account {
  balance: number;
  owner: string;
}

interface Change {
  readonly subject: string;
  readonly body: string;
  readonly sequence: number;
}

interface Refused {
  readonly err_code: number;
  readonly code: number;
  readonly description: string;
}

const staleCodes: readonly unknown[] = [10_071, 10_164];
const decoder = new TextDecoder();
const keyOf = (id: string): string => `account.${id}`;

export async function open({ servers, app }: Place): Promise<CentralSide> {
  const connection = await connect({ servers });
  const js = jetstream(connection);
  const manager = await jetstreamManager(connection);
  const bucket = `${app}_central`;
  await new Kvm(js).create(bucket, { history: 8 });
  await manager.streams.update(`KV_${bucket}`, { allow_atomic: true });
  const kv = await new Kvm(js).open(bucket, { allow_direct: true });
  return new ByHand(connection, manager, kv, bucket);
}

class ByHand implements CentralSide {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #kv: KV;
  readonly #bucket: string;

  constructor(connection: NatsConnection, manager: JetStreamManager, kv: KV, bucket: string) {
    this.#connection = connection;
    this.#manager = manager;
    this.#kv = kv;
    this.#bucket = bucket;
  }

  async fill(count: number): Promise<void> {
    const inFlight = 256;
    const lanes = Array.from({ length: inFlight }, async (_, lane) => {
      for (let at = lane; at < count; at += inFlight) {
        await this.#kv.create(keyOf(`k${at}`), JSON.stringify({ balance: 1_000, owner: `owner ${at % 100}` }));
      }
    });
    await Promise.all(lanes);
  }

  update(id: string, done: Done): void {
    settle(this.#update(id), done);
  }

  transact(ids: readonly string[], done: Done): void {
    settle(this.#transact(ids), done);
  }

  query(_matches: number, done: Done): void {
    settle(this.#query(), done);
  }

  async sum(keys: number): Promise<number> {
    const entries = await Promise.all(Array.from({ length: keys }, (_, at) => this.#kv.get(keyOf(`k${at}`))));
    return entries.reduce((all, entry) => all + (entry?.json<Account>().balance ?? 0), 0);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #update(id: string): Promise<number> {
    for (;;) {
      const entry = await this.#kv.get(keyOf(id));
      if (entry === null) throw new Error(`${id} is missing`);
      const account = entry.json<Account>();
      account.balance += 1;
      try {
        return await this.#kv.update(keyOf(id), JSON.stringify(account), entry.revision);
      } catch (thrown) {
        if (!staleCodes.includes((thrown as { code?: unknown }).code)) throw thrown;
      }
    }
  }

  async #transact(ids: readonly string[]): Promise<number> {
    const subjects = ids.map((id) => `$KV.${this.#bucket}.${keyOf(id)}`);
    for (;;) {
      const found = await this.#manager.direct.getLastMessagesFor(`KV_${this.#bucket}`, { multi_last: subjects });
      const changes: Change[] = [];
      for await (const { subject, data, seq } of found) {
        const account = JSON.parse(decoder.decode(data)) as Account;
        account.balance += changes.length % 2 === 0 ? 1 : -1;
        changes.push({ subject, body: JSON.stringify(account), sequence: seq });
      }
      if (changes.length !== ids.length) throw new Error(`${changes.length} of ${ids.length} states were read`);
      const { error } = (await this.#publish(changes)).json<{ error?: Refused }>();
      if (error === undefined) return changes.length;
      if (!staleCodes.includes(error.err_code) && error.code !== 429) throw new Error(error.description);
    }
  }

  /** As one atomic batch; answers with its acknowledgement. */
  async #publish(changes: readonly Change[]): Promise<Msg> {
    const batch = crypto.randomUUID();
    for (const [at, { subject, body, sequence }] of changes.entries()) {
      const lines = headers();
      lines.set("Nats-Batch-Id", batch);
      lines.set("Nats-Batch-Sequence", String(at + 1));
      lines.set("Nats-Expected-Last-Subject-Sequence", String(sequence));
      if (at === changes.length - 1) {
        lines.set("Nats-Batch-Commit", "1");
        return this.#connection.request(subject, body, { headers: lines, timeout: 5_000 });
      }
      this.#connection.publish(subject, body, { headers: lines });
    }
    throw new Error("a transaction of nothing");
  }

  async #query(): Promise<number> {
    const found: Account[] = [];
    for await (const entry of await this.#kv.watch({ key: "account.*" })) {
      const account = entry.json<Account>();
      if (account.owner === "owner 7") found.push(account);
      if (entry.delta === 0) break;
    }
    return found.sort((a, b) => b.balance - a.balance).slice(0, 10).length;
  }
}
