// What waits behind a cursor, as a real server counts it.

import { expect, test } from "vitest";
import { openLink, rawHeaders } from "../../src/kv/nats-link.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { natsPorts } from "../../src/runtime/nats-ports.ts";
import { startTestServer } from "../support/nats-server.ts";

const app = "desk";

test("a partition's lag is what is stored behind its cursor, and since when the oldest of it is", async () => {
  await using server = await startTestServer();
  await using ports = await natsPorts({ nats: { servers: server.url } })({ app, pool: "main", partitionCount: 2 });
  await using inspector = await openInspector({ nats: { servers: server.url }, app });
  const tell = async (partition: number, key: string) => {
    const outcome = await ports.mail.append({ partition, key, method: "add" }, Buffer.from("1"), noMeta, 5_000);
    if (outcome.kind !== "accepted") throw new Error(`not accepted: ${outcome.kind}`);
    return outcome.sequence;
  };
  expect(await inspector.lagOf("main", 0, 0)).toEqual({ messages: 0, sinceMs: undefined });
  const beforeMs = Date.now();
  const first = await tell(0, "counter.c1");
  await tell(1, "counter.c2");
  const middle = await tell(0, "note.n1");
  const last = await tell(0, "counter.c1");
  const whole = await inspector.lagOf("main", 0, 0);
  expect(whole.messages).toBe(3);
  expect(whole.sinceMs).toBeGreaterThanOrEqual(beforeMs - 1);
  expect(whole.sinceMs).toBeLessThanOrEqual(Date.now() + 1);
  const rest = await inspector.lagOf("main", 0, first);
  expect([rest.messages, (rest.sinceMs ?? 0) >= (whole.sinceMs ?? 0)]).toEqual([2, true]);
  expect((await inspector.lagOf("main", 0, middle)).messages).toBe(1);
  expect(await inspector.lagOf("main", 0, last)).toEqual({ messages: 0, sinceMs: undefined });
  expect((await inspector.lagOf("main", 1, 0)).messages).toBe(1);
  expect((await inspector.lagOf("other", 0, 0)).messages).toBe(0);
});

test("messages whose headers nobody can read are counted too", async () => {
  await using server = await startTestServer();
  await using _ports = await natsPorts({ nats: { servers: server.url } })({ app, pool: "main", partitionCount: 1 });
  await using inspector = await openInspector({ nats: { servers: server.url }, app });
  await using link = await openLink({ servers: server.url });
  const store = async (lines: readonly string[]) => {
    const headers = lines.length === 0 ? undefined : rawHeaders(lines);
    const answer = await link.request(`${app}.mail.main.0.counter.c1.add`, Buffer.from("1"), 5_000, headers);
    if (answer.kind !== "reply") throw new Error(`not stored: ${answer.kind}`);
    return answer.message.json<{ readonly seq: number }>().seq;
  };
  const stored: number[] = [];
  for (const lines of [["b@d name: x"], ["b@d name: y"], [], ["b@d name: z"]]) stored.push(await store(lines));
  const whole = await inspector.lagOf("main", 0, 0);
  expect([whole.messages, whole.sinceMs !== undefined]).toEqual([4, true]);
  expect((await inspector.lagOf("main", 0, stored[2] ?? 0)).messages).toBe(1);
});
