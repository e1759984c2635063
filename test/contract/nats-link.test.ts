// The connection that everything on NATS shares, against a real server.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { openLink } from "../../src/kv/nats-link.ts";
import { startTestServer } from "../support/nats-server.ts";

/** More than any test may take: what is answered before that was not answered by its deadline. Unit: ms. */
const never = 600_000;
const nothing = new Uint8Array(0);

test("L5: what the server does not let a user publish is answered with that at once, and nothing else is", async () => {
  const config = `authorization { users = [ { user: u, password: p, permissions: { publish: { deny: ["locked.*"] } } } ] }`;
  await using server = await startTestServer({ config });
  await using link = await openLink({ servers: server.url, user: "u", pass: "p" });
  const heard = link.connection.subscribe("open");
  const open = link.request("open", nothing, never);
  const refused = await Promise.all([1, 2].map(() => link.request("locked.door", nothing, never)));
  for (const answer of refused)
    expect(answer).toMatchObject({ kind: "lost", reason: expect.stringContaining("publish to locked.door") });
  for await (const question of heard) {
    question.respond("come in");
    break;
  }
  expect(await open).toMatchObject({ kind: "reply" });
});

/** Ends when the server at `port` has said its first line to it. */
const seesServer = (port: number) =>
  `require("node:net").connect(${port}, "127.0.0.1").once("data", () => process.exit())`;

test("L6: a process that stood still hears what came meanwhile before it takes anything for lost", async () => {
  await using server = await startTestServer();
  await using link = await openLink({ servers: server.url });
  const standsMs = 2_000;
  const begunAtMs = performance.now();
  server.freeze();
  const asked = link.request("nobody.is.here", nothing, standsMs);
  // Until it has left.
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  server.thaw();
  // From here on this process hears nothing, and the server answers.
  const { status } = spawnSync(process.execPath, ["-e", seesServer(Number(new URL(server.url).port))]);
  expect(status).toBe(0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, standsMs + 100 - (performance.now() - begunAtMs));
  expect(await asked).toEqual({ kind: "nobody" });
});
