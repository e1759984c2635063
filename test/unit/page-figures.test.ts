// Figures, times and lists of the page, where no browser is needed to see that they are right.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeId, keyOf } from "../../src/core/ids.ts";
import type { ActorRow } from "../../src/monitoring/dashboard/api/actors.ts";
import type { Second } from "../../src/monitoring/dashboard/api/now.ts";
import type { Unhealthy } from "../../src/monitoring/dashboard/api/page.ts";
import { idIn, keyOf as keyOnPage } from "../../web/src/actors/actor-key.ts";
import { withChanges } from "../../web/src/actors/changed-rows.ts";
import { decodePart, encodePart } from "../../web/src/address-part.ts";
import { bytes, count, duration, plural, share } from "../../web/src/format/figures.ts";
import { ago } from "../../web/src/format/times.ts";
import { EventParser } from "../../web/src/live/event-parser.ts";
import { joined, withGaps } from "../../web/src/live/joined-seconds.ts";
import type { Shown } from "../../web/src/now/steady-list.ts";
import { steadied } from "../../web/src/now/steady-list.ts";
import { roundedUp } from "../../web/src/parts/axis.ts";

describe("figures", () => {
  test("what is not known is a dash and never a 0", () => {
    for (const print of [count, duration, bytes, share]) {
      expect([print(null), print(undefined), print(Number.NaN)]).toEqual(["–", "–", "–"]);
      expect(print(0)).not.toBe("–");
    }
  });

  test("carry their unit and few digits", () => {
    expect([0, 0.44, 9.96, 12.4, 9_999, 12_345, 123_456, 4_560_000].map(count)).toEqual([
      "0",
      "0.4",
      "10.0",
      "12",
      "9,999",
      "12.3k",
      "123k",
      "4.56M",
    ]);
    expect([0, 0.04, 4.25, 640, 1_300, 12_345, 90_000, 5_400_000, 172_800_000].map(duration)).toEqual([
      "0 ms",
      "40 µs",
      "4.3 ms",
      "640 ms",
      "1.3 s",
      "12 s",
      "1 min",
      "1.5 h",
      "2 d",
    ]);
    expect([0, 999, 12_345, 4_560_000, 7.5e12].map(bytes)).toEqual(["0 B", "999 B", "12.3 kB", "4.56 MB", "7.50 TB"]);
    expect([plural(1, "worker"), plural(2_000, "worker")]).toEqual(["1 worker", "2,000 workers"]);
  });

  test("an age has no future because a clock is a little wrong", () => {
    expect([1_500, 0, -1_000, -9_500, -100_000].map((of) => ago(of, 0))).toEqual([
      "now",
      "now",
      "now",
      "9 s ago",
      "1 min ago",
    ]);
    expect(ago(60_000, 0)).toBe("in 1 min");
  });

  test("the axis ends at a round figure that holds the highest, and whose half is round too", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1e9, noNaN: true }), (highest) => {
        const end = roundedUp(highest);
        expect(end).toBeGreaterThanOrEqual(highest * 0.999_999);
        expect(end).toBeLessThanOrEqual(highest * 2.000_001);
        expect(Number((end / 2).toPrecision(2))).toBeCloseTo(end / 2, 6);
      }),
    );
  });
});

describe("what is unhealthy", () => {
  const trouble = (level: Unhealthy["level"], text: string, id = text): Unhealthy => {
    return { id, level, text, remedy: "", where: null };
  };
  const texts = (shown: readonly Shown[]) =>
    shown.map(({ entry, overSinceMs }) => `${entry.text}${overSinceMs === null ? "" : " (over)"}`);

  test("keeps its place while its figures change, and the worst is first", () => {
    let shown = steadied([], [trouble("warning", "900 ms", "a"), trouble("warning", "b")], 0);
    shown = steadied(
      shown,
      [trouble("warning", "b"), trouble("warning", "1.2 min", "a"), trouble("problem", "c")],
      1_000,
    );
    expect(texts(shown)).toEqual(["c", "1.2 min", "b"]);
  });

  test("of two alike both are shown, whatever they are called", () => {
    const gone = (worker: string) => trouble("warning", `The worker ${worker} went 1 s ago`, `departed:${worker}`);
    const shown = steadied(steadied([], [gone("w1"), gone("w2")], 0), [gone("w1"), gone("w2")], 1_000);
    expect(texts(shown)).toEqual(["The worker w1 went 1 s ago", "The worker w2 went 1 s ago"]);
  });

  test("is seen to be over for some seconds, and comes back to its place", () => {
    let shown = steadied([], [trouble("warning", "a"), trouble("warning", "b")], 0);
    shown = steadied(shown, [trouble("warning", "b")], 1_000);
    expect(texts(shown)).toEqual(["a (over)", "b"]);
    expect(texts(steadied(shown, [trouble("warning", "b"), trouble("warning", "a")], 2_000))).toEqual(["a", "b"]);
    expect(texts(steadied(shown, [trouble("warning", "b")], 7_500))).toEqual(["b"]);
  });
});

describe("the live stream", () => {
  test("events come out whole, however the text is cut; comments are none", () => {
    const text =
      ': hello\n\nevent: now\ndata: {"a":1}\n\nevent: health\r\ndata: "x\\ny"\r\n\r\n: still here\n\ndata: 1\ndata: 2\n\n';
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
        const parser = new EventParser();
        const ends = [...cuts.toSorted((one, other) => one - other), text.length];
        const events = ends.flatMap((end, at) => parser.push(text.slice(ends[at - 1] ?? 0, end)));
        expect(events).toEqual([
          { name: "now", data: '{"a":1}' },
          { name: "health", data: '"x\\ny"' },
          { name: "message", data: "1\n2" },
        ]);
      }),
    );
  });

  test("an event that never ends is refused instead of kept", () => {
    const parser = new EventParser();
    expect(() => parser.push("x".repeat(9_000_000))).toThrow("no end");
  });

  test("seconds that were read and seconds that came live make one list, each once, the last ten minutes", () => {
    const second = (atMs: number) => ({ atMs }) as Second;
    expect(joined([second(1), second(2)], [second(2), second(3)]).map(({ atMs }) => atMs)).toEqual([1, 2, 3]);
    const many = Array.from({ length: 700 }, (_, nth) => second(nth));
    expect(joined(many, [second(700)])).toHaveLength(600);
    expect(joined(many, [second(700)]).at(-1)?.atMs).toBe(700);
  });

  test("a time of which nothing is known is a gap and no line, a second that came late is none", () => {
    const seconds = [0, 1_000, 3_400, 44_000, 45_000].map((atMs) => ({ atMs }) as Second);
    const moments = withGaps(seconds);
    expect(moments.flatMap(({ second }) => second ?? [])).toEqual(seconds);
    expect(moments.filter(({ second }) => second === null).map(({ atMs }) => atMs)).toEqual([3_401]);
    expect(moments.map(({ atMs }) => atMs)).toEqual(moments.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(withGaps([])).toEqual([]);
  });
});

test("whatever an id is, its address leads to it: dots alone mean something else in addresses", () => {
  const ids = fc.oneof(
    fc.constantFrom(".", "..", "...", "~", "~..", "%2E%2E", "a/..", "../x"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  );
  fc.assert(
    fc.property(ids, (id) => {
      const { pathname } = new URL(`/actors/tally/${encodePart(id)}/history`, "http://127.0.0.1:4270");
      const [, , , part = ""] = pathname.split("/");
      expect([decodePart(part), pathname.endsWith("/history")]).toEqual([id, true]);
    }),
  );
});

describe("actors on the screen", () => {
  test("their key is the runtime's", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), (id) => {
        expect(keyOnPage("desk", id)).toBe(keyOf({ type: "desk", id }));
        expect(idIn(escapeId(id))).toBe(id);
      }),
    );
  });

  test("a change takes its row's place, an older one does not, and others move nothing", () => {
    const row = (id: string, revision: number) => ({ type: "desk", id, revision }) as ActorRow;
    const rows = [row("a", 5), row("b", 6)];
    expect(withChanges(rows, [row("b", 9), row("c", 10)])).toEqual([row("a", 5), row("b", 9)]);
    expect(withChanges(rows, [row("a", 4), row("c", 10)])).toBe(rows);
    expect(withChanges(rows, [row("a", 9), row("a", 7)])).toEqual([row("a", 9), row("b", 6)]);
  });
});
