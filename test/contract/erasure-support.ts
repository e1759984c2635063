// What the tests of erasure and retention share: a look at everything that the buckets of a memory keep.

import { decodeText } from "../../src/core/codec.ts";
import type { KvEntry } from "../../src/kv/store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { readStanding } from "../../src/memory/standing-entries.ts";

/** Everything that both buckets keep: keys and values, histories too. */
export async function everythingKept({ entries, facts }: MemoryStores): Promise<readonly KvEntry[]> {
  let all: KvEntry[] = [];
  for (const store of [entries, facts]) {
    const before = all.length;
    await readStanding({
      ...{ store, pattern: ">", which: "kept", signal: undefined },
      take: (entry) => void all.push(entry),
      restart: () => {
        all = all.slice(0, before);
      },
    });
  }
  return all;
}

/** Keys of entries whose value holds the words. */
export async function keysWith(stores: MemoryStores, words: string): Promise<readonly string[]> {
  const all = await everythingKept(stores);
  return all.filter(({ value }) => decodeText(value).includes(words)).map(({ key }) => key);
}

/** Resolves with what it was rejected with. */
export async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}
