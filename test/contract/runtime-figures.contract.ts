// What a worker says about itself: figures that are right, on its control subject too, and a feed for whoever asks.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { encodeText } from "../../src/core/codec.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { seriesKey, since } from "../../src/core/figures.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { figuresOf, wishFeed } from "../../src/runtime/control.ts";
import { openFeed } from "../../src/runtime/feed.ts";
import type { FeedBatch, WorkerFeedItem } from "../../src/runtime/feed-item.ts";
import { readBatch } from "../../src/runtime/feed-item.ts";
import { figureFaults } from "../support/naive-figures.ts";
import { patienceMs, within } from "./mail-support.ts";
import { counter, relay } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { eventOf, eventsOf, Gate, partitions, rejection, Stage, untilCount } from "./runtime-support.ts";

/** Everything that happens there from now on. */
function recorded({ events }: Troupe): readonly RuntimeEvent[] {
  const seen: RuntimeEvent[] = [];
  events.listen((event) => seen.push(event));
  return seen;
}

/** The items of a feed, and a wait for one that fits. */
function collector() {
  const items: WorkerFeedItem[] = [];
  const batches: FeedBatch[] = [];
  let look = () => {};
  const onBatch = (batch: FeedBatch) => {
    batches.push(batch);
    items.push(...batch.items);
    look();
  };
  const itemOf = (fits: (item: WorkerFeedItem) => boolean): Promise<WorkerFeedItem> =>
    within(
      "an item of the feed",
      new Promise((resolve) => {
        look = () => {
          const found = items.find(fits);
          if (found !== undefined) resolve(found);
        };
        look();
      }),
    );
  return { items, batches, onBatch, itemOf };
}

export function runtimeFiguresContract(name: string, open: OpenRuntime): void {
  test(`${name}: a worker's figures are those of what happened, whoever asks for them`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([counter, relay]);
    const [events, turns, before] = [recorded(worker), eventsOf(worker, "turn-ended"), worker.figures()];
    const c1 = client.actor(counter, "c1");
    await Promise.all(Array.from({ length: 20 }, () => c1.ask.add(1)));
    await c1.tell.add(1);
    await client.actor(relay, "r1").ask.pass({ to: "c2", numbers: [3] });
    await c1.ask.total();
    await rejection(client.untyped("counter", "c1").ask("nothing"), "METHOD_UNKNOWN");
    await untilCount(turns, 24, worker); // Also those of the tells, which asks may overtake.
    const asked = await figuresOf(client.ports.mail, worker.id, patienceMs);
    const now = worker.figures();
    expect(figureFaults(events, since(now, before))).toEqual([]);
    expect(asked).toMatchObject({ worker: worker.id, startedAtMs: now.startedAtMs });
    const ofKinds = (snapshot: typeof asked) => typeof snapshot === "object" && snapshot.series.map((one) => one.name);
    expect(ofKinds(asked)).toContain("troupe.turn.duration");
    expect(await figuresOf(client.ports.mail, "nobody", patienceMs)).toBe("nobody");
  });

  test(`${name}: figures that one message does not carry come in several, and none is missing`, async () => {
    await using stage = await Stage.open(open);
    let payloadBytesMax = 1_000_000;
    const small = () => ({
      get payloadBytesMax() {
        return payloadBytesMax;
      },
    });
    const worker = await stage.worker([counter, relay], stage.portsBehind(small));
    const client = await stage.client();
    await client.actor(relay, "r1").ask.pass({ to: "c2", numbers: [3] });
    expect(await client.actor(counter, "c1").ask.add(1)).toBe(1);
    const { mail } = client.ports;
    payloadBytesMax = 800;
    const first = await mail.control(worker.id, encodeText("figures"), patienceMs);
    if (first.kind !== "reply") throw new Error(first.kind);
    expect(first.payload.length).toBeLessThanOrEqual(payloadBytesMax);
    const { series } = worker.figures();
    const asked = await figuresOf(mail, worker.id, patienceMs);
    if (typeof asked === "string") throw new Error(asked);
    expect(asked.series.map(seriesKey)).toEqual(expect.arrayContaining(series.map(seriesKey)));
    expect(asked).not.toHaveProperty("more");
    expect(encodeText(JSON.stringify(asked)).length).toBeGreaterThan(2 * payloadBytesMax);
  });

  test(`${name}: what an actor has sent and given up on counts once, though it is published again when the actor is back in memory`, async () => {
    await using stage = await Stage.open(open);
    const gate = new Gate();
    const slow = slowWith(gate);
    const stored = { sent: 0, dead: 0 };
    const ports = stage.portsBehind((mail) => ({
      append: async (to, payload, meta, timeoutMs) => {
        const outcome = await mail.append(to, payload, meta, timeoutMs);
        if (to.method === "see") stored.sent += 1;
        return outcome;
      },
      bury: async (dead, timeoutMs) => {
        const outcome = await mail.bury(dead, timeoutMs);
        stored.dead += 1;
        return outcome;
      },
    }));
    const worker = await stage.worker([counter, relay, clumsy, slow], ports, { activationsMax: 1 });
    const client = await stage.client();
    const [sent, dead, passivated] = [
      eventsOf(worker, "sent"),
      eventsOf(worker, "dead-lettered"),
      eventsOf(worker, "passivated"),
    ];
    await client.actor(slow, idIn(0, "slow")).tell.hold();
    await gate.reached;
    const [passing, failing] = [client.actor(relay, idIn(0, "relay")), client.actor(clumsy, idIn(0, "clumsy"))];
    await passing.ask.pass({ to: "c", numbers: [1] });
    await failing.tell.fail();
    await untilCount(dead, 1, worker);
    await untilCount(sent, 1, worker);
    for (let round = 1; round <= 2; round += 1) {
      const before = { ...stored };
      const isOut = () =>
        ["relay", "clumsy"].every((type) => passivated.filter(({ actor }) => actor.type === type).length >= round);
      for (let at = 0; !isOut(); at += 1) await client.actor(counter, `x${at % 5}`).ask.add(1);
      await passing.ask.passed();
      await failing.ask.look();
      // The letter that wakes who has something to send may come when it is out already, and have it sent once more.
      const isAgain = () => stored.sent > before.sent && stored.dead > before.dead;
      for (let at = 0; !isAgain(); at += 1) await client.actor(counter, `y${at % 5}`).ask.add(1);
    }
    expect([sent.length, dead.length]).toEqual([1, 1]);
    gate.open();
  });

  test(`${name}: a worker without figures says none, and lives`, async () => {
    await using stage = await Stage.open(open);
    const worker = await stage.worker([counter], undefined, { figures: false });
    const client = await stage.client();
    expect(await client.actor(counter, "c1").ask.add(1)).toBe(1);
    expect(worker.events.isHeard).toBe(false);
    expect(await figuresOf(client.ports.mail, worker.id, patienceMs)).toMatchObject({ series: [] });
  });

  test(`${name}: N1: what a worker cannot be asked is answered with an error that says what it can`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([counter]);
    const { mail } = client.ports;
    const lost = eventsOf(worker, "connection-lost");
    const nested = (depth: number) => `feed {"forMs":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const nonsense = [
      ...["dance", "feed {", 'feed {"forMs":0}', 'feed {"perSecond":1e9}', 'feed {"only":{"types":1}}'],
      ...['feed {"only":{"level":"info"}}', 'feed {"only":{"methods":"add"}}'],
      ...[
        'feed {"only":[]}',
        "feed []",
        'feed {"only":{"actor":1}}',
        nested(8_000),
        nested(20_000),
        "x".repeat(100_000),
      ],
    ];
    for (const question of [...nonsense.map(encodeText), Uint8Array.of(0xff, 0xfe)]) {
      const outcome = await mail.control(worker.id, question, patienceMs);
      expect(outcome, String(question.subarray(0, 30))).toMatchObject({ kind: "reply", errorCode: "OPTION_INVALID" });
    }
    expect(await mail.ping(worker.id, patienceMs)).toBe("alive");
    expect(lost).toEqual([]);
  });

  test(`${name}: what is no batch breaks nobody who follows the feed, and of a batch what is no item is left out`, async () => {
    await using stage = await Stage.open(open);
    const [follower, stranger] = [await stage.client(), await stage.client()];
    const { mail, clock } = follower.ports;
    const lost = eventsOf(follower, "connection-lost");
    const some = collector();
    await using feed = openFeed({ mail, clock, onBatch: some.onBatch });
    feed.follow(["w"]);
    const item = { kind: "told", atMs: 1, level: "info", actor: "counter/c1", method: "add", turn: null };
    const whole = { ...item, durationMs: null, code: null, text: "told add", trace: null };
    const nonsense = [
      "this is no JSON",
      "null",
      "[]",
      '{"atMs":1}',
      '{"atMs":1,"items":5}',
      '{"atMs":1,"items":[null,5,{}]}',
    ];
    const tell = (text: string) => stranger.ports.mail.publishFeed("w", encodeText(text));
    const told = some.itemOf(({ kind }) => kind === "told");
    // Whoever has just asked to follow is not heard of at once.
    for (let isTold = false; !isTold; ) {
      for (const text of nonsense) tell(text);
      tell(JSON.stringify({ worker: "w", atMs: 1, items: [item, { ...whole, actor: 5 }, whole], skipped: null }));
      isTold = await Promise.race([told.then(() => true), stranger.ports.mail.ping("w", patienceMs).then(() => false)]);
    }
    expect(some.items.every((one) => one.text === "told add" && one.actor === "counter/c1")).toBe(true);
    expect(lost).toEqual([]);
  });

  test(`${name}: a feed tells what happens to whoever asks, and the filter holds`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([counter, relay]);
    const { mail, clock } = client.ports;
    const [all, some] = [collector(), collector()];
    await using feed = openFeed({ mail, clock, onBatch: all.onBatch });
    await using filtered = openFeed({ mail, clock, onBatch: some.onBatch, only: { types: ["relay"] } });
    feed.follow([worker.id]);
    filtered.follow([worker.id]);
    await eventually(all, () => client.actor(counter, "c1").ask.add(1), "counter/c1");
    await eventually(some, () => client.actor(relay, "r1").ask.pass({ to: "c2", numbers: [3] }), "relay/r1");
    expect(all.items.find(({ kind }) => kind === "turn-ended")).toMatchObject({
      method: "add",
      turn: "ask",
      code: null,
    });
    expect(some.items.every(({ actor }) => actor === "relay/r1")).toBe(true);
    expect(all.batches.every((batch) => batch.worker === worker.id)).toBe(true);
  });

  test(`${name}: D2: of what is too much the rest is counted, and what an operator must know is told all the same`, async () => {
    await using stage = await Stage.open(open);
    const { worker, client } = await stage.both([counter]);
    const { mail } = client.ports;
    const few = collector();
    const wish = { forMs: 60_000, perSecond: 4 };
    await using server = await mail.followFeed(worker.id, (payload) => {
      const batch = readBatch(payload, worker.id, wish);
      if (batch !== undefined) few.onBatch(batch);
    });
    await wishFeed(mail, worker.id, wish, patienceMs);
    const dead = eventOf(worker, "dead-lettered");
    await client.untyped("counter", "c1").tell("nothing");
    await Promise.all(Array.from({ length: 50 }, () => client.actor(counter, "c1").ask.add(1)));
    await dead;
    await few.itemOf(({ kind, level }) => kind === "dead-lettered" && level === "error");
    // Those of the asks may come with a later batch than the dead letter.
    await expect.poll(() => few.batches.reduce((sum, { skipped }) => sum + skipped, 0)).toBeGreaterThan(0);
    for (const { items } of few.batches) {
      expect(items.filter(({ level }) => level === "info").length).toBeLessThanOrEqual(1);
    }
    await server.close();
  });
}

/** Holds the cursor of its partition until the gate opens. */
const slowWith = (gate: Gate) =>
  defineActor("slow", { state: z.object({}), initial: {} }, { hold: handler(() => gate.pass()) });
const clumsy = defineActor(
  "clumsy",
  { state: z.object({ done: z.number() }), initial: { done: 0 }, retry: { attempts: 1 } },
  {
    fail: handler(() => {
      throw new Error("on purpose");
    }),
    look: query((ctx) => ctx.state.done),
  },
);

/** The first id whose actor is in that partition. */
function idIn(partition: number, type: string): string {
  for (let at = 0; ; at += 1) if (partitionOf(type, `i${at}`, partitions) === partition) return `i${at}`;
}

/** Does it again until the feed tells of that actor: the worker may hear of the wish after the first. */
async function eventually(
  { itemOf }: ReturnType<typeof collector>,
  act: () => Promise<unknown>,
  actor: string,
): Promise<void> {
  let isTold = false;
  const told = itemOf((item) => item.actor === actor).finally(() => {
    isTold = true;
  });
  while (!isTold) {
    await act();
    await new Promise(setImmediate); // In memory it may go on without a turn of the event loop, and no feed would be sent.
  }
  await told;
}
