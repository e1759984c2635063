import { afterAll, beforeAll } from "vitest";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { openOnNats } from "./erasure-support.ts";
import { memoryErasureContract } from "./memory-erasure.contract.ts";
import { memoryErasureRaceContract } from "./memory-erasure-race.contract.ts";
import { memoryRetentionContract } from "./memory-retention.contract.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const open = openOnNats(() => server.url);
memoryErasureContract("nats", open);
memoryErasureRaceContract("nats", open);
memoryRetentionContract("nats", open);
