// The bucket by hand: `js.publish` with an expectation, and the client's own watcher.

import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { stateBucket, stateSubject } from "../names.ts";
import type { Place, StoreSide } from "../side.ts";
import { settle } from "../side.ts";

export async function open({ servers, app }: Place): Promise<StoreSide> {
  const nc = await connect({ servers });
  const js = jetstream(nc);
  const kv = await new Kvm(js).open(stateBucket(app));
  const revisions = new Map<string, number>();

  async function update(key: string, value: string): Promise<number> {
    const expect = { lastSubjectSequence: revisions.get(key) ?? 0 };
    const ack = await js.publish(stateSubject(app, key), value, { expect });
    revisions.set(key, ack.seq);
    return ack.seq;
  }

  return {
    update: (key, value, done) => settle(update(key, value), done),
    async watch(onValue) {
      const changes = await kv.watch({ include: "updates" });
      void (async () => {
        for await (const change of changes) onValue(change.value);
      })();
    },
    close: () => nc.close(),
  };
}
