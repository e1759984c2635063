import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "../../src/memory/entry.ts";
import { toEntry } from "../../src/memory/entry.ts";
import { pageSizeAfter, rangesOf } from "../../src/memory/log-pages.ts";
import type { Segment } from "../../src/memory/log-segments.ts";
import { inOrder, leftBehind, WindowFilling } from "../../src/memory/log-window.ts";
import { approximateTokens } from "../../src/memory/token-count.ts";

const scope = { session: "s" };
const entryAt = (record: number, text = "x"): Entry =>
  toEntry({ id: `i${record}`, text }, 0, { scope, record, key: "k", revision: record, writtenAtMs: 0 });
const countTokens = ({ text }: Entry) => text.length;

test("N1: what is taken is what is pinned and the longest run of the newest entries that fits beside it", () => {
  const lengths = fc.array(fc.nat({ max: 9 }), { maxLength: 30 });
  fc.assert(
    fc.property(lengths, fc.array(fc.nat({ max: 29 })), fc.nat({ max: 150 }), (sizes, pinned, budget) => {
      const log = sizes.map((size, at) => entryAt(at + 1, "x".repeat(size)));
      const fixed = log.filter((_, at) => pinned.includes(at));
      const filling = new WindowFilling(budget, countTokens, fixed);
      const offered = log.toReversed();
      const refused = offered.find((entry) => !filling.offer(entry));
      const taken = new Set(filling.entries);
      expect(filling.entries).toHaveLength(taken.size);
      expect(filling.tokens).toBe([...taken].reduce((sum, entry) => sum + countTokens(entry), 0));
      expect(fixed.every((entry) => taken.has(entry))).toBe(true);
      expect(filling.isOverBudget || filling.tokens <= budget).toBe(true);
      expect(filling.refused).toBe(refused);
      // Without a gap: all that is newer than what was refused, and nothing that is older but the pinned.
      const bound = refused?.position ?? 0;
      for (const entry of log) expect(taken.has(entry)).toBe(entry.position > bound || fixed.includes(entry));
      if (refused !== undefined) expect(filling.tokens + countTokens(refused)).toBeGreaterThan(budget);
    }),
  );
});

test("the summary stands behind what it covers", () => {
  const [one, two, three, summary] = [1, 2, 3, 9].map((record) => entryAt(record));
  const entries = [summary, three, one, two].filter((entry) => entry !== undefined);
  expect(inOrder(entries, summary, 2_000).map(({ position }) => position)).toEqual([1_000, 2_000, 9_000, 3_000]);
  expect(inOrder(entries, undefined, -1).map(({ position }) => position)).toEqual([1_000, 2_000, 3_000, 9_000]);
});

const segment = (first: number, last: number): Segment => ({ scope, first, last, upTo: Number.MAX_SAFE_INTEGER });

test("N3: what is left out is counted over the segments, without what is covered or pinned", () => {
  expect(leftBehind([segment(1, 10)], 7_000, -1, [])).toEqual({ upTo: 7_000, entries: 7, isExact: false });
  expect(leftBehind([segment(1, 3), segment(4, 10)], 7_000, 2_000, [entryAt(5), entryAt(1)]).entries).toBe(4);
  expect(leftBehind([segment(1, 10)], 1_000, -1, [])).toEqual({ upTo: 1_000, entries: 1, isExact: true });
});

test("pages cover every record of every segment once, in the order asked for", () => {
  const segments = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 20 })), { maxLength: 4 });
  fc.assert(
    fc.property(
      segments,
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom("oldest", "newest"),
      (spans, pageSize, order) => {
        let at = 1;
        const all = spans.map(([gap, length]) => {
          const made = segment(at + gap, at + gap + length);
          at = made.last + 1;
          return made;
        });
        const numbers = [...rangesOf(all, order, { pageSize })].map(({ first, last }) => {
          expect(last - first).toBeLessThan(pageSize);
          const page = Array.from({ length: last - first + 1 }, (_, index) => first + index);
          return order === "oldest" ? page : page.toReversed();
        });
        const wanted = all.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(numbers.flat()).toEqual(order === "oldest" ? wanted : wanted.toReversed());
      },
    ),
  );
});

test("pages grow while records are small, and shrink when they are large", () => {
  const mib = 1_048_576;
  expect(pageSizeAfter(64, 64 * 300, 499)).toBe(256);
  expect(pageSizeAfter(256, 256 * 300, 499)).toBe(499);
  expect(pageSizeAfter(64, 64 * mib, 499)).toBe(4);
  expect(pageSizeAfter(1, 100 * mib, 499)).toBe(1);
  expect(pageSizeAfter(8, 0, 8)).toBe(8);
});

test("tokens are counted by characters: more for other scripts, and for what goes with the text", () => {
  const count = (text: string, more: object = {}) => approximateTokens({ ...entryAt(1, text), ...more });
  expect(count("")).toBe(4);
  expect(count("The quick brown fox jumps.")).toBe(11);
  expect(count("нейросеть")).toBe(10);
  expect(count("今日は")).toBe(6);
  expect(count("x", { speaker: "Anna", data: { a: 1 } })).toBe(4 + 1 + 1 + 2);
});
