import { expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { EventStream } from "../../src/core/events.ts";
import type { FeedFilter } from "../../src/runtime/control.ts";
import { wishName } from "../../src/runtime/control.ts";
import type { ToldBatch } from "../../src/runtime/feed-item.ts";
import { readBatch } from "../../src/runtime/feed-item.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { WorkerFeed } from "../../src/runtime/worker-feed.ts";
import { over } from "./runtime-doubles.ts";

const turn: RuntimeEvent = {
  kind: "turn-ended",
  actor: { type: "counter", id: "c1" },
  method: "add",
  turn: "ask",
  messageId: "m",
  durationMs: 1,
};
const dead: RuntimeEvent = {
  kind: "dead-lettered",
  actor: { type: "counter", id: "c1" },
  method: "add",
  messageId: "m",
  sequence: 1,
  code: "HANDLER_FAILED",
  message: "no",
};

const nameOf = (perSecond: number, only?: FeedFilter) => wishName(perSecond, only);

function stage(payloadBytesMax = 1_000_000) {
  const clock = createSimulatedClock({ seed: 1 });
  const events = new EventStream();
  const batches: ToldBatch[] = [];
  const sizes: number[] = [];
  const publishFeed: Mail["publishFeed"] = (_worker, payload) => {
    batches.push(JSON.parse(Buffer.from(payload).toString()));
    sizes.push(payload.length);
  };
  const feed = new WorkerFeed({ worker: "w", mail: over({} as Mail, { publishFeed, payloadBytesMax }), clock, events });
  return {
    clock,
    events,
    batches,
    sizes,
    feed,
    pass: (ms: number) => clock.runFor(new Promise<void>((done) => clock.after(ms, done))),
  };
}

test("D1: nobody asks: nobody listens; the wish ends by itself when it is not renewed, and nothing is told any more", async () => {
  const { events, batches, feed, pass } = stage();
  expect(events.isHeard).toBe(false);
  feed.want({ forMs: 1_000, perSecond: 100 });
  expect(events.isHeard).toBe(true);
  events.emit(turn);
  await pass(900);
  feed.want({ forMs: 1_000, perSecond: 100 });
  await pass(900);
  expect(events.isHeard).toBe(true);
  await pass(600);
  expect(events.isHeard).toBe(false);
  events.emit(turn);
  await pass(1_000);
  expect(batches.flatMap(({ items }) => items.map(({ kind }) => kind))).toEqual(["turn-ended"]);
});

test("D1: who wants nothing ordinary has no event built, and hears what an operator must know", async () => {
  const { events, batches, feed, pass } = stage();
  feed.want({ forMs: 10_000, perSecond: 0 });
  expect(events.isHeard).toBe(false);
  events.emit(turn);
  events.emit(dead);
  await pass(300);
  expect(batches).toMatchObject([{ worker: "w", skipped: {}, items: [{ kind: "dead-lettered", level: "error" }] }]);
  feed.want({ forMs: 10_000, perSecond: 4 });
  expect(events.isHeard).toBe(true);
  feed.close();
  expect(events.isHeard).toBe(false);
});

test("D2: the first of each quarter of a second go out, the rest is counted, warnings and errors go out besides", async () => {
  const { events, batches, feed, pass } = stage();
  feed.want({ forMs: 10_000, perSecond: 8 });
  for (let at = 0; at < 10; at += 1) events.emit(turn);
  for (let at = 0; at < 3; at += 1) events.emit(dead);
  await pass(300);
  events.emit(turn);
  await pass(300);
  const shown = batches.map(({ items, skipped }) => [...items.map(({ kind }) => kind), skipped]);
  const deadLettered = ["dead-lettered", "dead-lettered", "dead-lettered"];
  expect(shown).toEqual([
    ["turn-ended", "turn-ended", ...deadLettered, { [nameOf(8)]: 8 }],
    ["turn-ended", {}],
  ]);
});

test("D2: a wish has a share of its own, that no other uses up, and hears of what was skipped of what it asked for alone", async () => {
  const { events, batches, feed, pass } = stage();
  const desk = { ...turn, actor: { type: "desk", id: "d" } };
  const [few, many, other] = [{}, { only: { types: ["desk"] } }, { only: { actor: "room/r" } }];
  feed.want({ forMs: 10_000, perSecond: 4, ...few });
  feed.want({ forMs: 10_000, perSecond: 80, ...many });
  feed.want({ forMs: 10_000, perSecond: 4, ...other });
  for (let at = 0; at < 30; at += 1) events.emit(desk);
  for (let at = 0; at < 10; at += 1) events.emit(turn);
  await pass(300);
  expect(batches).toHaveLength(1);
  // 20 of the desk's, which are the first of all as well; the 10 that nobody's share had room for count for both.
  expect(batches[0]?.items.map(({ actor }) => actor)).toEqual(new Array(20).fill("desk/d"));
  expect(batches[0]?.skipped).toEqual({ [nameOf(4)]: 20, [nameOf(80, many.only)]: 10 });
  for (let at = 0; at < 3; at += 1) events.emit(turn);
  await pass(300);
  expect(batches[1]).toMatchObject({ items: [{ actor: "counter/c1" }], skipped: { [nameOf(4)]: 2 } });
});

test("D2: who asks for failures alone hears of one among 10,000 that did not fail, an ask's too", async () => {
  const { events, batches, feed, pass } = stage();
  const failed: RuntimeEvent = { ...turn, method: "pay", error: { code: "HANDLER_FAILED", message: "no" } };
  feed.want({ forMs: 10_000, perSecond: 200 });
  feed.want({ forMs: 10_000, perSecond: 200, only: { level: "warn" } });
  for (let at = 0; at < 10_000; at += 1) events.emit(at === 7_000 ? failed : turn);
  events.emit(dead);
  await pass(300);
  const heardBy = (only: FeedFilter) =>
    batches
      .flatMap(
        (batch) => readBatch(encodeText(JSON.stringify(batch)), "w", { forMs: 1, perSecond: 200, only })?.items ?? [],
      )
      .map(({ kind, method, level }) => [kind, method, level]);
  const [its, letter] = [
    ["turn-ended", "pay", "warn"],
    ["dead-lettered", "add", "error"],
  ];
  expect(heardBy({ level: "warn" })).toEqual([its, letter]);
  expect(heardBy({ level: "error" })).toEqual([letter]);
  expect(heardBy({ methods: ["pay"] })).toEqual([its]);
  expect(batches.map(({ skipped }) => skipped)).toEqual([{ [nameOf(200)]: 9_949 }]);
});

test("D3: what one message does not carry goes out in several, whole and in order", async () => {
  const { events, batches, sizes, feed, pass } = stage(2_000);
  feed.want({ forMs: 10_000, perSecond: 0 });
  for (let at = 0; at < 40; at += 1) events.emit({ ...dead, sequence: at, message: `${at} ${"x".repeat(200)}` });
  await pass(300);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000);
  expect(batches.flatMap(({ items }) => items.map(({ text }) => Number(/: (\d+) /.exec(text)?.[1])))).toEqual(
    Array.from({ length: 40 }, (_, at) => at),
  );
});

test("D3: wishes, and warnings of one batch, are bounded; filters that differ stand beside each other", async () => {
  const { events, batches, feed, pass } = stage();
  feed.want({ forMs: 10_000, perSecond: 100, only: { types: ["room"] } });
  events.emit(turn);
  const only = { actor: "counter/c1" };
  feed.want({ forMs: 10_000, perSecond: 100, only });
  events.emit(turn);
  for (let at = 0; at < 600; at += 1) events.emit(dead);
  await pass(300);
  expect(batches[0]?.items.length).toBe(501);
  expect(batches[0]?.skipped).toEqual({ [nameOf(100, only)]: 100 });
  for (let at = 0; at < 100; at += 1) feed.want({ forMs: 10_000 + at, perSecond: 1, only: { types: [`t${at}`] } });
  events.emit(turn);
  await pass(300);
  expect(batches.length).toBe(1);
});
