import fc from "fast-check";
import { expect, test } from "vitest";
import { isFound, narrow, openBracket, probesOf } from "../../src/memory/log-end.ts";
import { recordMax } from "../../src/memory/memory-keys.ts";

/** How many requests it takes to find the end of a log, and what is found. `growth`: records that come with each of them. */
function search(from: number, end: number, growth = 0): { found: number; requests: number; probes: number } {
  let bracket = openBracket(from);
  let standing = end;
  let [requests, probes] = [0, 0];
  while (!isFound(bracket)) {
    const wanted = probesOf(bracket);
    expect(wanted.length).toBeGreaterThan(0);
    bracket = narrow(bracket, wanted, (record) => record <= standing);
    standing = Math.min(recordMax, standing + growth);
    requests += 1;
    probes += wanted.length;
  }
  return { found: bracket.low, requests, probes };
}

test("E1: the end is found whatever it is, from any record that stands", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: recordMax }), fc.double({ min: 0, max: 1, noNaN: true }), (end, share) => {
      expect(search(Math.floor(end * share), end).found).toBe(end);
    }),
    {
      examples: [
        [0, 0],
        [1, 0],
        [recordMax, 0],
        [recordMax, 1],
        [4, 1],
        [5, 0.2],
      ],
    },
  );
});

test("E1: while the log grows what is found stood at some moment of the search", () => {
  fc.assert(
    fc.property(fc.nat({ max: 100_000 }), fc.nat({ max: 50 }), (end, growth) => {
      const { found, requests } = search(0, end, growth);
      expect(found).toBeGreaterThanOrEqual(end);
      expect(found).toBeLessThanOrEqual(end + growth * requests);
    }),
  );
});

test("a handful of requests find the end: one where nothing is new, five for 100,000 records", () => {
  expect(search(1_000, 1_000)).toMatchObject({ requests: 1 });
  expect(search(1_000, 1_001).requests).toBeLessThanOrEqual(2);
  for (const [end, requests] of [
    [10, 2],
    [1_000, 4],
    [10_000, 5],
    [100_000, 6],
    [10_000_000, 8],
  ] as const) {
    const searched = search(0, end);
    expect(searched.requests, `${end}`).toBeLessThanOrEqual(requests);
    expect(searched.probes).toBeLessThanOrEqual(15 * requests);
  }
});

test("probes lie within the bracket, in order, each once", () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000 }), fc.integer({ min: 2, max: 1_000_000 }), (low, room) => {
      const probes = probesOf({ low, high: low + room });
      expect([...new Set(probes)].toSorted((x, y) => x - y)).toEqual(probes);
      expect(probes.every((record) => record > low && record < low + room)).toBe(true);
      expect(probes.length).toBeLessThanOrEqual(15);
    }),
  );
});
