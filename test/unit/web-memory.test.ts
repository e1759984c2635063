import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scopeKey } from "../../src/memory/scope.ts";
import { heatOf, shadeOf, shadesMax } from "../../web/src/memory/conflict-heat.ts";
import { alignedOf, forecastOf, growthOf, inWords } from "../../web/src/memory/growth.ts";
import { placeOf, readScopeKey, scopeName } from "../../web/src/memory/scope-name.ts";
import { at } from "../../web/src/parts/json-pointer.ts";
import { stepsBetween } from "../../web/src/parts/steps-between.ts";

const hourMs = 3_600_000;

describe("scopes and keys", () => {
  test("are called as people call them, and lead to where they are", () => {
    const key = scopeKey({ user: "山 a@b.org", agent: { type: "desk", id: "t/1" }, session: "s" });
    expect(scopeName(key)).toBe("user 山 a@b.org, agent desk/t/1, session s");
    expect(readScopeKey(`${key}.log.00000001`)).toMatchObject({ scope: key, rest: "log.00000001" });
    expect([scopeName("user"), scopeName("what.else")]).toEqual(["user", "what.else"]);
    const place = (bucket: "state" | "memory" | "central", of: string) => placeOf({ bucket, key: of });
    expect(place("state", "desk.t=2F1")).toEqual({ text: "desk/t/1", parts: ["actors", "desk", "t/1"] });
    expect(place("memory", `${key}.head`).parts).toEqual(["memory", key]);
    expect(place("central", "prize.one=2E")).toEqual({ text: "prize one.", parts: null });
  });
});

describe("the forecast of a stream", () => {
  const stream = { bytes: 500, bytesMax: 1_000, bytesPerHour: 10_000, fullAtMs: null };
  const of = (more: object) => forecastOf({ ...stream, ...more }, 0);

  test("says when it is full, and how much that matters", () => {
    expect(of({ fullAtMs: hourMs / 2 })).toEqual({ tone: "problem", text: "full in about 30 minutes" });
    expect(of({ fullAtMs: 5 * hourMs })).toEqual({ tone: "warning", text: "full in about 5 hours" });
    expect(of({ fullAtMs: 240 * hourMs })).toEqual({ tone: "quiet", text: "full in about 10 days" });
    expect(of({ bytes: 1_000 })).toEqual({ tone: "problem", text: "full now" });
    expect(of({ fullAtMs: -5 })).toEqual({ tone: "problem", text: "full within a minute" });
  });

  test("says that it does not know, rather than never", () => {
    expect(of({ bytesPerHour: null })).toEqual({ tone: "quiet", text: "watched for too short a time to say" });
    expect(of({ bytesMax: null }).text).toBe("no limit");
    expect(of({ bytesPerHour: -20_000 }).text).toBe("shrinks");
    expect(growthOf(null)).toBe("not known yet");
    expect(growthOf(-2_500)).toBe("−2.50 kB/h");
    expect(growthOf(0)).toBe("does not grow");
  });

  test("what is nearly full is a warning, also when it does not grow", () => {
    expect(of({ bytes: 950, bytesPerHour: 0 }).tone).toBe("warning");
    expect(of({ bytes: 950, fullAtMs: 900 * hourMs }).tone).toBe("warning");
  });

  test("longer never sounds sooner", () => {
    const units = ["minute", "hour", "day", "month", "year"];
    const rank = (text: string) => units.findIndex((unit) => text.includes(unit));
    fc.assert(
      fc.property(fc.nat(2 * 365 * 24 * hourMs), fc.nat(365 * 24 * hourMs), (ms, more) => {
        expect(rank(inWords(ms + more))).toBeGreaterThanOrEqual(rank(inWords(ms)));
      }),
    );
  });
});

test("streams that are looked at at moments of their own have common times: what was last seen holds", () => {
  const point = (atMs: number, bytes: number) => ({ atMs, bytes });
  const { times, lines } = alignedOf([[point(1, 10), point(3, 30)], [point(2, 200)], []]);
  expect(times).toEqual([1, 2, 3]);
  expect(lines).toEqual([
    [10, 10, 30],
    [null, 200, 200],
    [null, null, null],
  ]);
});

describe("the heat map of conflicts", () => {
  const map = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 6 })).chain(([columns, rows]) =>
    fc.record({
      columnsAtMs: fc.constant(Array.from({ length: columns }, (_, nth) => nth * 30_000)),
      rows: fc.array(
        fc.record({ what: fc.string(), counts: fc.array(fc.nat(5_000), { minLength: columns, maxLength: columns }) }),
        { minLength: rows, maxLength: rows },
      ),
    }),
  );

  test("putting columns together changes no sum, and no row is lost that has one", () => {
    fc.assert(
      fc.property(map, fc.integer({ min: 1, max: 25 }), (conflicts, columnsMax) => {
        const rows = heatOf(conflicts, columnsMax);
        const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0);
        expect(rows.map(({ total }) => total)).toEqual(
          conflicts.rows
            .map(({ counts }) => sum(counts))
            .filter((total) => total > 0)
            .sort((a, b) => b - a),
        );
        for (const { cells, total } of rows) {
          expect(cells.length).toBeLessThanOrEqual(columnsMax);
          expect(sum(cells.map(({ count }) => count))).toBe(total);
        }
      }),
    );
  });

  test("more is never lighter, none has no shade, and the highest has the darkest", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), fc.nat(10_000), (one, other, most) => {
        const highest = Math.max(one, other, most, 2);
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        expect(shadeOf(low, highest)).toBeLessThanOrEqual(shadeOf(high, highest));
        expect(shadeOf(0, highest)).toBe(0);
        expect(shadeOf(1, highest)).toBe(highest === 1 ? 1 : highest > 1 ? 1 : 0);
        expect(shadeOf(highest, highest)).toBe(shadesMax);
      }),
    );
  });
});

describe("what has changed from one version of a fact to the next", () => {
  test("each step says what stands there now, and what is not named is as it was", () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(json, json, (before, after) => {
        for (const step of stepsBetween(before, after)) {
          if (step.op === "remove") expect(at(after, step.path)).toBeUndefined();
          else expect(at(after, step.path)).toEqual(step.value);
        }
        expect(stepsBetween(after, structuredClone(after))).toEqual([]);
      }),
    );
  });

  test("a member that every object inherits is not there when nobody has set it", () => {
    expect(at({}, "/toString")).toBeUndefined();
    expect(stepsBetween({ toString: 1 }, {})).toEqual([{ op: "remove", path: "/toString" }]);
  });

  test("members are named one by one, with their odd names", () => {
    expect(stepsBetween({ a: 1, "b/c": { d: 1 }, gone: 1 }, { a: 2, "b/c": { d: 1, e: 3 } })).toEqual([
      { op: "replace", path: "/a", value: 2 },
      { op: "add", path: "/b~1c/e", value: 3 },
      { op: "remove", path: "/gone" },
    ]);
    expect(stepsBetween("Bergen", { name: "Oslo" })).toEqual([{ op: "replace", path: "", value: { name: "Oslo" } }]);
  });
});
