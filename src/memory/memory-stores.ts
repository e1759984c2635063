// What every part of the memory stands on: the two buckets, the clock, and how values are written.

import type { Clock } from "../core/clock.ts";
import type { KvStore } from "../kv/store.ts";
import type { ValueCodecs } from "./value-codec.ts";

export interface MemoryStores {
  /** Heads and logs. History 1. */
  readonly entries: KvStore;
  /** Heads and facts. Its history is the history of the facts. */
  readonly facts: KvStore;
  readonly clock: Clock;
  readonly codecs: ValueCodecs;
}
