// The buckets of the memory, opened by whoever needs them first.

import { type Lazy, lazily } from "./lazy-store.ts";
import type { MemoryBuckets } from "./ports.ts";

/** Values of each fact that are kept. */
export const factsHistoryDefault = 16;

export function lazyMemory(openBuckets: () => Promise<MemoryBuckets>): Lazy<MemoryBuckets> {
  return lazily(openBuckets, async ({ entries, facts }) => {
    await Promise.all([entries.close(), facts.close()]);
  });
}
