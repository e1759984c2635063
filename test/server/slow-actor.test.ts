// Actors that are slow while much is told to them: what they cost their worker, a process of its own, and whom they delay.

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { shareBytesMin, tellBytesMax } from "../../src/actors/mail-budget.ts";
import type { ActorRef, Troupe } from "../../src/index.ts";
import { connect } from "../../src/index.ts";
import { startTestServer } from "../support/nats-server.ts";
import { runScript } from "../support/script-run.ts";
import { Quick, Slow } from "../support/slow-worker.ts";

const script = fileURLToPath(new URL("../support/slow-worker.ts", import.meta.url));
const padding = "x".repeat(300);
/** Tells of a client that are under way at most. */
const tellsAtOnce = 1_024;
/** A message takes more than its payload: what it is counted as, and this times as much. */
const overhead = 2;
const mebibyte = 1_048_576;

async function openStage(mailboxBytesMax?: number) {
  const opened = new AsyncDisposableStack();
  const server = opened.use(await startTestServer());
  const args = [server.url, ...(mailboxBytesMax === undefined ? [] : [String(mailboxBytesMax)])];
  const worker = opened.use(runScript(script, {}, args, ["--expose-gc"]));
  expect(await worker.next()).toBe("serving");
  const client = opened.use(await connect({ servers: server.url, partitions: 1 }));
  return { client, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Tells each actor so many messages, in order. */
async function tellAll(client: Troupe, actors: number, perActor: number): Promise<void> {
  const refs = Array.from({ length: actors }, (_, at) => client.actor(Slow, `s${at}`));
  let underWay: Promise<unknown>[] = [];
  for (let n = 0; n < perActor; n += 1) {
    for (const ref of refs) {
      underWay.push(ref.tell.take({ n, isLast: n === perActor - 1, padding }));
      if (underWay.length < tellsAtOnce) continue;
      await Promise.all(underWay);
      underWay = [];
    }
  }
  await Promise.all(underWay);
}

/** What a machine may add on which others were at work in one of two measurements; behind so many messages it is seconds. Unit: ms. */
const busyMs = 50;

type Neighbour = ActorRef<{ count: number; done: number }, typeof Quick.methods>;

/** Resolves when a committed state of the neighbour fits. */
async function untilState(neighbour: Neighbour, fits: (state: { count: number; done: number }) => boolean) {
  for await (const change of neighbour.watch()) {
    if (change.kind === "committed" && fits(change.state)) return;
  }
}

/** Medians over so many asks, and tells until their effect is seen. Unit: ms. */
async function timesOf(neighbour: Neighbour, rounds: number) {
  const [asks, tells]: [number[], number[]] = [[], []];
  await neighbour.ask.add(1);
  const changes = neighbour.watch()[Symbol.asyncIterator]();
  await changes.next();
  for (let at = 0; at < rounds; at += 1) {
    const startMs = performance.now();
    await neighbour.ask.add(1);
    const askedMs = performance.now();
    await changes.next();
    const tellMs = performance.now();
    await neighbour.tell.add(1);
    await changes.next();
    asks.push(askedMs - startMs);
    tells.push(performance.now() - tellMs);
  }
  await changes.return?.();
  const median = (times: number[]) => times.sort((a, b) => a - b)[rounds >> 1] ?? 0;
  return { askMs: median(asks), tellMs: median(tells) };
}

test("B2: 100,000 messages that wait for a slow actor cost its worker one mailbox, and delay no neighbour; then all are applied, once and in order", async () => {
  const messages = 100_000;
  await using stage = await openStage();
  const neighbour = stage.client.actor(Quick, "neighbour");
  await timesOf(neighbour, 200);
  const alone = await timesOf(neighbour, 300);
  const before = await neighbour.ask.heldBytes();
  await tellAll(stage.client, 1, messages);
  // What is told now comes behind all of that in the partition: when it has an effect the worker has read it all.
  const beside = await timesOf(neighbour, 300);
  const grown = (await neighbour.ask.heldBytes()) - before;
  expect(grown).toBeLessThan(overhead * tellBytesMax + 4 * mebibyte);
  expect(beside.askMs).toBeLessThan(Math.max(8 * alone.askMs, busyMs));
  expect(beside.tellMs).toBeLessThan(Math.max(8 * alone.tellMs, busyMs));
  await neighbour.ask.openGate();
  await untilState(neighbour, ({ done }) => done === 1);
  expect((await stage.client.actor(Slow, "s0").get())?.state).toEqual({ next: messages, faults: 0 });
}, 300_000);

test("G1: many slow actors together hold no more than the worker's budget; then all is applied, once and in order", async () => {
  const [actors, perActor, budget] = [200, 300, 2 * mebibyte];
  await using stage = await openStage(budget);
  const neighbour = stage.client.actor(Quick, "neighbour");
  await timesOf(neighbour, 100);
  const before = await neighbour.ask.heldBytes();
  await tellAll(stage.client, actors, perActor);
  await timesOf(neighbour, 10);
  const grown = (await neighbour.ask.heldBytes()) - before;
  expect(grown).toBeLessThan(overhead * (budget + actors * shareBytesMin) + 8 * mebibyte);
  await neighbour.ask.openGate();
  await untilState(neighbour, ({ done }) => done === actors);
  for (let at = 0; at < actors; at += 1) {
    const slow = await stage.client.actor(Slow, `s${at}`).get();
    expect(slow?.state).toEqual({ next: perActor, faults: 0 });
  }
}, 300_000);
