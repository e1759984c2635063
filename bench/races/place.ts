// Where a race is run: the two buckets of a memory on one of the stores.

import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openSqliteStore } from "../../src/kv/sqlite-store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";

/** Crosses to the processes that write. */
export type StorePlace =
  | { readonly kind: "memory" }
  | { readonly kind: "sqlite"; readonly folder: string }
  | { readonly kind: "nats"; readonly servers: string };

export interface OpenedPlace extends AsyncDisposable {
  readonly stores: MemoryStores;
}

const factsHistory = 16;

export async function openPlace(place: StorePlace): Promise<OpenedPlace> {
  await using opening = new AsyncDisposableStack();
  const openBucket = await bucketsOf(place, opening);
  const stores: MemoryStores = {
    entries: opening.use(await openBucket("races_memory", 1)),
    facts: opening.use(await openBucket("races_facts", factsHistory)),
    clock: systemClock,
    codecs: new ValueCodecs(),
  };
  const opened = opening.move();
  return { stores, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function bucketsOf(place: StorePlace, opening: AsyncDisposableStack) {
  switch (place.kind) {
    case "memory": {
      const inMemory = new MemoryPlace();
      return (bucket: string, history: number) => openMemoryStore({ bucket, history, place: inMemory });
    }
    case "sqlite": {
      const path = join(place.folder, "kv.db");
      return (bucket: string, history: number) => openSqliteStore({ path, bucket, history });
    }
    case "nats": {
      const link = opening.use(await openLink({ servers: place.servers }));
      return (bucket: string, history: number) => openNatsStore({ link, bucket, history });
    }
  }
}
