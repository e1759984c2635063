// Actors on the dashboard, on a real server: found among many, looked at and looked back at; what is asked for wrongly is refused.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { keyOf } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/core/log.ts";
import { agentStatus, agentStatusId } from "../../src/memory/state-agent.ts";
import type {
  ActorScopesView,
  ActorsNow,
  ActorsPage,
  ActorView,
  HistoryView,
  MailboxView,
} from "../../src/monitoring/dashboard/api/actors.ts";
import type { Problem } from "../../src/monitoring/dashboard/api/page.ts";
import { clientsMax } from "../../src/monitoring/dashboard/live-hub.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { Counter, Diary, Fragile } from "../support/dashboard-actors.ts";
import type { OpenedDashboard } from "../support/dashboard-ground.ts";
import { openTestDashboard } from "../support/dashboard-ground.ts";
import type { TestServer } from "../support/nats-server.ts";
import { startTestServer } from "../support/nats-server.ts";

const app = "desk";
const many = 3_000;
let server: TestServer;
let dashboard: OpenedDashboard;
let troupe: Troupe;
const closing: AsyncDisposable[] = [];

beforeAll(async () => {
  server = await startTestServer();
  dashboard = await openTestDashboard(server.url);
  troupe = await connect({ app, servers: server.url });
  const actors = [Counter, Diary, Fragile];
  const worker = await createWorker({ app, servers: server.url, name: "blue", actors, logger: silentLogger });
  closing.push(server, dashboard, troupe, worker);
  await using live = dashboard.listen("now");
  for (let from = 0; from < many; from += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, at) => writeActor(`many`, `m${from + at}`, { at: from + at })));
  }
  await live.next("now", ({ second, workers }) => second.unownedPartitions === 0 && workers.length === 1);
  // The index hears of them in a moment.
  const areListed = async () => expect((await find({ type: "many" })).total).toBe(many);
  await vi.waitFor(areListed, { timeout: 60_000 });
}, 120_000);

afterAll(async () => {
  for (const each of closing.reverse()) await each[Symbol.asyncDispose]();
});

/** A committed value, as a worker writes it. */
async function writeActor(type: string, id: string, state: object, more = ""): Promise<number> {
  const text = `{"state":${JSON.stringify(state)},"sent":1${more},"schema":1,"epoch":1,"commit":"c-1"}`;
  return troupe.ports.state.put(keyOf({ type, id }), Buffer.from(text));
}

const find = (query: Readonly<Record<string, string>>) =>
  dashboard.get<ActorsPage>(`/api/actors?${new URLSearchParams(query)}`);
const idsOf = ({ rows }: ActorsPage) => rows.map(({ id }) => id);

/** All pages of a query. */
async function findAll(query: Readonly<Record<string, string>>, between?: () => Promise<unknown>): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: ActorsPage = await find({ ...query, ...(cursor === "" ? {} : { cursor }) });
    ids.push(...idsOf(page));
    cursor = page.cursor;
    await between?.();
  }
  return ids;
}

test("all actors are found in pages, each once and in order, by key, by size and by change", async () => {
  const truth = (await troupe.list("many.*")).map((key) => key.slice("many.".length));
  expect(await findAll({ type: "many", sort: "key", limit: "200" })).toEqual(truth);
  for (const sort of ["bytes", "changed"]) {
    const ids = await findAll({ type: "many", sort, limit: "190" });
    expect([ids.length, new Set(ids).size], sort).toEqual([many, many]);
  }
  const page = await find({ type: "many", sort: "key", limit: "7", search: "M1" });
  const matching = truth.filter((id) => id.startsWith("m1"));
  expect([page.total, idsOf(page), page.types.many, page.isComplete]).toEqual([
    matching.length,
    matching.slice(0, 7),
    many,
    true,
  ]);
});

test("X3: who pages while actors change misses none that stood still", async () => {
  const ids = await findAll({ type: "many", sort: "changed", limit: "200" }, async () => {
    for (let at = 0; at < 5; at += 1) await writeActor("many", `m${at}`, { at, is: "changed" });
  });
  const still = Array.from({ length: many - 5 }, (_, at) => `m${at + 5}`);
  expect(still.filter((id) => !ids.includes(id))).toEqual([]);
});

test("one actor: its state, where it lives, its timers, its history as patches, and what waits for it", async () => {
  const id = "a/b c.d=ü";
  const path = `/api/actors/counter/${encodeURIComponent(id)}`;
  const counter = troupe.actor(Counter, id);
  for (const n of [1, 2, 3]) await counter.ask.add(n);
  await using live = dashboard.listen("now");
  await live.next("now");
  const view = await dashboard.get<ActorView>(path);
  const { revision } = (await counter.get()) ?? { revision: 0 };
  expect(view).toMatchObject({
    ...{ type: "counter", id, revision, state: { count: 6 }, glimpse: '{"count":6}', schema: 1, pool: "main" },
    ...{ ownerName: "blue", stopped: null, timers: [], isStopped: false, pendingSends: 0 },
  });
  const { revisions } = await dashboard.get<HistoryView>(`${path}/history`);
  expect(revisions.map(({ state, patch }) => [state, patch])).toEqual([
    [{ count: 1 }, [{ op: "add", path: "", value: { count: 1 } }]],
    [{ count: 3 }, [{ op: "replace", path: "/count", value: 3 }]],
    [{ count: 6 }, [{ op: "replace", path: "/count", value: 6 }]],
  ]);
  expect(revisions.at(-1)?.revision).toBe(revision);
  expect(await dashboard.get<MailboxView>(`${path}/mailbox`)).toEqual({ waiting: 0, letters: [] });
  await troupe.actor(Fragile, "f1").ask.remind("now");
  const fragile = await dashboard.get<ActorView>("/api/actors/fragile/f1");
  const [timer] = fragile.timers;
  expect([timer?.name, timer?.method, Math.abs((timer?.nextMs ?? 0) - Date.now() - 3_600_000) < 60_000]).toEqual([
    ...["reminder", "write", true],
  ]);
});

test("all scopes that an actor is known to remember in can be chosen, also after a commit that wrote to none", async () => {
  const diary = troupe.actor(Diary, "ann@example.org");
  const scopesOf = async (id: string) =>
    (await dashboard.get<ActorScopesView>(`/api/actors/diary/${encodeURIComponent(id)}/scopes`)).scopes;
  expect(await scopesOf("nobody")).toEqual([]);
  await diary.ask.whisper("not for everybody");
  await diary.ask.note("for everybody");
  await diary.ask.note("and more");
  await diary.ask.leafThrough();
  const user = "user.ann=40example=2Eorg";
  // What a commit remembers is stored after it.
  const isRead = async () => expect(await scopesOf("ann@example.org")).toEqual([user, `${user}.session.secret`]);
  await vi.waitFor(isRead, { timeout: 60_000 });
  const found = await dashboard.get<{ rows: readonly { scope: string }[] }>("/api/memory/scopes?search=Ann@Example");
  expect(found.rows.map(({ scope }) => scope).sort()).toEqual([user, `${user}.session.secret`]);
});

test("an actor whose id is dots has an address, and those that are named are answered as they are now", async () => {
  for (const id of ["..", "~x"]) {
    const revision = await writeActor("many", id, { of: id });
    const path = `/api/actors/many/~${id}`;
    expect(await dashboard.get<ActorView>(path)).toMatchObject({ id, revision, state: { of: id } });
  }
  await using live = dashboard.listen("changes", "many.m7");
  await live.next("health");
  const revision = await writeActor("many", "m7", { at: "now" });
  await live.next("changes", ({ rows }) => rows[0]?.revision === revision);
  const { rows } = await dashboard.get<ActorsNow>("/api/actors-now?keys=many.m7,many.nobody,many.m8");
  expect(rows.map(({ id, revision: at }) => [id, at === revision])).toEqual([
    ["m7", true],
    ["m8", false],
  ]);
});

test("L4: who only asks for the head of the live stream takes nobody's place", async () => {
  const heads = Array.from({ length: clientsMax + 1 }, async () => {
    const { status } = await fetch(`${dashboard.url}/api/live?topics=now`, { method: "HEAD" });
    return status;
  });
  expect(new Set(await Promise.all(heads))).toEqual(new Set([200]));
  await using live = dashboard.listen("now");
  await live.next("now");
});

test("no path leads out of the folder of the page", async () => {
  const { hostname, port } = new URL(dashboard.url);
  const paths = [
    "/../package.json",
    "/assets/../../../package.json",
    "/assets/..%2f..%2f..%2fpackage.json",
    "/%2e%2e/package.json",
  ];
  for (const path of [...paths, "//etc/passwd", "/assets/%00.js", "/..%5cpackage.json"]) {
    // As it stands: `fetch` would take the dots out.
    const [response] = (await once(request({ hostname, port, path }).end(), "response")) as [IncomingMessage];
    const body = await text(response);
    expect(body, path).not.toMatch(/"scripts"|root:/);
    expect([200, 400, 404, 503], path).toContain(response.statusCode);
  }
});

test("an actor that is deleted leaves the list", async () => {
  await using live = dashboard.listen("changes", "gone.*");
  await live.next("health"); // From here on it is heard.
  await writeActor("gone", "g1", { text: "here" });
  await live.next("changes", ({ rows }) => rows.length === 1);
  expect(idsOf(await find({ type: "gone" }))).toEqual(["g1"]);
  await troupe.ports.state.delete("gone.g1");
  await writeActor("gone", "g2", { text: "later" });
  await live.next("changes", ({ rows }) => rows.some(({ id }) => id === "g2"));
  expect([idsOf(await find({ type: "gone" })), (await find({})).types.gone]).toEqual([["g2"], 1]);
});

test("a value that is none of ours is listed by its beginning, and looked at it says what is wrong", async () => {
  await using live = dashboard.listen("changes", "odd.o1");
  await live.next("health");
  await troupe.ports.state.put("odd.o1", Buffer.from("<b>no snapshot</b>"));
  await live.next("changes", ({ rows }) => rows[0]?.glimpse === "<b>no snapshot</b>");
  const response = await fetch(`${dashboard.url}/api/actors/odd/o1`);
  const { code, remedy } = (await response.json()) as Problem;
  expect([response.status, code, remedy.includes("nats kv get")]).toEqual([409, "STATE_UNREADABLE", true]);
});

test("what an agent is doing by the central state store stands in its row, and goes with it", async () => {
  await writeActor("agent", "a b", { text: "here" });
  const agents = (await troupe.states("agent.a")).of(agentStatus);
  const id = agentStatusId({ type: "agent", id: "a b" });
  // The bucket has just been made: it is looked for every two seconds, the seconds are what one can wait by.
  await using live = dashboard.listen("now");
  const statusIs = async (wanted: string) => {
    for (;;) {
      const { rows } = await find({ type: "agent" });
      if (rows[0]?.status === wanted) return (await dashboard.get<ActorView>("/api/actors/agent/a%20b")).status;
      await live.next("now");
    }
  };
  await agents.create(id, {});
  await agents.transition(id, "start");
  expect(await statusIs("working")).toBe("working");
  await agents.transition(id, "fail");
  expect(await statusIs("failed")).toBe("failed");
});

test("P10: what is asked for wrongly gets a code, the value and the remedy", async () => {
  const wrong: readonly (readonly [path: string, status: number, code: string, part: string])[] = [
    ["/api/actors?limit=0", 400, "OPTION_INVALID", '`limit` takes a whole number from 1 to 200, got "0"'],
    ["/api/actors?limit=1e9", 400, "OPTION_INVALID", '"1e9"'],
    ["/api/actors?sort=age", 400, "OPTION_INVALID", '`sort` is one of changed, key, bytes; got "age"'],
    ["/api/actors?only=happy", 400, "OPTION_INVALID", '"happy"'],
    ["/api/actors?type=a&type=b", 400, "OPTION_INVALID", "may be given once, got 2"],
    [`/api/actors?search=${"x".repeat(501)}`, 400, "OPTION_INVALID", "at most 500 characters, got 501"],
    ["/api/actors?cursor=key~0~counter.c1&sort=bytes", 400, "OPTION_INVALID", '"key~0~counter.c1"'],
    ["/api/actors/counter/nobody", 404, "NOT_FOUND", "counter/nobody"],
    ["/api/actors/9/nobody", 400, "NAME_INVALID", '"9"'],
    [`/api/actors/counter/${"x".repeat(300)}`, 400, "ID_INVALID", "256"],
    ["/api/live", 400, "OPTION_INVALID", "`topics` is missing"],
    ["/api/live?topics=now,gossip", 400, "OPTION_INVALID", '"gossip"'],
    ["/api/live?topics=now&pattern=a..b", 400, "KEY_INVALID", "a..b"],
    ["/api/nothing", 404, "NOT_FOUND", "/api/nothing"],
  ];
  for (const [path, status, code, part] of wrong) {
    const response = await fetch(dashboard.url + path);
    const problem = (await response.json()) as Problem;
    expect([response.status, problem.code, problem.remedy !== ""], path).toEqual([status, code, true]);
    expect(problem.message, path).toContain(part);
  }
});
