// The second that was, by its pure parts: rates and quantiles from snapshots, who is silent or gone, what is unhealthy.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { FigureName } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot, Series } from "../../src/core/figures.ts";
import { bucketOf, durationBounds } from "../../src/core/histogram.ts";
import type { KvEntry } from "../../src/kv/store.ts";
import type { Second } from "../../src/monitoring/dashboard/api/now.ts";
import { Departures } from "../../src/monitoring/departures.ts";
import type { HealthInput } from "../../src/monitoring/health.ts";
import { firstHealth, HealthKeeper, healthViewOf, nextHealth } from "../../src/monitoring/health.ts";
import { distributionOf, gaugeIn, rateOf, spanOf } from "../../src/monitoring/now-figures.ts";
import type { HealthSeen } from "../../src/monitoring/now-unhealthy.ts";
import { noActors, noRuns, unhealthyOf } from "../../src/monitoring/now-unhealthy.ts";
import { WorkerNumbers } from "../../src/monitoring/worker-numbers.ts";
import type { FiguresAnswer } from "../../src/monitoring/worker-spans.ts";
import { WorkerSpans } from "../../src/monitoring/worker-spans.ts";
import type { StreamFacts } from "../../src/runtime/inspect-stream.ts";
import { ManualClock } from "./kv-manual-clock.ts";

const number = (name: FigureName, value: number, labels = {}): Series => ({ name, labels, value });

function durations(name: FigureName, values: readonly number[], labels = {}): Series {
  const counts = new Array<number>(durationBounds.length + 1).fill(0);
  for (const value of values)
    counts[bucketOf(durationBounds, value)] = (counts[bucketOf(durationBounds, value)] ?? 0) + 1;
  return { name, labels, counts, sum: values.reduce((sum, value) => sum + value, 0), max: Math.max(0, ...values) };
}

const snapshot = (worker: string, atMs: number, series: readonly Series[], startedAtMs = 0): FiguresSnapshot => ({
  ...{ worker, atMs, startedAtMs, series },
});

const spansOf = (...pairs: readonly (readonly [FiguresSnapshot, FiguresSnapshot])[]) =>
  pairs.flatMap(([before, now]) => spanOf(now, before) ?? []);

test("R1: rates are over each worker's own time, however late its answer came", () => {
  const spans = spansOf(
    [snapshot("a", 60_000, [number("troupe.turns", 100)]), snapshot("a", 61_000, [number("troupe.turns", 300)])],
    [snapshot("b", 60_000, [number("troupe.turns", 100)]), snapshot("b", 64_000, [number("troupe.turns", 500)])],
  );
  expect(rateOf(spans, "troupe.turns")).toBe(200 + 100);
});

test("R2: of a worker that is seen for the first time nothing is known, unless it has just begun; nor of one that is alone", () => {
  const old = snapshot("a", 60_000, [number("troupe.turns", 1_000_000)]);
  expect([spanOf(old, undefined), rateOf([], "troupe.turns")]).toEqual([undefined, undefined]);
  const young = snapshot("a", 61_000, [number("troupe.turns", 50)], 60_000);
  expect(
    rateOf(
      [spanOf(young, undefined)].flatMap((span) => span ?? []),
      "troupe.turns",
    ),
  ).toBe(50);
  const other = snapshot("a", 62_000, [number("troupe.turns", 7)], 61_500);
  expect(
    rateOf(
      [spanOf(other, young)].flatMap((span) => span ?? []),
      "troupe.turns",
    ),
  ).toBe(14);
  expect(spanOf(young, young)).toBeUndefined();
  expect(gaugeIn({ series: [] }, "troupe.heap.used")).toBeUndefined();
});

test("R3: quantiles over several workers and methods are within 10 % of those of all turns together", () => {
  const sizes = fc.array(fc.double({ min: 0.0001, max: 50, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sizes, sizes, sizes, (ofOne, ofOther, before) => {
      const spans = spansOf(
        [
          snapshot("a", 1_000, [durations("troupe.turn.duration", before, { method: "x" })]),
          snapshot("a", 2_000, [
            durations("troupe.turn.duration", [...before, ...ofOne], { method: "x" }),
            durations("troupe.turn.duration", ofOther, { method: "y" }),
          ]),
        ],
        [snapshot("b", 1_000, []), snapshot("b", 2_000, [durations("troupe.turn.duration", ofOne, { method: "x" })])],
      );
      const truth = [...ofOne, ...ofOther, ...ofOne].sort((a, b) => a - b);
      const found = distributionOf(spans, "troupe.turn.duration");
      expect(found.count).toBe(truth.length);
      for (const share of [0.5, 0.95, 0.99]) {
        const exact = truth[Math.max(1, Math.ceil(share * truth.length)) - 1] ?? 0;
        expect(Math.abs((found.quantile(share) ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.101);
      }
    }),
  );
});

test("W1, W2: who does not answer is waited for once, then for nobody; silent is who has not answered for two seconds", async () => {
  const clock = new ManualClock();
  const answers = new Map<string, PromiseWithResolvers<FiguresAnswer>>();
  const spans = new WorkerSpans({
    clock,
    ask: (worker) => {
      if (worker === "quick") return Promise.resolve(snapshot("quick", clock.now(), [], clock.now() - 100));
      const answer = Promise.withResolvers<FiguresAnswer>();
      answers.set(worker, answer);
      return answer.promise;
    },
  });
  const both = ["quick", "frozen"];
  let isRead = false;
  const first = spans.read(both).then((read) => {
    isRead = true;
    return read;
  });
  clock.pass(499);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isRead).toBe(false);
  clock.pass(1);
  expect((await first).silentSinceMs.size).toBe(0);
  // From now on nobody waits: no time passes in these.
  clock.pass(500);
  const second = await spans.read(both);
  expect([second.spans.map(({ worker }) => worker), second.silentSinceMs.size]).toEqual([["quick"], 0]);
  clock.pass(1_000);
  expect([...(await spans.read(both)).silentSinceMs.keys()]).toEqual(["frozen"]);
  answers.get("frozen")?.resolve(undefined); // The time for it is over; it is asked anew.
  await new Promise((resolve) => setImmediate(resolve));
  expect([...(await spans.read(both)).silentSinceMs.keys()]).toEqual(["frozen"]);
  answers.get("frozen")?.resolve("alive");
  await new Promise((resolve) => setImmediate(resolve));
  const heard = spans.read(both);
  clock.pass(500);
  expect((await heard).silentSinceMs.size).toBe(0);
});

test("W3: who answers late is in every second as it was last, told once, until it is silent", async () => {
  const clock = new ManualClock();
  const answers: ((turns: number) => void)[] = [];
  const spans = new WorkerSpans({
    clock,
    ask: () =>
      new Promise((resolve) => {
        answers.push((turns) => resolve(snapshot("slow", clock.now(), [number("troupe.turns", turns)], 0)));
      }),
  });
  const read = async () => {
    const reading = spans.read(["slow"]);
    clock.pass(500);
    const { spans: fresh, carried, silentSinceMs } = await reading;
    return [rateOf(fresh, "troupe.turns"), rateOf(carried, "troupe.turns"), silentSinceMs.size];
  };
  const answer = async (turns: number) => {
    answers.shift()?.(turns);
    await new Promise((resolve) => setImmediate(resolve));
  };
  clock.pass(1_000);
  await read();
  await answer(100);
  clock.pass(500);
  await read(); // The first span of it is of its whole life; it is asked again.
  await answer(300);
  expect(await read()).toEqual([200, undefined, 0]);
  clock.pass(500);
  expect(await read()).toEqual([undefined, 200, 0]);
  clock.pass(2_000);
  expect(await read()).toEqual([undefined, undefined, 1]);
});

test("a worker keeps its number while it lives, and nobody gets that of one that is gone", () => {
  const numbers = new WorkerNumbers();
  numbers.meet(["a", "b"]);
  numbers.meet(["b", "c"]);
  expect(["b", "c"].map((worker) => numbers.of(worker))).toEqual([1, 2]);
  numbers.meet(["a", "b"]);
  expect(["a", "b"].map((worker) => numbers.of(worker))).toEqual([3, 1]);
});

const lease = (worker: string, isDraining: boolean): KvEntry => ({
  ...{ key: `worker.${worker}`, revision: 1, operation: "put", writtenAtMs: 1 },
  value: Buffer.from(JSON.stringify({ isDraining })),
});

test("a worker that went without draining is told of for two minutes; one that drained, or is back, is not", () => {
  const departures = new Departures();
  const alive = (...names: readonly string[]) => names.map((worker) => ({ worker, name: null }));
  departures.since(alive("a", "b", "c"), 0);
  departures.hear(lease("a", true));
  expect(departures.since(alive("c"), 1_000).map(({ worker }) => worker)).toEqual(["b"]);
  expect(departures.since(alive("c"), 120_999)).toHaveLength(1);
  expect(departures.since(alive("b", "c"), 120_999)).toEqual([]);
  departures.since(alive("c"), 130_000);
  expect(departures.since(alive("c"), 250_000)).toEqual([]);
});

test("H1, H2: whatever happens in whatever order, it is live only when connected, current and read since", () => {
  const inputs: fc.Arbitrary<HealthInput> = fc.oneof(
    fc.constantFrom<HealthInput>({ kind: "lost" }, { kind: "restored" }, { kind: "unread", reason: "x" }),
    fc.nat().map((atMs): HealthInput => ({ kind: "read", atMs })),
    fc.boolean().map((isCurrent): HealthInput => ({ kind: "followed", isCurrent })),
  );
  fc.assert(
    fc.property(fc.array(inputs), (happened) => {
      let health = firstHealth(0);
      for (const input of happened) health = nextHealth(health, input);
      const lastOf = (...kinds: readonly string[]) => happened.findLastIndex(({ kind }) => kinds.includes(kind));
      const isConnected = lastOf("lost") <= lastOf("restored") || lastOf("lost") < 0;
      const readAgain = lastOf("read") > lastOf("lost") && lastOf("read") >= 0;
      const followed = happened[lastOf("followed")];
      const isCurrent = followed?.kind === "followed" && followed.isCurrent;
      const unread = happened.slice(lastOf("read") + 1).filter(({ kind }) => kind === "unread").length;
      const { state } = healthViewOf(health);
      expect(state === "stale").toBe(!isConnected || unread >= 2);
      expect(state === "live").toBe(isConnected && unread < 2 && readAgain && isCurrent);
    }),
  );
  const keeper = new HealthKeeper(new ManualClock());
  const told: string[] = [];
  keeper.onChange(({ state }) => told.push(state));
  for (const kind of ["lost", "lost", "restored"] as const) keeper.hear({ kind });
  expect(told).toEqual(["stale", "catching-up"]);
});

const second = (over: Partial<Second>): Second =>
  ({ turnsPerS: 0, failedPerS: 0, conflictsPerS: 0, lag: 0, ...over }) as Second;

function seen(over: Partial<HealthSeen>): HealthSeen {
  return {
    ...{ app: "desk", atMs: 100_000, user: undefined, account: undefined, workers: [], departed: [], seconds: [] },
    server: { name: "n", version: "2", cluster: undefined, address: "127.0.0.1:4222", payloadBytesMax: 1 },
    facts: { pools: { main: 1 }, streams: [] },
    cluster: { workers: [], partitions: [], typePools: new Map() },
    ...{ silentSinceMs: new Map(), actors: noActors, runs: noRuns },
    ...over,
  };
}

const textsOf = (over: Partial<HealthSeen>) => unhealthyOf(seen(over)).map(({ level, text }) => `${level}: ${text}`);

test("the worst comes first, and each says what to do", () => {
  const all = unhealthyOf(
    seen({
      silentSinceMs: new Map([["w1", 97_000]]),
      actors: { ...noActors, stopped: 2, stoppedOne: "a/1", isFull: true, size: 5 },
      departed: [{ worker: "w2", name: "green", atMs: 40_000 }],
    }),
  );
  expect(all.map(({ level }) => level)).toEqual(["problem", "warning", "warning", "warning", "note"]);
  expect(all[0]?.text).toBe(
    "The worker w1 has not answered for 3.0 s, though its lease stands: it is frozen, too busy, or cut off.",
  );
  for (const { remedy } of all) expect(remedy).not.toBe("");
});

test("that no worker is left is a problem where there were some, and comes before how they went; a new app waits for its first", () => {
  const partition = { pool: "main", partition: 0, owner: null, cursor: 0, lag: 0, oldestMs: null };
  const departed = [{ worker: "w2", name: "green", atMs: 40_000 }];
  const of = (epoch: number, lag: number) => {
    const partitions = [{ ...partition, epoch, lag }] as unknown as HealthSeen["cluster"]["partitions"];
    return unhealthyOf(seen({ departed, cluster: { workers: [], partitions, typePools: new Map() } }));
  };
  const said = (epoch: number, lag: number) =>
    of(epoch, lag).map(({ level, text }) => `${level}: ${text.slice(0, 15)}`);
  expect(said(3, 0).slice(0, 2)).toEqual(["problem: No worker runs:", "warning: The worker gree"]);
  expect(said(0, 7)[0]).toBe("problem: No worker runs:");
  expect(said(0, 0)[0]).toBe("warning: No worker runs:");
  expect(of(3, 0)[1]?.remedy).toMatch(/^Nobody is left to take its partitions/);
});

test("dead letters are a warning while they are news, and a note an hour after the last came", () => {
  const dead = {
    role: "dead",
    name: "desk_dead",
    messages: 4,
    peers: [],
    replicas: 1,
    bytesMax: -1,
  } as unknown as StreamFacts;
  const levelOf = (lastAtMs: number) => {
    const facts = { pools: { main: 1 }, streams: [{ ...dead, lastAtMs }] };
    return textsOf({ facts, atMs: 10_000_000 })
      .find((text) => text.includes("4 messages could not"))
      ?.split(":")[0];
  };
  expect([levelOf(9_000_000), levelOf(6_000_000)]).toEqual(["warning", "note"]);
});

test("runs for which somebody has to do something are told of: held ones as a warning, those that wait for a signal as a note", () => {
  const one = { workflow: "triage", run: "i-1" };
  const told = textsOf({ runs: { held: { count: 2, one }, awaiting: { count: 1, one } } });
  expect(told.filter((text) => text.includes("triage"))).toEqual([
    expect.stringMatching(/^warning: 2 runs of workflows are held, as triage i-1/),
    expect.stringMatching(/^note: 1 run of workflows waits for a signal, as triage i-1/),
  ]);
});

test("lag that grows, turns that fail and races that are lost are told when they last, and not for one bad second", () => {
  const quiet = Array.from({ length: 60 }, () => second({ turnsPerS: 100 }));
  const nothing = textsOf({ seconds: quiet });
  const growing = Array.from({ length: 60 }, (_, at) => second({ turnsPerS: 100, lag: at * 100, oldestMs: 9_000 }));
  expect(textsOf({ seconds: growing })).toEqual([...nothing, expect.stringMatching(/More is told than is handled/)]);
  expect(textsOf({ seconds: growing.slice(0, 20) })).toEqual(nothing);
  const busier = growing.map((each) => ({ ...each, oldestMs: 757 }));
  expect(textsOf({ seconds: busier })).toEqual(nothing); // All of it may be done: cursors are saved once a second.
  const high = Array.from({ length: 60 }, () => second({ turnsPerS: 100, lag: 5_000 }));
  expect(textsOf({ seconds: high })).toEqual(nothing);
  const failing = [...quiet.slice(10), ...Array.from({ length: 10 }, () => second({ turnsPerS: 100, failedPerS: 20 }))];
  expect(textsOf({ seconds: failing })).toEqual([...nothing, expect.stringMatching(/^warning: 20 % of the turns/)]);
  expect(textsOf({ seconds: [...quiet, second({ turnsPerS: 100, failedPerS: 20 })] })).toEqual(nothing);
  const racing = Array.from({ length: 20 }, () => second({ turnsPerS: 100, conflictsPerS: 9 }));
  expect(textsOf({ seconds: racing })).toEqual([...nothing, expect.stringMatching(/9\.0 writes a second lose a race/)]);
});
