// The live stream by itself: what slow readers get, what it holds, and when topics run.

import { expect, test } from "vitest";
import { ActorIndex } from "../../src/monitoring/actor-index.ts";
import type { ActorRow } from "../../src/monitoring/dashboard/api/actors.ts";
import type { ChangesView } from "../../src/monitoring/dashboard/api/live.ts";
import { changesTopic, mergeChanges, rowsMax } from "../../src/monitoring/dashboard/changes-topic.ts";
import { clientsMax, LiveHub } from "../../src/monitoring/dashboard/live-hub.ts";
import { latest } from "../../src/monitoring/dashboard/live-topic.ts";
import { refusalOf } from "../../src/monitoring/dashboard/problem.ts";
import { ManualClock } from "./kv-manual-clock.ts";

/** A topic of numbers that says when it runs. */
function countedTopic() {
  const running = new Set<(value: number) => void>();
  return {
    running,
    publish: (value: number) => {
      for (const each of running) each(value);
    },
    topic: {
      merge: latest<number>,
      open: (publish: (value: number) => void) => {
        running.add(publish);
        return () => void running.delete(publish);
      },
    },
  };
}

function hubWith(clock = new ManualClock()) {
  const hub = new LiveHub(clock);
  const numbers = countedTopic();
  const letters = countedTopic();
  hub.register("numbers", numbers.topic);
  hub.register("letters", letters.topic);
  return { clock, hub, numbers, letters };
}

const textOf = async (reader: ReadableStreamDefaultReader<Uint8Array>) => {
  const { value } = await reader.read();
  return value === undefined ? "(end)" : new TextDecoder().decode(value);
};

/** A stream asks for more some steps later. */
const asked = () => new Promise((resolve) => setImmediate(resolve));

test("L1, L2: a client that does not read holds one event of each topic, and gets what is so when it reads again", async () => {
  const { hub, numbers, letters } = hubWith();
  const reader = hub.listen(["numbers", "letters"], undefined).getReader();
  const first = textOf(reader);
  numbers.publish(0);
  expect(await first).toBe("event: numbers\ndata: 0\n\n");
  for (let value = 1; value <= 100_000; value += 1) numbers.publish(value);
  letters.publish(7);
  letters.publish(8);
  expect([await textOf(reader), await textOf(reader)]).toEqual([
    ...["event: numbers\ndata: 100000\n\n", "event: letters\ndata: 8\n\n"],
  ]);
  const next = textOf(reader);
  numbers.publish(5);
  expect(await next).toBe("event: numbers\ndata: 5\n\n");
});

test("L3: a topic runs while somebody listens, once for all who listen to the same", async () => {
  const { hub, numbers } = hubWith();
  expect(numbers.running.size).toBe(0);
  const one = hub.listen(["numbers"], undefined);
  const other = hub.listen(["numbers"], undefined);
  const narrow = hub.listen(["numbers"], "counter.*");
  expect([numbers.running.size, hub.clients]).toEqual([2, 3]);
  await one.cancel();
  expect(numbers.running.size).toBe(2);
  await other.cancel();
  expect(numbers.running.size).toBe(1);
  await narrow.cancel();
  expect([numbers.running.size, hub.clients]).toEqual([0, 0]);
});

test("L4: one client too many is refused with a remedy; when one has gone there is room again", async () => {
  const { hub } = hubWith();
  const streams = Array.from({ length: clientsMax }, () => hub.listen(["numbers"], undefined));
  expect(() => hub.listen(["numbers"], undefined)).toThrow();
  try {
    hub.listen(["numbers"], undefined);
  } catch (thrown) {
    expect(refusalOf(thrown)).toMatchObject({ status: 503, problem: { code: "TOO_MANY_CLIENTS" } });
  }
  await streams[0]?.cancel();
  expect(hub.listen(["numbers"], undefined)).toBeDefined();
});

test("a quiet stream is kept alive by comments; who takes nothing for a minute is let go", async () => {
  const { clock, hub, numbers } = hubWith();
  const reader = hub.listen(["numbers"], undefined).getReader();
  const alive = textOf(reader);
  await asked();
  clock.pass(10_000);
  expect(await alive).toBe(": alive\n\n");
  await asked();
  numbers.publish(1);
  numbers.publish(2);
  clock.pass(60_000);
  expect(hub.clients).toBe(1);
  clock.pass(20_000);
  expect([hub.clients, numbers.running.size, clock.timers]).toEqual([0, 0, 0]);
});

test("closing ends every stream, and no timer is left", async () => {
  const { clock, hub } = hubWith();
  const reader = hub.listen(["numbers"], undefined).getReader();
  const ended = reader.read();
  hub.close();
  expect([(await ended).done, hub.clients, clock.timers]).toEqual([true, 0, 0]);
});

const rowOf = (id: string, revision: number) => ({ type: "a", id, revision }) as unknown as ActorRow;
const entry = (id: string, revision: number) => ({
  ...{ key: `a.${id}`, revision, value: Buffer.from('{"state":{}}'), operation: "put" as const, writtenAtMs: 1 },
});

test("C1: at most four times a second, the latest of each actor, at most so many; the rest is counted and said to be left out", () => {
  const clock = new ManualClock();
  const index = new ActorIndex();
  const topic = changesTopic({ index, clock, rowOf: ({ id, revision }) => rowOf(id, revision) });
  const views: ChangesView[] = [];
  const stop = topic.open((view) => views.push(view), "a.*");
  let revision = 0;
  for (let change = 0; change < 10_000; change += 1) {
    revision += 1;
    index.onEntry(entry(`x${change % 500}`, revision), false);
    if (change % 10 === 9) clock.pass(1);
  }
  clock.pass(250);
  expect(views).toHaveLength(4);
  expect(views.reduce((sum, { changed }) => sum + changed, 0)).toBe(10_000);
  for (const { rows, isSampled } of views) expect([rows.length, isSampled]).toEqual([rowsMax, true]);
  expect(new Set(views[0]?.rows.map(({ id }) => id)).size).toBe(rowsMax);
  // Few changes are all shown, as they stand when they are told.
  for (const at of [1, 2]) index.onEntry(entry("x1", revision + at), false);
  clock.pass(250);
  expect(views.at(-1)).toEqual({ rows: [rowOf("x1", revision + 2)], changed: 2, isSampled: false });
  index.onEntry({ ...entry("x1", revision + 3), key: "b.x1" }, false);
  clock.pass(1_000);
  expect(views).toHaveLength(5);
  stop();
  index.onEntry(entry("x1", revision + 4), false);
  expect(clock.timers).toBe(0);
});

test("what a slow reader missed is merged: the latest of each actor, no more than fit, and all of it counted", () => {
  const view = (from: number, to: number, revision: number): ChangesView => ({
    rows: Array.from({ length: to - from }, (_, at) => rowOf(`x${from + at}`, revision)),
    ...{ changed: to - from, isSampled: false },
  });
  const merged = mergeChanges(view(0, 3, 1), view(2, 5, 2));
  expect(merged.rows.map(({ id, revision }) => `${id} ${revision}`)).toEqual(["x0 1", "x1 1", "x2 2", "x3 2", "x4 2"]);
  expect([merged.changed, merged.isSampled]).toEqual([6, false]);
  let all = view(0, rowsMax, 1);
  for (let more = 1; more < 50; more += 1) all = mergeChanges(all, view(more * 100, more * 100 + 100, more));
  expect([all.rows.length, all.changed, all.isSampled]).toEqual([rowsMax, rowsMax + 4_900, true]);
});
