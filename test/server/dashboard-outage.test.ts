// The server dies, freezes and comes back while pages listen: what is old is said to be old, and nothing that changed
// meanwhile is missed.

import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { EventStream } from "../../src/core/events.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { ActorsPage } from "../../src/monitoring/dashboard/api/actors.ts";
import type { NowView } from "../../src/monitoring/dashboard/api/now.ts";
import { NowReader } from "../../src/monitoring/now-reader.ts";
import { connect, TroupeClient } from "../../src/runtime/client.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import type { RequestOutcome } from "../../src/runtime/mail.ts";
import { workerKey } from "../../src/runtime/subjects.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { Counter } from "../support/dashboard-actors.ts";
import { openTestDashboard } from "../support/dashboard-ground.ts";
import { startTestServer } from "../support/nats-server.ts";

const app = "desk";

test("H1, H2: nats-server killed with -9 while a page listens: stale since the last second that was read, then live, and current", async () => {
  await using server = await startTestServer();
  await using dashboard = await openTestDashboard(server.url);
  await using _worker = await createWorker({ app, servers: server.url, actors: [Counter], logger: silentLogger });
  await using troupe = await connect({ app, servers: server.url });
  await using live = dashboard.listen("now,changes");
  expect(await live.next("health", ({ state }) => state === "live")).toMatchObject({ reason: null });
  await troupe.actor(Counter, "c1").ask.add(1);
  await live.next("changes", ({ rows }) => rows.some(({ glimpse }) => glimpse === '{"count":1}'));
  const before = await live.next("now", ({ workers }) => workers.length === 1);
  await server.kill9();
  const away = await live.next("now", ({ unhealthy }) => unhealthy[0]?.text.startsWith("NATS") === true);
  const stale = await live.next("health", ({ state }) => state === "stale");
  expect(stale.reason).toBe("the connection to the server is lost");
  expect(stale.sinceMs).toBeGreaterThanOrEqual(before.atMs);
  expect([away.atMs, away.workers.length, away.unhealthy[0]?.text]).toEqual([
    stale.sinceMs,
    1,
    expect.stringMatching(/^NATS cannot be read \(127\.0\.0\.1:\d+\): the connection to the server is lost/),
  ]);
  // What was known is still there to be looked at, and no second is made up.
  expect((await dashboard.get<ActorsPage>("/api/actors")).rows.map(({ glimpse }) => glimpse)).toEqual(['{"count":1}']);
  expect((await dashboard.get<NowView>("/api/now")).atMs).toBe(stale.sinceMs);
  // Another one reads this first.
  await using late = dashboard.listen("now");
  expect((await late.next("health")).state).toBe("stale");
  expect((await late.next("now")).unhealthy[0]?.level).toBe("problem");

  await server.restart();
  const asked = troupe.actor(Counter, "c1").ask.add(1, { timeoutMs: 15_000 });
  await live.next("health", ({ state }) => state === "live");
  expect(await asked).toBe(2);
  await live.next("changes", ({ rows }) => rows.some(({ glimpse }) => glimpse === '{"count":2}'));
  const again = await live.next("now", ({ unhealthy }) => unhealthy.every(({ text }) => !text.startsWith("NATS")));
  expect(again.atMs).toBeGreaterThan(stale.sinceMs);
  expect((await dashboard.get<ActorsPage>("/api/actors")).rows.map(({ glimpse }) => glimpse)).toEqual(['{"count":2}']);
});

test("H1: a second during whose reading the connection breaks is none: the last one that was read stays", async () => {
  await using server = await startTestServer();
  await using _worker = await createWorker({ app, servers: server.url, actors: [Counter], logger: silentLogger });
  const inspector = await openInspector({ app, nats: { servers: server.url } });
  const ports = await inspector.openPorts({ app, pool: "main", partitionCount: undefined });
  const events = new EventStream();
  await using troupe = new TroupeClient(app, ports, events);
  let isToBreak = false;
  let asked = 0;
  const isReadAnew = Promise.withResolvers<void>();
  const breaking = new Proxy(inspector, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      if (name !== "lagOf") return typeof value === "function" ? value.bind(target) : value;
      return async (...question: Parameters<typeof inspector.lagOf>) => {
        const lag = await inspector.lagOf(...question);
        if (isToBreak) events.emit({ kind: "connection-lost" });
        if (isToBreak && ++asked > ports.partitionCount) isReadAnew.resolve();
        return lag;
      };
    },
  });
  await using reader = new NowReader({ troupe, inspector: breaking, clock: systemClock });
  await reader.start();
  isToBreak = true;
  const away = await new Promise<NowView>((resolve) => reader.onSecond(resolve));
  await isReadAnew.promise; // So the reading that the loss met has ended.
  expect(reader.view).toBe(away);
  expect([away.unhealthy[0]?.level, reader.health.view.sinceMs]).toEqual(["problem", away.atMs]);
});

test("a reader that is closed while a worker owes it an answer ends in peace", async () => {
  await using server = await startTestServer();
  const inspector = await openInspector({ app, nats: { servers: server.url } });
  const ports = await inspector.openPorts({ app, pool: "main", partitionCount: undefined });
  const lost: RequestOutcome = { kind: "lost", reason: "no answer in time" };
  const answer = Promise.withResolvers<RequestOutcome>();
  const isAskedAgain = Promise.withResolvers<void>();
  let asked = 0;
  // Nobody waits for one that has missed its first answer.
  const control = async () => {
    if (++asked === 1) return lost;
    isAskedAgain.resolve();
    return answer.promise;
  };
  const mail = new Proxy(ports.mail, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === "control") return control;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const troupe = new TroupeClient(app, { ...ports, mail }, new EventStream());
  await ports.cluster.put(workerKey("w-1"), Buffer.from("{}"));
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const reader = new NowReader({ troupe, inspector, clock: systemClock });
  await reader.start();
  await isAskedAgain.promise;
  await reader.close();
  await ports.mail.close();
  answer.resolve(lost);
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  await troupe.close();
  expect(unhandled).toEqual([]);
});

test("H1: a server that freezes makes it stale too, and a page goes on when it thaws", async () => {
  await using server = await startTestServer();
  await using dashboard = await openTestDashboard(server.url);
  await using live = dashboard.listen("now");
  await live.next("health", ({ state }) => state === "live");
  server.freeze();
  const { sinceMs } = await live.next("health", ({ state }) => state === "stale");
  expect((await dashboard.get<NowView>("/api/now")).atMs).toBe(sinceMs);
  server.thaw();
  await live.next("health", ({ state }) => state === "live");
  expect((await live.next("now", ({ atMs }) => atMs > sinceMs)).unhealthy[0]?.level).not.toBe("problem");
});
