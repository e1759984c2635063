// The same by hand with the official client's plain calls: read, change, write with an expectation, again when that fails; an atomic
// batch by its headers; a watcher that is read to its end.

import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, headers } from "@nats-io/transport-node";
import type { CentralSide, Place } from "../side.ts";
import { settle } from "../side.ts";

interface Account {
  balance: number;
  owner: string;
}

const staleCodes: readonly unknown[] = [10_071, 10_164];
const decoder = new TextDecoder();
const keyOf = (id: string): string => `account.${id}`;

export async function open({ servers, app }: Place): Promise<CentralSide> {
  const nc = await connect({ servers });
  const js = jetstream(nc);
  const jsm: JetStreamManager = await jetstreamManager(nc);
  const bucket = `${app}_central`;
  const stream = `KV_${bucket}`;
  await new Kvm(js).create(bucket, { history: 8 });
  await jsm.streams.update(stream, { allow_atomic: true });
  const kv = await new Kvm(js).open(bucket, { allow_direct: true });
  const subjectOf = (id: string): string => `$KV.${bucket}.${keyOf(id)}`;

  async function fill(count: number): Promise<void> {
    const inFlight = 256;
    const lanes = Array.from({ length: inFlight }, async (_, lane) => {
      for (let at = lane; at < count; at += inFlight) {
        await kv.create(keyOf(`k${at}`), JSON.stringify({ balance: 1_000, owner: `owner ${at % 100}` }));
      }
    });
    await Promise.all(lanes);
  }

  async function update(id: string): Promise<number> {
    for (;;) {
      const entry = await kv.get(keyOf(id));
      if (entry === null) throw new Error(`${id} is missing`);
      const account = entry.json<Account>();
      account.balance += 1;
      try {
        return await kv.update(keyOf(id), JSON.stringify(account), entry.revision);
      } catch (thrown) {
        if (!staleCodes.includes((thrown as { code?: unknown }).code)) throw thrown;
      }
    }
  }

  async function transact(ids: readonly string[]): Promise<number> {
    for (;;) {
      const found = await jsm.direct.getLastMessagesFor(stream, { multi_last: ids.map(subjectOf) });
      const batch = crypto.randomUUID();
      const messages: { subject: string; body: string; sequence: number }[] = [];
      for await (const { subject, data, seq } of found) {
        const account = JSON.parse(decoder.decode(data)) as Account;
        account.balance += messages.length % 2 === 0 ? 1 : -1;
        messages.push({ subject, body: JSON.stringify(account), sequence: seq });
      }
      if (messages.length !== ids.length) throw new Error(`${messages.length} of ${ids.length} states were read`);
      for (const [at, { subject, body, sequence }] of messages.entries()) {
        const lines = headers();
        lines.set("Nats-Batch-Id", batch);
        lines.set("Nats-Batch-Sequence", String(at + 1));
        lines.set("Nats-Expected-Last-Subject-Sequence", String(sequence));
        if (at < messages.length - 1) {
          nc.publish(subject, body, { headers: lines });
          continue;
        }
        lines.set("Nats-Batch-Commit", "1");
        const answer = await nc.request(subject, body, { headers: lines, timeout: 5_000 });
        const { error } = answer.json<{ error?: { err_code: number; code: number; description: string } }>();
        if (error === undefined) return messages.length;
        if (!staleCodes.includes(error.err_code) && error.code !== 429) throw new Error(error.description);
      }
    }
  }

  async function query(): Promise<number> {
    const found: Account[] = [];
    for await (const entry of await kv.watch({ key: "account.*" })) {
      const account = entry.json<Account>();
      if (account.owner === "owner 7") found.push(account);
      if (entry.delta === 0) break;
    }
    return found.sort((a, b) => b.balance - a.balance).slice(0, 10).length;
  }

  async function sum(keys: number): Promise<number> {
    const entries = await Promise.all(Array.from({ length: keys }, (_, at) => kv.get(keyOf(`k${at}`))));
    return entries.reduce((all, entry) => all + (entry?.json<Account>().balance ?? 0), 0);
  }

  return {
    fill,
    sum,
    update: (id, done) => settle(update(id), done),
    transact: (ids, done) => settle(transact(ids), done),
    query: (_matches, done) => settle(query(), done),
    close: () => nc.close(),
  };
}
