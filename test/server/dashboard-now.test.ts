// The dashboard's first view, on a real server with workers in processes of their own: what it says is compared with what was
// done, also while one of them is killed or frozen.

import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { EventStream } from "../../src/core/events.ts";
import type { Labels } from "../../src/core/figures.ts";
import type { NowView, PastView } from "../../src/monitoring/dashboard/api/now.ts";
import type { WorkerSpan } from "../../src/monitoring/now-figures.ts";
import { totalIn } from "../../src/monitoring/now-figures.ts";
import { NowReader } from "../../src/monitoring/now-reader.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect, TroupeClient } from "../../src/runtime/client.ts";
import { openInspector } from "../../src/runtime/inspect.ts";
import { workerKey } from "../../src/runtime/subjects.ts";
import { Counter, Fragile } from "../support/dashboard-actors.ts";
import type { LiveReader, OpenedDashboard, WorkerProcess } from "../support/dashboard-ground.ts";
import { openTestDashboard, startDashboardWorker } from "../support/dashboard-ground.ts";
import { startTestServer } from "../support/nats-server.ts";

const app = "desk";
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const kept = <Opened extends AsyncDisposable>(each: Opened): Opened => {
  opened.push(each);
  return each;
};

async function openGround(...names: readonly string[]) {
  const server = kept(await startTestServer());
  const dashboard = kept(await openTestDashboard(server.url));
  const workers: WorkerProcess[] = [];
  for (const name of names) workers.push(kept(await startDashboardWorker(server.url, name)));
  const troupe = kept(await connect({ app, servers: server.url }));
  return { server, dashboard, workers, troupe };
}

/** Each of these workers has its share, and nobody else has anything: from here on no partition moves. */
function isShared({ workers: living, pools }: NowView, ...workers: readonly WorkerProcess[]): boolean {
  const owners = pools.flatMap(({ partitions }) => partitions.map(({ owner }) => owner));
  const share = owners.length / workers.length;
  const hasShare = ({ id }: WorkerProcess) => owners.filter((owner) => owner === id).length === share;
  return living.length === workers.length && workers.every(hasShare);
}

/** Resolves when all partitions are owned, by these workers in equal shares. */
async function whenShared(live: LiveReader, ...workers: readonly WorkerProcess[]): Promise<NowView> {
  return live.next("now", (view) => isShared(view, ...workers));
}

/** A second as it is told, and how long it was by each worker's own clock: under load none is a second long. */
interface SecondRead {
  readonly view: NowView;
  readonly spans: readonly WorkerSpan[];
}

/** Reads seconds on a connection of its own until nothing is done any more, from when `work` begins. */
async function secondsOf(url: string, work: () => Promise<unknown>): Promise<readonly SecondRead[]> {
  const inspector = await openInspector({ app, nats: { servers: url } });
  const ports = await inspector.openPorts({ app, pool: "main", partitionCount: undefined });
  await using troupe = new TroupeClient(app, ports, new EventStream());
  await using reader = new NowReader({ troupe, inspector, clock: systemClock });
  const read: SecondRead[] = [];
  let wake = Promise.withResolvers<void>();
  reader.onSecond((view) => {
    read.push({ view, spans: reader.spans });
    wake.resolve();
    wake = Promise.withResolvers();
  });
  await reader.start();
  // From here on the difference of two snapshots of each worker is known.
  while ((read.at(-1)?.spans.length ?? 0) < 2) await wake.promise;
  const from = read.length;
  await work();
  const isQuiet = () => read.length > from + 2 && read.slice(-2).every(({ view, spans }) => isIdle(view, spans));
  while (!isQuiet()) await wake.promise;
  return read.slice(from);
}

/** Cursors are saved a little later than turns end. */
const isIdle = ({ second }: NowView, spans: readonly WorkerSpan[]) =>
  spans.length === 2 && second.turnsPerS === 0 && second.lag === 0;

test("R1: what the seconds say was done is what was done, by kind, method and worker, to the last turn", async () => {
  const { server, dashboard, workers, troupe } = await openGround("blue", "green");
  await using live = dashboard.listen("now");
  await whenShared(live, ...workers);
  const counters = Array.from({ length: 40 }, (_, at) => troupe.actor(Counter, `c${at}`));
  const read = await secondsOf(server.url, () =>
    Promise.all(
      counters.flatMap((counter) => [
        ...Array.from({ length: 10 }, () => counter.ask.add(1)),
        ...Array.from({ length: 5 }, () => counter.tell.add(1)),
        ...Array.from({ length: 3 }, () => counter.ask.total()),
        counter.ask.fail("on purpose").catch(() => undefined),
      ]),
    ),
  );
  const done = (filter: Labels) =>
    read.reduce(
      (sum, { spans }) => sum + spans.reduce((own, span) => own + totalIn(span, "troupe.messages.handled", filter), 0),
      0,
    );
  expect(["ask", "tell", "query"].map((turn) => done({ turn }))).toEqual([40 * 11, 40 * 5, 40 * 3]);
  expect([done({ method: "add", turn: "ask" }), done({ method: "fail" })]).toEqual([400, 40]);
  // What is shown a second, times the seconds of each worker, is that again.
  const shown = read.flatMap(({ view, spans }) =>
    spans.map(({ worker, seconds }) => (view.workers.find((row) => row.worker === worker)?.turnsPerS ?? 0) * seconds),
  );
  expect(shown.reduce((sum, turns) => sum + turns, 0)).toBeCloseTo(40 * 19, -1);
  for (const { view, spans } of read) checkSecond(view, spans);
  const last = read.at(-1)?.view as NowView;
  expect([last.second.activations, last.second.lag]).toEqual([40, 0]);
  expect(last.workers.map(({ name, state, partitions }) => [name, state, partitions])).toEqual([
    ["blue", "serves", 4],
    ["green", "serves", 4],
  ]);
});

/** The second says together what the rows of workers and methods say apart. */
function checkSecond({ second, workers, methods }: NowView, spans: readonly WorkerSpan[]): void {
  if (spans.length === 0) return;
  const near = (sum: number, of: number | null) => expect(Math.abs(sum - (of ?? 0))).toBeLessThan(0.1);
  near(
    workers.reduce((sum, { turnsPerS }) => sum + (turnsPerS ?? 0), 0),
    second.turnsPerS,
  );
  near((second.asksPerS ?? 0) + (second.tellsPerS ?? 0) + (second.queriesPerS ?? 0), second.turnsPerS);
  near(
    methods.reduce((sum, { perS }) => sum + perS, 0),
    second.turnsPerS,
  );
  near(
    methods.reduce((sum, { failedPerS }) => sum + failedPerS, 0),
    second.failedPerS,
  );
  if (second.turnP50Ms === null) return; // No run has ended in it; what is committed in it may have run before.
  expect(second.turnP50Ms).toBeGreaterThan(0);
  expect(second.turnP99Ms).toBeGreaterThanOrEqual(second.turnP50Ms);
}

test("the seconds before are kept, and come to whoever asks", async () => {
  const { dashboard } = await openGround();
  await using live = dashboard.listen("now");
  const atMs = [(await live.next("now")).atMs, (await live.next("now")).atMs, (await live.next("now")).atMs];
  const { seconds } = await dashboard.get<PastView>("/api/now/past");
  expect(seconds.map((second) => second.atMs)).toEqual(expect.arrayContaining(atMs));
});

test("a worker that is killed with -9 is gone from the list, said to have gone without draining, and its partitions are another's", async () => {
  const { dashboard, workers } = await openGround("blue", "green");
  const [blue, green] = workers as [WorkerProcess, WorkerProcess];
  await using live = dashboard.listen("now");
  await whenShared(live, blue, green);
  await blue.kill("SIGKILL");
  // Besides, a busy machine may make the other one late now and then.
  const view = await live.next("now", (each) => isShared(each, green) && each.unhealthy.length === 1);
  expect(view.unhealthy.map(({ level, text }) => `${level}: ${text}`)).toEqual([
    expect.stringMatching(/^warning: The worker blue went .* ago without draining/),
  ]);
});

test("a worker that drains is not said to have been lost", async () => {
  const { dashboard, workers } = await openGround("blue", "green");
  const [blue, green] = workers as [WorkerProcess, WorkerProcess];
  await using live = dashboard.listen("now");
  await whenShared(live, blue, green);
  await blue.kill("SIGTERM");
  const { unhealthy } = await whenShared(live, green);
  expect(unhealthy.filter(({ text }) => text.includes("without draining"))).toEqual([]);
});

test("W1: a worker that is frozen holds up nobody's second, and is said to be silent", async () => {
  const { dashboard, workers, troupe } = await openGround("blue", "green");
  const [blue, green] = workers as [WorkerProcess, WorkerProcess];
  await using live = dashboard.listen("now");
  // What both do is known as well: of one that is seen for the first time it is not.
  await live.next(
    "now",
    (view) => isShared(view, blue, green) && view.workers.every(({ turnsPerS }) => turnsPerS === 0),
  );
  const { cluster } = troupe.ports;
  const lease = (await cluster.get(workerKey(blue.id)))?.value ?? new Uint8Array(0);
  await blue.kill("SIGSTOP");
  // Else it might be over before the silence has been long enough to be told.
  await cluster.put(workerKey(blue.id), lease);
  const isOf = (view: NowView, ...states: readonly string[]) =>
    view.workers.map(({ name, state }) => `${name} ${state}`).join() === states.join();
  const silent = await live.next("now", (view) => isOf(view, "blue silent", "green serves"));
  expect(silent.workers.map(({ turnsPerS }) => turnsPerS)).toEqual([null, 0]);
  expect(silent.unhealthy[0]?.text).toMatch(/^The worker blue has not answered for .*, though its lease stands/);
  // As long as its lease stands the other's seconds come each second.
  const gapsMs: number[] = [];
  for (let before = silent; gapsMs.length < 3; ) {
    const next = await live.next("now", (view) => isOf(view, "blue silent", "green serves"));
    gapsMs.push(next.atMs - before.atMs);
    before = next;
  }
  // Held up, each takes the two seconds that an answer may take. That one is late is for a busy machine to make up for.
  expect(Math.min(...gapsMs)).toBeLessThan(1_900);
  await cluster.put(workerKey(blue.id), lease, { ttlMs: 1_000 });
  await whenShared(live, green);
  // This client may hear later than the dashboard whose the partition is: what went to the frozen one is lost, and asked again.
  expect(await troupe.actor(Counter, "c1").ask.add(1, { idempotencyKey: "once" })).toBe(1);
});

test("what somebody must know stands first: stopped actors, dead letters, actors that fail, what waits", async () => {
  const { dashboard, workers, troupe } = await openGround("blue");
  await using live = dashboard.listen("now");
  await whenShared(live, ...workers);
  const dead = await failUntilTold(dashboard, live, troupe);
  await troupe.actor(Fragile, "f1").tell.break();
  for (let sent = 0; sent < 3; sent += 1) await troupe.actor(Fragile, "f1").tell.write("waits");
  // Each is learnt in another way, and none waits for the others.
  const wanted = [
    /^\/actors\?only=stopped: 1 actor is stopped, as fragile\/f1/,
    /only=failing: Turns of 2 actors have failed in the last minutes/,
    new RegExp(`^/messages/dead: ${dead} messages? could not be handled`),
  ];
  await live.next("now", ({ unhealthy, second }) => {
    const told = unhealthy.map(({ where, text }) => `${where}: ${text}`);
    // That the messages wait is told before them, when they have waited for long enough.
    const first = told.filter((text) => !text.startsWith("/messages: 4 messages wait")).slice(0, wanted.length);
    return second.lag >= 4 && wanted.every((text, at) => text.test(first[at] ?? ""));
  });
  await checkStopped(dashboard);
});

/**
 * A worker tells of failures from when it has heard that somebody wants to know, a moment after it is seen. Resolves when it has told of
 * one, with how many messages to `c1` have failed.
 */
async function failUntilTold(dashboard: OpenedDashboard, live: LiveReader, troupe: Troupe): Promise<number> {
  for (let sent = 1; ; sent += 1) {
    await troupe.actor(Counter, "c1").tell.fail("on purpose");
    await live.next("now");
    if ((await failingIn(dashboard)).length > 0) return sent;
  }
}

/** Ids of the actors that have failed lately. */
async function failingIn(dashboard: OpenedDashboard): Promise<readonly string[]> {
  const { rows } = await dashboard.get<{ rows: readonly { id: string }[] }>("/api/actors?only=failing&sort=key");
  return rows.map(({ id }) => id);
}

async function checkStopped(dashboard: OpenedDashboard): Promise<void> {
  const stopped = await dashboard.get<{ rows: readonly { id: string }[] }>("/api/actors?only=stopped");
  expect(stopped.rows.map(({ id }) => id)).toEqual(["f1"]);
  expect(await failingIn(dashboard)).toEqual(["c1", "f1"]);
  const mailbox = await dashboard.get<{ waiting: number; letters: readonly { method: string; input: string }[] }>(
    "/api/actors/fragile/f1/mailbox",
  );
  expect([mailbox.waiting, mailbox.letters.map(({ method, input }) => `${method} ${input}`)]).toEqual([
    4,
    ["break ", 'write "waits"', 'write "waits"', 'write "waits"'],
  ]);
}
