// The connection that everything on NATS shares, against a real server.

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
