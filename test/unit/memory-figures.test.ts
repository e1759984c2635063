// The pure parts of the memory's figures: hottest keys, growth and forecast, conflicts, pages of scopes.

import fc from "fast-check";
import { expect, test } from "vitest";
import { ConflictMap } from "../../src/monitoring/conflict-map.ts";
import { Growth, pointsMin, reachedAt } from "../../src/monitoring/growth.ts";
import { HotKeys } from "../../src/monitoring/hot-keys.ts";
import { pageOfScopes } from "../../src/monitoring/scope-page.ts";
import type { ScopeSum } from "../../src/monitoring/scope-tally.ts";

const writes = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 400 });

test("H1, H2: counts are exact for few keys; for many never too high, and too low by the share that is promised at most", () => {
  fc.assert(
    fc.property(writes, fc.integer({ min: 1, max: 40 }), (keys, keysMax) => {
      const hot = new HotKeys<"state">({ keysMax });
      const truth = new Map<string, number>();
      for (const key of keys) {
        hot.write("state", `k.${key}`, key, 1_000);
        truth.set(`k.${key}`, (truth.get(`k.${key}`) ?? 0) + 1);
      }
      const told = new Map(hot.hottest(1_000, 1_000).map(({ key, writes: count }) => [key, count]));
      if (truth.size <= keysMax) expect(told).toEqual(new Map(truth));
      for (const [key, count] of truth) {
        const shown = told.get(key) ?? 0;
        expect(shown).toBeLessThanOrEqual(count);
        expect(shown).toBeGreaterThanOrEqual(count - keys.length / keysMax);
      }
    }),
    { numRuns: 500 },
  );
});

test("H2: a key that is second again and again is not lost again and again", () => {
  const hot = new HotKeys<"state">({ keysMax: 2 });
  let written = 0;
  const write = (key: string, times: number) => {
    for (let at = 0; at < times; at += 1) hot.write("state", key, 1, 0);
    written += times;
  };
  write("a", 101);
  for (let round = 0; round < 50; round += 1) {
    write("b", 20);
    write(`c${round}`, 1);
    write(`d${round}`, 1);
  }
  const second = hot.hottest(2, 0).find(({ key }) => key === "b")?.writes ?? 0;
  expect(second).toBeGreaterThanOrEqual(1_000 - written / 2);
});

test("the hottest keys are of the last minute, of all buckets, and what is older is gone", () => {
  const hot = new HotKeys<"state" | "facts">();
  for (let at = 0; at < 10; at += 1) hot.write("state", "a.b", at, 1_000_000);
  for (let at = 0; at < 3; at += 1) hot.write("facts", "a.b", 7, 1_030_000);
  hot.write("state", "a.b", 99, 1_050_000);
  expect(hot.hottest(5, 1_050_000)).toEqual([
    { bucket: "state", key: "a.b", writes: 11, bytes: 99 },
    { bucket: "facts", key: "a.b", writes: 3, bytes: 7 },
  ]);
  expect(hot.hottest(5, 1_075_000).map(({ bucket, writes: count }) => [bucket, count])).toEqual([
    ["facts", 3],
    ["state", 1],
  ]);
  expect(hot.hottest(5, 9_000_000)).toEqual([]);
  hot.write("facts", "c", 1, 1_090_000);
  expect(hot.hottest(5, 1_090_000).map(({ bucket, key, writes: count }) => [bucket, key, count])).toEqual([
    ["facts", "c", 1],
    ["state", "a.b", 1],
  ]);
});

const hourMs = 3_600_000;

test("G2: the rate is that of the line, though a part of the points lies far off it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -5_000, max: 5_000 }),
      fc.array(fc.record({ at: fc.nat({ max: 99 }), value: fc.integer({ min: -1e9, max: 1e9 }) }), { maxLength: 20 }),
      (perStep, off) => {
        const growth = new Growth({ stepMs: 1_000, spanMsMax: 100_000, pointsMax: 100 });
        const wrong = new Map(off.map(({ at, value }) => [at, value]));
        for (let at = 0; at < 100; at += 1) growth.add(at * 1_000, wrong.get(at) ?? 1e6 + perStep * at);
        expect(growth.points).toHaveLength(100);
        expect(growth.perHour).toBeCloseTo(perStep * 3_600, 3);
      },
    ),
  );
});

test("G1: points are bounded, lie further apart with time, reach back as far as is said, and the newest is new", () => {
  const growth = new Growth();
  for (let at = 0; at <= 10_000; at += 1) {
    growth.add(at * 5_000, at);
    expect(growth.points.length).toBeLessThanOrEqual(120);
    const last = growth.points.at(-1)?.atMs ?? 0;
    expect(at * 5_000 - last).toBeLessThan(90_000);
  }
  const [first] = growth.points;
  const spanMs = 10_000 * 5_000 - (first?.atMs ?? 0);
  expect(spanMs).toBeGreaterThan(2 * hourMs);
  expect(spanMs).toBeLessThan(4 * hourMs);
  expect(growth.perHour).toBeCloseTo(720, 6);
});

test("nothing is said of a rate while too little is known, nor of a limit that is not approached", () => {
  const growth = new Growth({ stepMs: 1_000 });
  for (let at = 1; at < pointsMin; at += 1) growth.add(at * 1_000, at);
  expect(growth.perHour).toBeUndefined();
  growth.add(pointsMin * 1_000, pointsMin);
  expect(growth.perHour).toBeCloseTo(3_600, 6);
  expect(reachedAt(0, 100, 1_000, 300)).toBe(3 * hourMs);
  expect(reachedAt(5, 1_000, 1_000, undefined)).toBe(5);
  expect(reachedAt(5, 100, 1_000, 0)).toBeUndefined();
  expect(reachedAt(5, 100, 1_000, -1)).toBeUndefined();
  expect(reachedAt(5, 100, undefined, 10)).toBeUndefined();
});

test("C1: conflicts stand in the half minute in which they came, the most first, and are gone after ten minutes", () => {
  const map = new ConflictMap();
  const startMs = 30_000 * 1_000;
  map.add("state desk", 2, startMs);
  map.add("state desk", 3, startMs + 61_000);
  map.add("central workflow", 1, startMs + 61_000);
  const { columnsAtMs, rows } = map.view(20, startMs + 65_000);
  expect(columnsAtMs).toEqual(Array.from({ length: 20 }, (_, at) => startMs + (at - 17) * 30_000));
  expect(rows.map(({ what, counts }) => [what, counts.slice(17)])).toEqual([
    ["state desk", [2, 0, 3]],
    ["central workflow", [0, 0, 1]],
  ]);
  expect(map.view(1, startMs + 65_000).rows).toHaveLength(1);
  expect(map.view(20, startMs + 600_000).rows.map(({ counts }) => counts.reduce((sum, count) => sum + count))).toEqual([
    3, 1,
  ]);
  expect(map.view(20, startMs + 700_000).rows).toEqual([]);
});

test("C2: of too many names those that lost least go", () => {
  const map = new ConflictMap();
  map.add("hot", 100, 0);
  for (let at = 0; at < 2_000; at += 1) map.add(`name ${at}`, 1, 0);
  const { rows } = map.view(5_000, 0);
  expect(rows.length).toBeLessThanOrEqual(400);
  expect(rows[0]?.what).toBe("hot");
});

test("pages of scopes are the whole, in order, each scope once, whatever the search and the size of a page", () => {
  const sums = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-cA-C]{1,4}$/), fc.nat({ max: 5 })), {
    selector: ([name]) => name,
    maxLength: 60,
  });
  const search = fc.option(fc.stringMatching(/^[abc]$/), { nil: undefined });
  fc.assert(
    fc.property(
      sums,
      search,
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom("bytes" as const, "key" as const),
      (all, wanted, limit, sort) => {
        const scopes = all.map(
          ([name, bytes]): ScopeSum => ({
            scope: `user.${name}`,
            kind: "user",
            entries: 1,
            facts: 0,
            bytes,
            changedAtMs: 0,
          }),
        );
        const found: ScopeSum[] = [];
        let cursor: string | undefined;
        do {
          const page = pageOfScopes(scopes, { search: wanted, sort, limit, cursor });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          found.push(...page.rows);
          cursor = page.cursor;
          expect(page.total).toBe(scopes.filter(({ scope }) => scope.toLowerCase().includes(wanted ?? "")).length);
        } while (cursor !== undefined);
        const model = scopes
          .filter(({ scope }) => scope.toLowerCase().includes(wanted ?? ""))
          .sort((a, b) => (sort === "bytes" ? b.bytes - a.bytes : 0) || (a.scope < b.scope ? -1 : 1));
        expect(found).toEqual(model);
      },
    ),
  );
});
