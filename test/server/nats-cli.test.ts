// Looking from outside with the official `nats` command: states that a person can read, and doors that need no client.
// Skipped where the command is not installed; with TROUPE_NATS_CLI=require its lack is a failure.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Change, Troupe, Worker } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";
import { startProgram } from "../support/cli.ts";
import { findNatsCommand, runNats } from "../support/nats-command.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";

const nats = await findNatsCommand();

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number().int(), (ctx, n) => {
      ctx.state.count += n;
      return ctx.state.count;
    }),
    total: query((ctx) => ctx.state.count),
  },
);

describe.skipIf(nats === undefined)("with the nats command (skipped where there is none)", () => {
  let server: TestServer;
  let worker: Worker;
  let troupe: Troupe;

  beforeAll(async () => {
    server = await startTestServer();
    worker = await createWorker({ servers: server.url, actors: [Counter], logger: silentLogger });
    troupe = await connect({ servers: server.url });
  });

  afterAll(async () => {
    await troupe.close();
    await worker.drain();
    await server[Symbol.asyncDispose]();
  });

  const say = (...args: readonly string[]) => runNats(nats ?? "", server.url, args);

  /** The first committed value that `wanted` is true for, from now on. */
  async function changeOf(id: string, wanted: (count: number) => boolean): Promise<Change<{ count: number }>> {
    for await (const change of troupe.actor(Counter, id).watch({ signal: AbortSignal.timeout(20_000) })) {
      if (change.kind === "committed" && wanted(change.state.count)) return change;
    }
    throw new Error("the change did not come");
  }

  test("nats req on the door asks, and prints the answer as JSON", async () => {
    const first = await say("req", "troupe.call.counter.c1.add", "5");
    expect([first.code, `${first.out}${first.err}`]).toEqual([0, expect.stringMatching(/^5$/m)]);
    expect((await say("req", "--raw", "troupe.call.counter.c1.add", "5")).out.trim()).toBe("10");
    expect((await say("req", "--raw", "troupe.call.counter.c1.total", "")).out.trim()).toBe("10");
    expect(await troupe.actor(Counter, "c1").ask.total()).toBe(10);
  });

  test("a tell through the door answers with its sequence, or is just published", async () => {
    const { out } = await say("req", "--raw", "troupe.tell.counter.c2.add", "5");
    expect(JSON.parse(out)).toEqual({ sequence: expect.any(Number) });
    const published = changeOf("c2", (count) => count === 12);
    await say("pub", "troupe.tell.counter.c2.add", "7");
    expect((await published).kind).toBe("committed");
  });

  test("errors come through the door as JSON, with the code in a header", async () => {
    const cases = [
      ["troupe.call.counter.c1.nope", "", "METHOD_UNKNOWN"],
      ["troupe.call.counter.c1.add", "1.5", "INPUT_INVALID"],
      ["troupe.call.counter.c1.add", "hello", "INPUT_INVALID"],
      ["troupe.call.stranger.c1.add", "1", "TYPE_UNKNOWN"],
      ["troupe.call.counter.add", "1", "NAME_INVALID"],
      ["troupe.tell.counter.add", "1", "NAME_INVALID"],
    ] as const;
    for (const [subject, input, code] of cases) {
      const { out } = await say("req", "--raw", subject, input);
      const error = { code, message: expect.any(String) as unknown, remedy: expect.any(String) as unknown };
      expect(JSON.parse(out), `${subject} ${input}`).toMatchObject({ error });
      const { out: all, err } = await say("req", subject, input);
      expect(`${all}${err}`).toContain(`Troupe-Error: ${code}`);
    }
  });

  test("nats kv get shows an actor's value as JSON, the user's state first", async () => {
    await troupe.actor(Counter, "c3").ask.add(5);
    const { out, code } = await say("kv", "get", "troupe_state", "counter.c3", "--raw");
    expect(code).toBe(0);
    expect(out).toMatch(/^\{"state":\{"count":5\}/);
    expect(JSON.parse(out)).toEqual({
      ...{ state: { count: 5 }, sent: expect.any(Number) },
      ...{ schema: 1, epoch: expect.any(Number), commit: expect.any(String) },
    });
    expect((await say("kv", "get", "troupe_state", "counter.c3")).out).toContain('{"state":{"count":5}');
    await troupe.actor(Counter, "Grüße, world.>").ask.add(1);
    const keys = (await say("kv", "ls", "troupe_state")).out.split("\n");
    expect(keys).toContain("counter.c3");
    expect(keys).toContain("counter.Gr=C3=BC=C3=9Fe=2C=20world=2E=3E");
  });

  test("nats kv watch shows changes as they come", async () => {
    await troupe.actor(Counter, "c4").ask.add(1);
    const watch = startProgram(nats ?? "", ["kv", "watch", "troupe_state", "--server", server.url], { cwd: "/" });
    try {
      await watch.line("out", (line) => line.includes('counter.c4: {"state":{"count":1}'));
      await troupe.actor(Counter, "c4").ask.add(1);
      await watch.line("out", (line) => line.includes('counter.c4: {"state":{"count":2}'));
    } finally {
      watch.kill("SIGKILL");
      await watch.ended;
    }
  });

  test("nats kv edit shortens the history, and a worker still opens the bucket: what the edit took away is given back", async () => {
    expect((await say("kv", "edit", "troupe_state", "--history=7")).code).toBe(0);
    await using again = await connect({ servers: server.url });
    const settings = JSON.parse((await say("stream", "info", "KV_troupe_state", "--json")).out) as { config: object };
    expect(settings.config).toMatchObject({ max_msgs_per_subject: 7, allow_atomic: true });
    expect(await again.actor(Counter, "c1").ask.total()).toBe(10);
    expect((await say("kv", "edit", "troupe_state", "--history=8")).code).toBe(0);
  });

  test("the server holds the app's streams, and nothing else", async () => {
    const names = (await say("stream", "ls", "--all", "--names")).out.trim().split("\n");
    expect(names.sort()).toEqual(["KV_troupe_cluster", "KV_troupe_state", "troupe_dead", "troupe_mail"]);
    expect((await say("kv", "status", "troupe_state")).out).toMatch(/History Kept: 8/);
    expect((await say("server", "check", "jetstream")).code).toBe(0);
  });
});
