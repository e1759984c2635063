// A memory on each of the stores, for contracts of what stands on it.

import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { onEachStore } from "./kv-openers.ts";
import type { OpenStore } from "./kv-support.ts";

/** Entries kept of each fact, as in `troupe_facts`. */
export const factsHistory = 16;

export interface MemoryUnderTest extends AsyncDisposable {
  readonly stores: MemoryStores;
  /** The same memory over stores of its own, closed with this one. */
  openAnother(): Promise<MemoryStores>;
}

export type OpenMemory = () => Promise<MemoryUnderTest>;

/** A clock whose time can be put forward; it waits as the machine does. */
export class ShiftedClock implements Clock {
  aheadMs = 0;
  readonly monotonicMs = systemClock.monotonicMs;
  readonly after = systemClock.after;
  readonly random = systemClock.random;
  readonly uniqueId = systemClock.uniqueId;

  now(): number {
    return systemClock.now() + this.aheadMs;
  }
}

/** Runs `contract` with a memory on each kind of store. */
export function onEachMemory(contract: (name: string, open: OpenMemory) => void): void {
  onEachStore((name, open) => contract(name, memoryOver(open)));
}

export function memoryOver(openEntries: OpenStore, openFacts: OpenStore = openEntries): OpenMemory {
  return async () => {
    await using opening = new AsyncDisposableStack();
    const entries = opening.use(await openEntries({ history: 1 }));
    const facts = opening.use(await openFacts({ history: factsHistory }));
    const opened = opening.move();
    return {
      stores: storesOf(entries.store, facts.store),
      openAnother: async () => storesOf(await entries.openAnother(), await facts.openAnother()),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  };
}

function storesOf(entries: KvStore, facts: KvStore): MemoryStores {
  return { entries, facts, clock: systemClock, codecs: new ValueCodecs() };
}
