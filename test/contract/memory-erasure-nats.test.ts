import { afterAll, beforeAll } from "vitest";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { openOnNats } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

memoryErasureContract(
  "nats",
  openOnNats(() => server.url),
);
