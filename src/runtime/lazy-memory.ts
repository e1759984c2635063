// The buckets of the memory, opened by whoever needs them first: a client that has nothing to do with memories does not wait
// for them.

import type { MemoryBuckets } from "./ports.ts";

/** Values of each fact that are kept. */
export const factsHistoryDefault = 16;

export interface LazyMemory {
  /** The same for all callers. One that failed is tried again by the next call. */
  open(): Promise<MemoryBuckets>;
  close(): Promise<void>;
}

export function lazyMemory(openBuckets: () => Promise<MemoryBuckets>): LazyMemory {
  let opening: Promise<MemoryBuckets> | undefined;
  const open = () => {
    opening ??= openBuckets().catch((thrown: unknown) => {
      opening = undefined;
      throw thrown;
    });
    return opening;
  };
  const close = async () => {
    const buckets = await opening?.catch(() => undefined);
    await Promise.all([buckets?.entries.close(), buckets?.facts.close()]);
  };
  return { open, close };
}
