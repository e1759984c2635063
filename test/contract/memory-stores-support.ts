// A memory on each of the stores, for contracts of what stands on it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openSqliteStore } from "../../src/kv/sqlite-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { ValueCodec } from "../../src/memory/value-codec.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";

/** Entries kept of each fact, as in `troupe_facts`. */
export const factsHistory = 16;

export interface MemoryUnderTest extends AsyncDisposable {
  readonly stores: MemoryStores;
  /** The same memory over a connection of its own, closed with this one. */
  openAnother(): Promise<MemoryStores>;
}

export type OpenMemory = (codecs?: readonly ValueCodec[]) => Promise<MemoryUnderTest>;

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

/** Runs `contract` for each kind of store. */
export function onEachStore(contract: (name: string, open: OpenMemory) => void): void {
  contract("memory", (codecs) => {
    const place = new MemoryPlace();
    return openUnderTest((bucket, history) => openMemoryStore({ bucket, history, place }), codecs);
  });
  contract("sqlite", async (codecs) => {
    const folder = await mkdtemp(join(tmpdir(), "troupe-test-memory-"));
    const remove = () => rm(folder, { recursive: true, force: true });
    return openUnderTest(
      (bucket, history) => openSqliteStore({ path: join(folder, "kv.db"), bucket, history }),
      codecs,
      remove,
    );
  });
  let server: TestServer;
  let memories = 0;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  contract("nats", (codecs) => {
    memories += 1;
    return openUnderTest((bucket, history) => openOnNats(server.url, `t${memories}_${bucket}`, history), codecs);
  });
}

async function openOnNats(servers: string, bucket: string, history: number): Promise<KvStore> {
  const link = await openLink({ servers });
  const store = await openNatsStore({ link, bucket, history });
  const closeStore = store.close.bind(store);
  store.close = async () => {
    await closeStore();
    await link.close();
  };
  return store;
}

export async function openUnderTest(
  open: (bucket: string, history: number) => Promise<KvStore>,
  codecs: readonly ValueCodec[] = [],
  end: () => Promise<void> = async () => {},
): Promise<MemoryUnderTest> {
  const opened = new AsyncDisposableStack();
  opened.defer(end);
  const openAnother = async (): Promise<MemoryStores> => {
    const entries = await open("memory", 1);
    opened.defer(() => entries.close());
    const facts = await open("facts", factsHistory);
    opened.defer(() => facts.close());
    return { entries, facts, clock: systemClock, codecs: new ValueCodecs(codecs) };
  };
  return { stores: await openAnother(), openAnother, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
