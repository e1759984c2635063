// What the tests of erasure and retention share: a look at everything that the buckets of a memory keep, erasures at once.

import { decodeText } from "../../src/core/codec.ts";
import type { KvEntry } from "../../src/kv/store.ts";
import type { ErasureProgress } from "../../src/memory/erasure-scope.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { readStanding } from "../../src/memory/standing-entries.ts";
import { tapped } from "./log-support.ts";

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

/** One that erases. Give it to `eraseScope` as its options, too. */
export interface Eraser {
  readonly stores: MemoryStores;
  readonly onProgress: (progress: ErasureProgress) => void;
}

/** Of these none goes on behind the sealing before all are there: one that came when another was done would erase once more. */
export function besideEachOther(all: readonly MemoryStores[]): readonly Eraser[] {
  const everyone = Promise.withResolvers<void>();
  let inside = 0;
  return all.map((stores) => {
    let isInside = false;
    const others = () => (isInside ? everyone.promise : undefined);
    const onProgress = ({ step }: ErasureProgress) => {
      if (step === "sealing" || isInside) return;
      isInside = true;
      inside += 1;
      if (inside === all.length) everyone.resolve();
    };
    const held = { ...stores, entries: tapped(stores.entries, others), facts: tapped(stores.facts, others) };
    return { stores: held, onProgress };
  });
}
