// What the view Now shows, second by second, against witnesses that know nothing of the workers' own figures: whoever asked counts and
// takes the time, and a subscriber on the server hears every attempt to write.

import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Prize, Rival, Tally, thePrize } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import { openGate } from "./ground/gate.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import type { ShownSecond } from "./ground/shown-figures.ts";
import { addedUp, writeDown, writtenDown } from "./ground/shown-figures.ts";
import { eachTick } from "./ground/steady-load.ts";

/** The seconds of the workers are not quite those of the dashboard: a rate that was steady adds up all the same. */
const steadyWithin = 0.08;
/** It is shown to a tenth of a second, and a second waits for a worker that is late for up to half of one. Unit: ms. */
const oldestWithinMs = 700;
/** Races for a key come in bursts. */
const burstsWithin = 0.2;

describeInBrowser("the figures of the view Now", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 2 });
    await (await ground.troupe.states()).of(Prize).create(thePrize, { claims: 0 });
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const tally = (nth: number) => ground.troupe.actor(Tally, `t${nth % 60}`);
  /** A page that has begun to write down what it shows. */
  const openWriting = async () => {
    const watched = await (await browser()).open(ground.link);
    await watched.page.getByText("2 workers serve").waitFor();
    await writeDown(watched.page);
    await expect.poll(async () => (await writtenDown(watched.page)).length, patience).toBeGreaterThan(1);
    return watched;
  };
  /** Whatever was begun has been counted when the page has shown a second of nothing. */
  const untilQuiet = (page: Page) =>
    expect
      .poll(async () => {
        const figures = (await writtenDown(page)).at(-1)?.figures;
        return [figures?.Turns, figures?.Commits, figures?.["Messages waiting"]];
      }, patience)
      .toEqual([0, 0, 0]);

  test("throughput, failures, dead letters, commits and conflicts add up to what was asked, answered and tried on the server", async () => {
    const { page, faults } = await openWriting();
    await using writes = await hearWrites(ground.server.url);
    const counted = { asks: 0, tells: 0, queries: 0, refused: 0, givenUp: 0 };
    const adding = (name: keyof typeof counted) => () => {
      counted[name] += 1;
    };
    const failing = (nth: number) => [
      tally(nth).ask.fail("asked").catch(adding("refused")),
      tally(nth + 7)
        .tell.fail("told")
        .then(adding("givenUp")),
    ];
    // Who is in the same worker takes turns and loses no race. Six partitions may all be one worker's; those of all of these are not.
    const rivals = Array.from({ length: 24 }, (_, nth) => ground.troupe.actor(Rival, `r${nth}`));
    const atOnce = (tick: number) => rivals.slice((tick % 4) * 6, (tick % 4) * 6 + 6);
    // Long beside the part of a second by which the first and the last of it may be off.
    const ticks = 400;
    await eachTick(ticks, (tick) => [
      ...[1, 2, 3].map((nth) =>
        tally(tick * 5 + nth)
          .ask.add({ by: 1, note: "asked" })
          .then(adding("asks")),
      ),
      ...[4, 5].map((nth) =>
        tally(tick * 5 + nth)
          .tell.add({ by: 1, note: "told" })
          .then(adding("tells")),
      ),
      tally(tick).ask.total().then(adding("queries")),
      ...(tick % 4 === 0 ? failing(tick) : []),
      ...(tick % 10 === 0 ? atOnce(tick / 10).map((rival) => rival.ask.claim(3).then(adding("asks"))) : []),
    ]);
    await untilQuiet(page);
    const { commits, conflicts } = await writes.taken();
    const { asks, tells, queries, refused, givenUp } = counted;
    expect([refused, givenUp, conflicts > 20]).toEqual([ticks / 4, ticks / 4, true]);
    const shown = await writtenDown(page);
    expectSum(shown, "Turns", asks + refused + tells + givenUp + queries, steadyWithin);
    expectSum(shown, "Turns/asks", asks + refused, steadyWithin);
    expectSum(shown, "Turns/tells", tells + givenUp, steadyWithin);
    expectSum(shown, "Turns/queries", queries, steadyWithin);
    expectSum(shown, "Failures", refused + givenUp, steadyWithin);
    expectSum(shown, "Failures/dead", givenUp, steadyWithin);
    expectSum(shown, "Commits", commits, steadyWithin);
    expectSum(shown, "Conflicts", conflicts, burstsWithin);
    expect(faults).toEqual([]);
  });

  test("p50, p95 and p99 are those of the turns: no less than the work took, no more than the askers waited", async () => {
    const { page, faults } = await openWriting();
    const waitedMs: number[] = [];
    // Each has time for its own: they wait for one another no longer than the work takes.
    const work = async (nth: number) => {
      const beganMs = performance.now();
      await ground.troupe.actor(Tally, `w${nth % 300}`).ask.work(workMs(nth));
      waitedMs.push(performance.now() - beganMs);
    };
    // Of less than a hundred turns p99 is the longest: of many seconds that says more than one in a hundred of all.
    const ofMany = async () => (await writtenDown(page)).filter(({ figures }) => (figures.Turns ?? 0) > 130);
    // A page, or a worker, that was held up has shown fewer of them.
    do {
      await eachTick(200, (tick) => Array.from({ length: 10 }, (_, nth) => work(tick * 10 + nth)));
    } while ((await ofMany()).length < 6);
    const seconds = await ofMany();
    const ordered = waitedMs.sort((one, other) => one - other);
    for (const [name, share, leastMs] of [
      ["p50", 0.5, 20],
      ["p95", 0.95, 120],
      ["p99", 0.99, 400],
    ] as const) {
      const shownMs = medianOf(seconds.map(({ figures }) => figures[`Turn latency, p99/${name}`] ?? Number.NaN));
      const mostMs = ordered[Math.floor(share * ordered.length)] ?? Number.NaN;
      expect(shownMs, `${name}, which took ${leastMs} to ${mostMs} ms`).toBeGreaterThan(leastMs * 0.9);
      expect(shownMs, `${name}, which took ${leastMs} to ${mostMs} ms`).toBeLessThan(mostMs * 1.1);
    }
    const large = medianOf(seconds.map(({ figures }) => figures["Turn latency, p99"] ?? Number.NaN));
    expect(large).toBe(medianOf(seconds.map(({ figures }) => figures["Turn latency, p99/p99"] ?? Number.NaN)));
    expect(faults).toEqual([]);
  });

  test("what waits is what was told and has had no turn yet, and the oldest of it is as old as it is", async () => {
    const { page, faults } = await openWriting();
    const slow = ground.troupe.actor(Tally, "slow");
    const beforeMs = Date.now();
    await using gate = await openGate();
    await slow.tell.hold(gate.port);
    const toldMs = Date.now();
    for (let nth = 0; nth < 40; nth += 1) await slow.tell.add({ by: 1, note: "waits" });
    const waitingNow = page.locator('[data-figure="Messages waiting"]');
    await waitingNow.getByText("41", { exact: true }).waitFor();
    // Two seconds later it is two seconds older. Each second says it anew: one that the machine held up says it late.
    const isAt = (await writtenDown(page)).at(-1)?.atMs ?? 0;
    const saidOfOldest = async () => {
      const { atMs = 0, figures = {} } = (await writtenDown(page)).at(-1) ?? {};
      if (atMs - isAt <= 2_000) return "two seconds are not over";
      expect(figures["Messages waiting"]).toBe(41);
      const oldestMs = figures["Messages waiting/beside"] ?? Number.NaN;
      const isTrue = oldestMs < atMs - beforeMs + oldestWithinMs && oldestMs > atMs - toldMs - oldestWithinMs;
      return isTrue ? "true" : `${oldestMs} ms, and it was told ${atMs - toldMs} to ${atMs - beforeMs} ms before`;
    };
    await expect.poll(saidOfOldest, patience).toBe("true");
    gate.release();
    await untilQuiet(page);
    expect((await slow.get())?.state.count).toBe(40);
    expect(faults).toEqual([]);
  });
});

const patience = { timeout: 20_000, interval: 200 } as const;

/** Of a hundred 80 take 20 ms, 17 take 120 and 3 take 400. Mixed evenly, whatever second is looked at. */
function workMs(nth: number): number {
  const place = (nth * 37) % 100;
  return place < 80 ? 20 : place < 97 ? 120 : 400;
}

function expectSum(seconds: readonly ShownSecond[], name: string, truth: number, within: number): void {
  const sum = addedUp(seconds, name);
  expect(Math.abs(sum - truth) / truth, `${name}: ${sum.toFixed(1)} shown, ${truth} in truth`).toBeLessThan(within);
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Each attempt to write to a bucket is a message that anybody may hear; how many of them the server has taken its stream says. */
async function hearWrites(url: string) {
  const connection = await connectNats({ servers: url });
  const { streams } = await jetstreamManager(connection);
  const last = async (bucket: string) => (await streams.info(`KV_troupe_${bucket}`)).state.last_seq;
  const before = { state: await last("state"), central: await last("central") };
  let tried = 0;
  connection.subscribe("$KV.troupe_central.>", {
    callback: () => {
      tried += 1;
    },
  });
  await connection.flush();
  return {
    taken: async () => {
      await connection.flush();
      const commits = (await last("state")) - before.state;
      return { commits, conflicts: tried - ((await last("central")) - before.central) };
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
