import { afterAll, beforeAll } from "vitest";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { mailContract } from "./mail.contract.ts";
import { openMailOnNats } from "./mail-on-nats.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

mailContract("nats", (options) => openMailOnNats(server, options));
