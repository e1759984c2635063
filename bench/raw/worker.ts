// The worker by hand, as an engineer writes it in an afternoon with the client's documentation open.

import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { Msg, Subscription } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { CommitCount } from "../commit-count.ts";
import { idToken, mailStream, stateBucket } from "../names.ts";
import type { Place, WorkerSide } from "../side.ts";
import { settle, toError } from "../side.ts";
import { RawCounter } from "./counter.ts";

export async function open({ servers, app }: Place): Promise<WorkerSide> {
  const nc = await connect({ servers });
  const js = jetstream(nc);
  const kv = await new Kvm(js).open(stateBucket(app));
  const counters = new Map<string, RawCounter>();
  const committed = new CommitCount();

  function counterOf(id: string): RawCounter {
    let counter = counters.get(id);
    if (counter === undefined) {
      counter = new RawCounter(app, id, js, kv);
      counters.set(id, counter);
    }
    return counter;
  }

  async function answer(message: Msg): Promise<void> {
    const tokens = message.subject.split(".");
    const counter = counterOf(tokens[idToken] ?? "");
    const isQuery = tokens.at(-1) === "total";
    try {
      const result = isQuery ? await counter.total() : await counter.add(message.json<number>());
      message.respond(JSON.stringify({ result }));
    } catch (thrown) {
      message.respond(JSON.stringify({ error: toError(thrown).message }));
    }
  }

  async function serve(asks: Subscription): Promise<void> {
    // Not awaited: the turns of different counters overlap, those of one counter queue in its own chain.
    for await (const message of asks) void answer(message);
  }

  async function readMail(): Promise<void> {
    const consumer = await js.consumers.get(mailStream(app));
    for await (const message of await consumer.consume()) {
      const counter = counterOf(message.subject.split(".")[idToken] ?? "");
      void counter.add(message.json<number>(), message.seq).then(
        () => committed.add(),
        (thrown) => committed.fail(thrown),
      );
    }
  }

  void serve(nc.subscribe(`${app}.ask.>`));
  void readMail().catch((thrown) => committed.fail(thrown));
  await nc.flush();
  return {
    ask: (id, n, done) => settle(counterOf(id).add(n), done),
    query: (id, done) => settle(counterOf(id).total(), done),
    whenCommitted: (_ids, total) => committed.reached(total),
    close: () => nc.close(),
  };
}
