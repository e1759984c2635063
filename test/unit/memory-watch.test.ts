import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { encodeText } from "../../src/core/codec.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvChange, KvWatcher } from "../../src/kv/store.ts";
import { factKey } from "../../src/memory/memory-keys.ts";
import { watchMemory } from "../../src/memory/memory-watch.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";

const anna = { user: "anna" };

test("W2: what a slow reader does not ask for is not taken from the store", async () => {
  await using entries = await openMemoryStore({ bucket: "memory" });
  await using facts = await openMemoryStore({ bucket: "facts", history: 16 });
  let taken = 0;
  const counted = (watcher: KvWatcher): KvWatcher => ({
    close: () => watcher.close(),
    [Symbol.asyncDispose]: () => watcher.close(),
    [Symbol.asyncIterator]: () => {
      const changes = watcher[Symbol.asyncIterator]();
      return {
        next: async (): Promise<IteratorResult<KvChange>> => {
          const next = await changes.next();
          taken += 1;
          return next;
        },
      };
    },
  });
  const watchFacts = facts.watch.bind(facts);
  facts.watch = async (...given) => counted(await watchFacts(...given));
  for (let at = 0; at < 500; at += 1) {
    await facts.put(factKey(anna, `f${at}`), encodeText(`{"value":${at},"id":"w"}`));
  }
  const stores = { entries, facts, clock: systemClock, codecs: new ValueCodecs() };
  await using watch = await watchMemory({ stores }, anna, { what: "facts" });
  const changes = watch[Symbol.asyncIterator]();
  for (let at = 1; at <= 10; at += 1) await changes.next();
  expect(taken).toBeLessThanOrEqual(11);
});
