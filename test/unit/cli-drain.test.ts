// What `troupe drain` says of a worker that has ended.

import { expect, test } from "vitest";
import { followDrain } from "../../src/cli/drain/follow-drain.ts";
import { systemClock } from "../../src/core/clock.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { TroupeClient } from "../../src/runtime/client.ts";
import { Directory, writeRecord } from "../../src/runtime/directory.ts";
import { partitionKey, partitionKeys, workerKey } from "../../src/runtime/subjects.ts";

/** A store in which what happens to partitions is heard of no more once it is `deaf`. */
function hardOfHearing(store: KvStore): { readonly store: KvStore; goDeaf(): void } {
  let isDeaf = false;
  const watch: KvStore["watch"] = async (pattern, options) => {
    const watcher = await store.watch(pattern, options);
    if (pattern !== partitionKeys("main")) return watcher;
    return {
      ...watcher,
      async *[Symbol.asyncIterator]() {
        for await (const change of watcher) if (!isDeaf) yield change;
      },
      close: () => watcher.close(),
      [Symbol.asyncDispose]: () => watcher.close(),
    };
  };
  const heard = new Proxy(store, {
    get: (target, name) => {
      if (name === "watch") return watch;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    store: heard,
    goDeaf: () => {
      isDeaf = true;
    },
  };
}

test("what a worker has given back is not counted as left, though its lease is seen to go first", async () => {
  await using store = await openMemoryStore({ bucket: "cluster" });
  const record = (owner: string) => writeRecord({ owner, epoch: 1, needs: {} });
  for (const partition of [0, 1, 2]) await store.put(partitionKey("main", partition), record("w1"));
  await store.put(workerKey("w1"), Buffer.from("{}"));
  const { store: cluster, goDeaf } = hardOfHearing(store);
  const open = () => Directory.open({ cluster, clock: systemClock, pool: "main", partitionCount: 3 });
  const troupe = { ports: { cluster, clock: systemClock }, routes: { openDirectory: open } };
  const following = followDrain({
    ...{ troupe: troupe as unknown as TroupeClient, worker: "w1", pools: ["main"], timeoutMs: 10_000 },
    onProgress: async (left) => {
      expect(left).toBe(3);
      goDeaf();
      for (const partition of [0, 1]) await store.put(partitionKey("main", partition), record(""));
      await store.delete(workerKey("w1"));
    },
  });
  expect(await following).toEqual({ isGone: true, partitionsLeft: 1 });
});
