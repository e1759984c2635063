import { expect, test } from "vitest";
import { Durations, median, percentile, spread } from "../../bench/stats.ts";

test("a median is the middle value, or the mean of the two middle ones, whatever the order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("a percentile is a value that occurs, by nearest rank", () => {
  const values = Array.from({ length: 100 }, (_, at) => at + 1);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile(values, 1)).toBe(100);
  expect(percentile([5], 0.01)).toBe(5);
  expect(percentile([], 0.5)).toBeNaN();
});

test("a spread is the distance of the outermost rounds in terms of the median", () => {
  expect(spread([10])).toBe(0);
  expect(spread([90, 100, 110])).toBeCloseTo(0.2);
  expect(spread([-90, -100, -110])).toBeCloseTo(0.2);
});

test("durations are kept beyond the first allocation, and sorted as numbers", () => {
  const durations = new Durations();
  for (let ms = 20_000; ms >= 1; ms -= 1) durations.add(ms);
  expect(durations.count).toBe(20_000);
  expect(durations.percentiles()).toEqual({ p50Ms: 10_000, p99Ms: 19_800 });
});
