// What the tests of erasure and retention share: a memory on each store, and a look at everything that its buckets keep.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { decodeText } from "../../src/core/codec.ts";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openSqliteStore } from "../../src/kv/sqlite-store.ts";
import type { KvEntry, KvStore } from "../../src/kv/store.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { readStanding } from "../../src/memory/standing-entries.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";

export interface MemoryUnderTest extends AsyncDisposable {
  readonly stores: MemoryStores;
  /** The same memory over stores of its own, closed with this one. */
  openAnother(): Promise<MemoryStores>;
}

export type OpenMemory = () => Promise<MemoryUnderTest>;

const buckets = [
  { bucket: "test_memory", history: 1 },
  { bucket: "test_facts", history: 16 },
] as const;

type OpenBucket = (options: { readonly bucket: string; readonly history: number }) => Promise<KvStore>;

export async function openMemoryWith(openBucket: OpenBucket, opening: AsyncDisposableStack): Promise<MemoryUnderTest> {
  let opened = opening;
  const openAnother = async (): Promise<MemoryStores> => {
    const entries = opened.use(await openBucket(buckets[0]));
    const facts = opened.use(await openBucket(buckets[1]));
    return { entries, facts, clock: systemClock, codecs: new ValueCodecs() };
  };
  const stores = await openAnother();
  opened = opening.move();
  return { stores, openAnother, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

export const openInMemory: OpenMemory = async () => {
  await using opening = new AsyncDisposableStack();
  const place = new MemoryPlace();
  return await openMemoryWith((options) => openMemoryStore({ ...options, place }), opening);
};

export const openOnSqlite: OpenMemory = async () => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "troupe-test-erasure-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  return await openMemoryWith((options) => openSqliteStore({ ...options, path: join(folder, "memory.db") }), opening);
};

let appsOpened = 0;

/** Buckets of their own on a server, each store on a connection of its own. */
export const openOnNats =
  (url: () => string): OpenMemory =>
  async () => {
    await using opening = new AsyncDisposableStack();
    appsOpened += 1;
    const app = `erasure_${appsOpened}`;
    const links = new AsyncDisposableStack();
    opening.use(links);
    return await openMemoryWith(async ({ bucket, history }) => {
      const link = links.use(await openLink({ servers: url() }));
      return openNatsStore({ link, bucket: `${app}_${bucket}`, history });
    }, opening);
  };

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
