// Troupe's bucket: the KvStore port on JetStream.

import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { stateBucket } from "../names.ts";
import type { Place, StoreSide } from "../side.ts";
import { settle } from "../side.ts";

const encoder = new TextEncoder();

export async function open({ servers, app }: Place): Promise<StoreSide> {
  const link = await openLink({ servers });
  const store = await openNatsStore({ link, bucket: stateBucket(app), history: 8 });
  const revisions = new Map<string, number>();

  async function update(key: string, value: string): Promise<number> {
    const written = await store.update(key, encoder.encode(value), revisions.get(key) ?? 0);
    if (written.kind === "conflict") throw new Error(`conflict on ${key} at ${written.revision}`);
    revisions.set(key, written.revision);
    return written.revision;
  }

  return {
    update: (key, value, done) => settle(update(key, value), done),
    async watch(onValue) {
      const watcher = await store.watch(">", { from: "now" });
      void (async () => {
        for await (const change of watcher) if (change.kind === "entry") onValue(change.entry.value);
      })();
    },
    async close() {
      await store.close();
      await link.close();
    },
  };
}
