import { afterAll, beforeAll } from "vitest";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { openMailOnNats } from "./mail-on-nats.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { partitions } from "./runtime-support.ts";
import { workflowContract } from "./workflow.contract.ts";
import { workflowProgressContract } from "./workflow-progress.contract.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const open: OpenRuntime = async () => {
  const { subjects, buried, ...opened } = await openMailOnNats(server, { partitionCount: partitions });
  return { ...opened, app: subjects.app, ports: natsPorts({ nats: { servers: server.url } }), buried };
};

workflowContract("nats", open);
workflowProgressContract("nats", open);
