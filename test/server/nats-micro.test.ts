// Workers as NATS services: what the official client of the protocol, and the `nats` command, hear of them.

import type { ServiceIdentity, ServiceInfo, ServiceStats } from "@nats-io/services";
import { Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect as connectNats } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Troupe, Worker } from "../../src/index.ts";
import { connect, createWorker, defineActor, handler, query, silentLogger } from "../../src/index.ts";
import { findNatsCommand, runNats } from "../support/nats-command.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";

const nats = await findNatsCommand();

/** Turns that wait until the test lets them go. */
let gates: PromiseWithResolvers<void>[] = [];

const Counter = defineActor(
  "counter",
  { state: z.object({ count: z.number() }), initial: { count: 0 } },
  {
    add: handler(z.number().int(), (ctx, n) => {
      ctx.state.count += n;
      return ctx.state.count;
    }),
    wait: handler(async () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    }),
    total: query((ctx) => ctx.state.count),
  },
);

let server: TestServer;
let connection: NatsConnection;
let workers: Worker[];
let troupe: Troupe;

beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ servers: server.url });
  const options = { servers: server.url, app: "desk", actors: [Counter], logger: silentLogger };
  workers = [await createWorker({ ...options, name: "blue" }), await createWorker(options)];
  troupe = await connect({ servers: server.url, app: "desk" });
});

afterAll(async () => {
  await troupe.close();
  for (const worker of workers) await worker.drain();
  await connection.close();
  await server[Symbol.asyncDispose]();
});

/** "stall" hears whoever answers within 300 ms after another one, which on a busy machine may be too soon for some. */
const client = () => new Svcm(connection as never).client({ strategy: "stall", maxWait: 5_000 } as never);
/** Hears all the workers of `beforeAll`, however long one of them takes. */
const clientOfBoth = () =>
  new Svcm(connection as never).client({ strategy: "count", maxMessages: workers.length, maxWait: 20_000 } as never);

async function all<Value>(answers: Promise<AsyncIterable<Value>>): Promise<Value[]> {
  const values: Value[] = [];
  for await (const value of await answers) values.push(value);
  return values;
}

/** Of all workers, what came through a door. */
async function sums(door: string) {
  const stats = (await all<ServiceStats>(clientOfBoth().stats("desk"))).flatMap(({ endpoints = [] }) => endpoints);
  const own = stats.filter(({ name }) => name === door);
  const sumOf = (pick: (each: (typeof own)[number]) => number) => own.reduce((sum, each) => sum + pick(each), 0);
  return {
    requests: sumOf((each) => each.num_requests),
    errors: sumOf((each) => each.num_errors),
    tookMs: sumOf((each) => each.processing_time) / 1e6,
    last: own.map(({ last_error }) => last_error).join(""),
  };
}

const ask = (method: string, input = "") =>
  connection.request(`desk.call.counter.c1.${method}`, input, { timeout: 10_000 });

test("every worker answers under the app's name and its own id, and says how actors are called", async () => {
  const infos = await all<ServiceInfo>(clientOfBoth().info("desk"));
  expect(infos.map(({ id }) => id).sort()).toEqual(workers.map(({ id }) => id).sort());
  const blue = infos.find(({ id }) => id === workers[0]?.id);
  expect(blue).toMatchObject({
    ...{ type: "io.nats.micro.v1.info_response", name: "desk", version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    metadata: { name: "blue", pools: "main", types: "counter" },
  });
  expect(blue?.endpoints).toEqual([
    {
      ...{ name: "call", subject: "desk.call.>", queue_group: "troupe" },
      metadata: {
        usage: "nats req desk.call.TYPE.ID.METHOD JSON",
        answer: "the method's, as JSON",
        "counter.add": 'handler {"type":"integer"}',
        "counter.wait": "handler, no argument",
        "counter.total": "query, no argument",
      },
    },
    {
      ...{ name: "tell", subject: "desk.tell.>", queue_group: "troupe" },
      metadata: {
        usage: "nats req desk.tell.TYPE.ID.METHOD JSON",
        answer: '{"sequence":N} when it is stored',
        "counter.add": 'handler {"type":"integer"}',
        "counter.wait": "handler, no argument",
      },
    },
  ]);
  const one = await all(client().ping("desk", workers[1]?.id));
  expect(one).toMatchObject([{ id: workers[1]?.id, metadata: { pools: "main" } }]);
  await expect.poll(() => all(client().ping())).toHaveLength(2);
  await expect(all(client().ping("other"))).rejects.toThrow("no responders");
});

test("N1: what is counted is true: requests, errors and the time that each took, also of those under way at once", async () => {
  const before = await sums("call");
  for (let n = 1; n <= 7; n += 1) expect((await ask("add", "1")).json()).toBe(n);
  expect((await ask("add", "1.5")).headers?.get("Troupe-Error")).toBe("INPUT_INVALID");
  const after = await sums("call");
  expect(after).toMatchObject({ requests: before.requests + 8, errors: before.errors + 1 });
  expect(after.last).toContain("INPUT_INVALID: ");
  gates = [];
  const askedMs = performance.now();
  const waiting = ["w1", "w2", "w3"].map((id) =>
    connection.request(`desk.call.counter.${id}.wait`, "", { timeout: 20_000 }),
  );
  await expect.poll(() => gates.length).toBe(3);
  const arrivedMs = performance.now(); // All of them, some time ago.
  expect((await sums("call")).requests).toBe(after.requests); // Not before they are answered.
  const heldMs = performance.now() - arrivedMs;
  for (const gate of gates) gate.resolve();
  await Promise.all(waiting);
  const last = await sums("call");
  expect(last.requests).toBe(after.requests + 3);
  expect(last.tookMs - after.tookMs).toBeGreaterThanOrEqual(3 * heldMs);
  expect(last.tookMs - after.tookMs).toBeLessThanOrEqual(3 * (performance.now() - askedMs));
  await connection.request("desk.tell.counter.c1.add", "1", { timeout: 20_000 });
  expect(await sums("tell")).toMatchObject({ requests: 1, errors: 0 });
});

test("a worker that has drained answers no more; one whose user may not answer works all the same", async () => {
  const config = `jetstream {}\nauthorization { users = [ { user: u, password: p, permissions: { subscribe: { deny: ["$SRV.>"] } } } ] }`;
  await using strict = await startTestServer({ config });
  const warned: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: unknown, text?: string) => void warned.push(text ?? "") };
  const login = { servers: strict.url, nats: { user: "u", pass: "p" } };
  await using _worker = await createWorker({ ...login, actors: [Counter], logger: { ...logger, child: () => logger } });
  expect(warned.filter((text) => text.includes("nats micro"))).toEqual(["`nats micro` will not show this worker"]);
  await using caller = await connect(login);
  expect(await caller.actor(Counter, "c1").ask.add(1)).toBe(1);
  const third = await createWorker({ servers: server.url, app: "desk", actors: [Counter], logger: silentLogger });
  await expect.poll(() => all(client().ping("desk"))).toHaveLength(3);
  await third.drain();
  const ids = async () => (await all<ServiceIdentity>(client().ping("desk"))).map(({ id }) => id).sort();
  await expect.poll(ids).toEqual(workers.map(({ id }) => id).sort());
});

test.skipIf(nats === undefined)("nats micro lists the workers, how actors are called, and what came", async () => {
  const say = async (...args: string[]) => (await runNats(nats ?? "", server.url, ["micro", ...args])).out;
  // The command hears whoever answers soon after another one, which on a busy machine is not everybody.
  const heard = async () => {
    const list = await say("ls");
    return workers.map(({ id }) => list.includes(id));
  };
  await expect.poll(heard).toEqual([true, true]);
  const info = await say("info", "desk", workers[0]?.id ?? "");
  for (const text of ["desk.call.>", "nats req desk.call.TYPE.ID.METHOD JSON", "counter.total: query, no argument"]) {
    expect(info).toContain(text);
  }
  const requests = async () => {
    const stats = JSON.parse(await say("stats", "desk", "--json")) as ServiceStats[];
    const calls = stats.flatMap(({ endpoints = [] }) => endpoints).filter(({ name }) => name === "call");
    return calls.reduce((sum, each) => sum + each.num_requests, 0);
  };
  await expect.poll(requests).toBe((await sums("call")).requests);
});
