// A store of each kind, for the contract of stores and of what stands on one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { MemoryPlace, openMemoryStore } from "../../src/kv/memory-store.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openSqliteStore } from "../../src/kv/sqlite-store.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import type { OpenStore, StoreUnderTest } from "./kv-support.ts";

export const openInMemory: OpenStore = async (options = {}) => {
  const place = new MemoryPlace();
  return underTest(() => openMemoryStore({ bucket: "test", place, ...options }));
};

export const openOnSqlite: OpenStore = async (options = {}) => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "troupe-test-sqlite-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  return await underTest(() => openSqliteStore({ path: join(folder, "kv.db"), bucket: "test", ...options }), opening);
};

let buckets = 0;

interface NatsOpenOptions {
  /** Default: one of its own each time. */
  readonly bucket?: string;
  readonly reconnectTimeWait?: number;
}

/** Each store on a connection of its own. */
export const openOnNats =
  (url: () => string, { bucket, ...link }: NatsOpenOptions = {}): OpenStore =>
  async (options = {}) => {
    buckets += 1;
    const name = bucket ?? `test_${buckets}`;
    await using opening = new AsyncDisposableStack();
    const links = opening.use(new AsyncDisposableStack());
    return await underTest(async () => {
      const connected = links.use(await openLink({ servers: url(), ...link }));
      return openNatsStore({ link: connected, bucket: name, ...options });
    }, opening);
  };

/** As `openOnNats`, on a server of this test file's own. Called where tests are defined. */
export function openOnOwnServer(): OpenStore {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  return openOnNats(() => server.url);
}

/** Runs `contract` for each kind of store. */
export function onEachStore(contract: (name: string, open: OpenStore) => void): void {
  contract("memory", openInMemory);
  contract("sqlite", openOnSqlite);
  contract("nats", openOnOwnServer());
}

/** What `opening` holds is closed after the stores. */
async function underTest(
  openOne: () => Promise<KvStore>,
  opening: AsyncDisposableStack = new AsyncDisposableStack(),
): Promise<StoreUnderTest> {
  const store = opening.use(await openOne());
  const opened = opening.move();
  return {
    store,
    openAnother: async () => opened.use(await openOne()),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
