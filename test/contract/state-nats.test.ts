import { afterAll, beforeAll } from "vitest";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { stateStoreContract } from "./state-store.contract.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

let buckets = 0;

stateStoreContract("nats", async (options = {}) => {
  buckets += 1;
  const bucket = `states_${buckets}`;
  await using opening = new AsyncDisposableStack();
  const openOne = async () => {
    const link = opened.use(await openLink({ servers: server.url }));
    return opened.use(await openNatsStore({ link, bucket, ...options }));
  };
  let opened: AsyncDisposableStack = opening;
  const store = await openOne();
  opened = opening.move();
  return { store, openAnother: openOne, [Symbol.asyncDispose]: () => opened.disposeAsync() };
});
