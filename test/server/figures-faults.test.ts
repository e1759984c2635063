// The figures of workers that are killed, frozen, cut off and refused by the server. What is true is read off the server's streams, or
// measured here: no event of the workers is looked at.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import type { FigureName } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot, Labels } from "../../src/core/figures.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { Troupe } from "../../src/index.ts";
import { connect, createWorker, silentLogger } from "../../src/index.ts";
import { figuresOf } from "../../src/runtime/control.ts";
import { within } from "../contract/mail-support.ts";
import { committedState } from "../contract/runtime-support.ts";
import { histogramOf, sumOf } from "../support/figure-sums.ts";
import { Brief, Herald, longNote, Tally } from "../support/figures-actors.ts";
import { startTestServer } from "../support/nats-server.ts";
import { OwnershipRecord } from "../support/ownership-record.ts";
import { waitUntilStopped } from "../support/stopped-process.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const app = "faulty";
const partitions = 12;
/** What lies between the record of a partition and its being served, on a busy machine. Unit: ms. */
const beginMsMax = 2_000;

interface Process extends AsyncDisposable {
  readonly id: string;
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
}

async function startProcess(url: string): Promise<Process> {
  const script = fileURLToPath(new URL("../support/figures-worker.ts", import.meta.url));
  const child = spawn(process.execPath, [script, url, app], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const end = async () => {
    child.kill("SIGKILL");
    await gone;
  };
  const id = line.toString().trim();
  return { id, pid: child.pid, kill: (signal) => child.kill(signal), [Symbol.asyncDispose]: end };
}

/** Many at once may be at work on the machine. */
const expectSoon = <Value>(read: () => Value) => expect.poll(read, { timeout: 10_000 });

const codeOf = (asking: Promise<unknown>): Promise<string> =>
  asking.then(
    () => "ok",
    (thrown: { readonly code: string }) => thrown.code,
  );

/** An actor whose partition is one of these. */
function idIn(held: readonly number[], type = "tally"): string {
  const ids = Array.from({ length: 1_000 }, (_, at) => `t${at}`);
  const found = ids.find((id) => held.includes(partitionOf(type, id, partitions)));
  if (found === undefined) throw new Error("none of a thousand");
  return found;
}

async function setLimits(manager: JetStreamManager, stream: string, limits: Partial<StreamConfig>): Promise<void> {
  const { config } = await manager.streams.info(stream);
  await manager.streams.update(stream, { ...config, ...limits });
}

test("figures are true through a kill -9, a freeze, a cut and a full disk", async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  await using troupe = await connect({ servers: server.url, app, partitions, figures: true });
  await using record = await OwnershipRecord.open(server.url, app);
  await using blue = await startProcess(server.url);
  await using green = await startProcess(server.url);
  await using red = await createWorker({
    servers: proxy.url,
    app,
    actors: [Tally, Herald, Brief],
    logger: silentLogger,
  });
  const figures = async () => {
    const ofGreen = await figuresOf(troupe.ports.mail, green.id, 5_000);
    if (typeof ofGreen === "string") throw new Error(ofGreen);
    return { green: ofGreen, red: red.figures() };
  };
  // In the bucket a partition is taken before it is served, and given back before its owner, who counts it, knows of that.
  const shared = async (...workers: readonly { readonly id: string }[]) => {
    await record.until("all have their share", () =>
      workers.every(({ id }) => record.heldBy(id).length === partitions / workers.length),
    );
    const told = async () => Object.values(await figures()).map(ownershipOf);
    await expectSoon(told).toEqual([green, red].map(({ id }) => ownershipIn(record, id)));
  };
  await shared(blue, green, red);

  const killedAtMs = Date.now();
  blue.kill("SIGKILL");
  await shared(green, red);
  expect(killedAtMs - record.lastSignMs(blue.id)).toBeLessThan(3_000); // Its lease.

  const timer = await freeze(troupe, record, green, red.id);
  await shared(green, red);

  const held = record.heldBy(red.id).length;
  proxy.refuse();
  await record.until("who is cut off has none", () => record.heldBy(red.id).length === 0);
  proxy.heal();
  await shared(green, red);
  const watchLagMs = await lagOfWatch(troupe, record, red, green.id, proxy);

  const { green: ofGreen, red: ofRed } = await figures();
  checkOwnership(ofGreen, record, green.id);
  checkOwnership(ofRed, record, red.id);
  expect(sumOf(ofRed, "troupe.partitions.lost")).toBe(held);
  expect(sumOf(ofRed, "troupe.connection.lost")).toBe(1);
  const { sum: lateS } = histogramOf(ofRed, "troupe.timer.late", { type: "tally" });
  expect(sumOf(ofRed, "troupe.timer.late", { type: "tally" })).toBe(1);
  expect(lateS * 1_000).toBeGreaterThan(timer.lateMsMin);
  expect(lateS * 1_000).toBeLessThanOrEqual(timer.lateMsMax);
  const { max: lagS } = histogramOf(ofRed, "troupe.watch.lag", { bucket: "state" });
  expect(lagS * 1_000).toBeGreaterThan(watchLagMs.least);
  expect(lagS * 1_000).toBeLessThanOrEqual(watchLagMs.most);

  await using nats = Object.assign(await connectNats({ servers: server.url }), {
    [Symbol.asyncDispose]: async () => nats.close(),
  });
  const sumNow = async (name: FigureName, labels: Labels = {}) => {
    const all = await figures();
    return sumOf(all.green, name, labels) + sumOf(all.red, name, labels);
  };
  await checkFull(troupe, await jetstreamManager(nats), sumNow);
  await checkTheRest(troupe, sumNow);
});

type SumNow = (name: FigureName, labels?: Labels) => Promise<number>;

/** Freezes a worker until another has all that it had, with a timer that is due meanwhile; by how much that one was late. */
async function freeze(troupe: Troupe, record: OwnershipRecord, frozen: Process, heir: string) {
  const afterMs = 1_500; // In which a busy machine has stopped it, and less than others need to notice after a sign of life.
  const had = record.heldBy(frozen.id);
  const signMs = record.lastSignMs(frozen.id);
  await record.until("it has given a sign of life just now", () => record.lastSignMs(frozen.id) > signMs);
  const actor = troupe.actor(Tally, idIn(had));
  const setFromMs = Date.now();
  await actor.ask.ringIn(afterMs);
  const setUntilMs = Date.now();
  frozen.kill("SIGSTOP");
  waitUntilStopped(frozen);
  await record.until("the heir has all", () => had.every((partition) => record.heldBy(heir).includes(partition)));
  const taken = record
    .ownersOf(heir)
    .findLast(({ partition }) => partition === partitionOf("tally", actor.id, partitions));
  const takenAtMs = taken?.takenAtMs ?? Number.NaN;
  await committedState(actor, ({ rung }) => rung === 1);
  const rungUntilMs = Date.now();
  frozen.kill("SIGCONT"); // Not before: it would get its partitions back at once.
  expect(takenAtMs - setFromMs).toBeGreaterThan(afterMs);
  // Its turn began after the partition was taken, and before what it did was seen.
  return { lateMsMin: takenAtMs - setUntilMs - afterMs, lateMsMax: rungUntilMs - setFromMs - afterMs };
}

/** What a watch of one worker has late, since what goes to it is held up. */
async function lagOfWatch(
  troupe: Troupe,
  record: OwnershipRecord,
  { ports }: Troupe,
  other: string,
  proxy: Awaited<ReturnType<typeof startTcpProxy>>,
) {
  const heldMsMin = 300;
  await using watcher = await ports.state.watch("tally.*", { from: "now" });
  const actor = troupe.actor(Tally, idIn(record.heldBy(other)));
  const fromMs = Date.now();
  proxy.hold("to-client");
  await actor.ask.add(1);
  const committedMs = Date.now();
  while (Date.now() < committedMs + heldMsMin) await actor.ask.total();
  proxy.heal();
  const seen = (async () => {
    for await (const change of watcher) if (change.kind === "entry") return;
  })();
  await within("the watch sees it", seen);
  return { least: heldMsMin - 2, most: Date.now() - fromMs };
}

/** How many partitions a worker has taken, given back and lost, and owns, as it says. */
const ownershipOf = (figures: FiguresSnapshot): readonly number[] =>
  (["taken", "given", "lost", "owned"] as const).map((what) =>
    sumOf(figures, `troupe.partitions.${what}`, { pool: "main" }),
  );

/** The same as the bucket has it. */
function ownershipIn(record: OwnershipRecord, worker: string): readonly number[] {
  const all = record.ownersOf(worker);
  const ended = (how: "given" | "lost") => all.filter(({ end }) => end === how).length;
  return [all.length, ended("given"), ended("lost"), record.heldBy(worker).length];
}

/** Partitions that were taken, given back and lost, and for how long they had no owner, as the bucket has it. */
function checkOwnership(figures: FiguresSnapshot, record: OwnershipRecord, worker: string): void {
  expect(ownershipOf(figures)).toEqual(ownershipIn(record, worker));
  const gaps = record
    .ownersOf(worker)
    .flatMap(({ takenAtMs, freeSinceMs }) => (freeSinceMs === undefined ? [] : [takenAtMs - freeSinceMs]));
  const { counts, sum, max } = histogramOf(figures, "troupe.partition.ownerless", { pool: "main" });
  expect(counts.reduce((total, count) => total + count, 0)).toBe(gaps.length);
  const gapMs = gaps.reduce((total, gap) => total + gap, 0);
  expect(sum * 1_000).toBeGreaterThanOrEqual(gapMs - 2 * gaps.length); // Clocks count whole milliseconds.
  expect(sum * 1_000).toBeLessThanOrEqual(gapMs + beginMsMax * gaps.length);
  expect(max * 1_000).toBeGreaterThanOrEqual(Math.max(...gaps) - 2);
}

/** No room for values, then none for messages. */
async function checkFull(troupe: Troupe, manager: JetStreamManager, sumNow: SumNow): Promise<void> {
  const [state, mail] = [`KV_${app}_state`, `${app}_mail`];
  const before = await sumNow("troupe.messages.handled", { turn: "tell" });
  const { state: stored } = await manager.streams.info(state);
  await setLimits(manager, state, { max_bytes: stored.bytes });
  const asked = Array.from({ length: 5 }, (_, at) => codeOf(troupe.actor(Tally, `full${at}`).ask.add(1)));
  expect(new Set(await Promise.all(asked))).toEqual(new Set(["COMMIT_REFUSED"]));
  await troupe.actor(Tally, "told").tell.add(1);
  await expectSoon(() => sumNow("troupe.commits.failed", { reason: "refused" })).toBeGreaterThanOrEqual(6);
  expect(await sumNow("troupe.messages.handled", { turn: "tell" })).toBe(before);
  await setLimits(manager, state, { max_bytes: -1 });
  await expectSoon(() => sumNow("troupe.messages.handled", { turn: "tell" })).toBe(before + 1);
  expect(await sumNow("troupe.messages.handled", { code: "COMMIT_REFUSED" })).toBe(5);
  expect(await sumNow("troupe.turns", { turn: "tell", method: "add", code: "ok" })).toBeGreaterThan(1);
  expect(await troupe.actor(Tally, "told").ask.total()).toBe(1);

  // There is room for the wake that precedes the commit, and for none of the three that it sends.
  await setLimits(manager, mail, { max_msg_size: longNote.length });
  await troupe.actor(Herald, "h").ask.tell(["a", "b", "c"]);
  await expectSoon(() => sumNow("troupe.outbox.pending")).toBe(3);
  expect(await codeOf(troupe.actor(Tally, "a").tell.note(longNote))).toBe("TELL_REFUSED");
  const toldByActors = () => sumNow("troupe.messages.told", { by: "actor", type: "tally", code: "ok" });
  expect(await toldByActors()).toBe(0);
  await setLimits(manager, mail, { max_msg_size: -1 });
  await expectSoon(() => sumNow("troupe.outbox.pending")).toBe(0);
  expect(await toldByActors()).toBe(3);
  const own = troupe.figures();
  expect(sumOf(own, "troupe.messages.told", { code: "TELL_REFUSED" })).toBe(1);
  expect(sumOf(own, "troupe.messages.told", { code: "ok" })).toBe(1);
  expect(sumOf(own, "troupe.messages.asked", { code: "COMMIT_REFUSED" })).toBe(5);
}

/** What needs nothing to break. */
async function checkTheRest(troupe: Troupe, sumNow: SumNow): Promise<void> {
  const { state } = troupe.ports;
  const actor = troupe.actor(Tally, "told");
  const text = Buffer.from((await state.get("tally.told"))?.value ?? []).toString();
  await state.put("tally.told", Buffer.from(text.replace(/"commit":"[^"]*"/, '"commit":"another"')));
  expect(await actor.ask.add(1)).toBe(2);
  expect(await sumNow("troupe.commits.failed", { type: "tally", reason: "superseded" })).toBe(1);
  expect(await sumNow("troupe.conflicts", { bucket: "state", of: "tally" })).toBe(1);

  await Promise.all(["a", "b", "c"].map((id) => troupe.actor(Brief, id).ask.see()));
  await expectSoon(() => sumNow("troupe.passivated", { type: "brief", reason: "idle" })).toBe(3);
  const stop = new AbortController();
  const hanging = expect(actor.ask.hang(undefined, { signal: stop.signal })).rejects.toThrow("enough");
  await committedState(troupe.actor(Brief, "witness"), ({ seen }) => seen === 1); // So its turn runs.
  stop.abort(new Error("enough"));
  await hanging;
  await expectSoon(() => sumNow("troupe.messages.withdrawn", { method: "hang", was: "running" })).toBe(1);

  const { entries, facts } = await troupe.ports.openMemory();
  const memory = await troupe.memory();
  await memory.facts({ user: "anna" }).set("city", "Oslo");
  const [key = ""] = await facts.list(">");
  expect((await facts.update(key, Buffer.from("1"), 0)).kind).toBe("conflict");
  expect((await facts.update(key, Buffer.from("2"), 0)).kind).toBe("conflict");
  const log = memory.log({ user: "anna" });
  await log.append({ text: "likes fjords" });
  const [logged = ""] = await entries.list("user.>");
  expect((await entries.update(logged, Buffer.from("3"), 0)).kind).toBe("conflict");
  const own = troupe.figures();
  expect(sumOf(own, "troupe.conflicts", { bucket: "facts", of: "user" })).toBe(2);
  expect(sumOf(own, "troupe.conflicts", { bucket: "memory", of: "user" })).toBe(1);
}
