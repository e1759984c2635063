// The state store under load on the real server, shortened; the long form is `node test/load/main.ts`.

import { expect, test } from "vitest";
import { isSumOf, Journals } from "../load/journal.ts";
import { runLoad } from "../load/run.ts";

test("with the server and the writers killed meanwhile, every acknowledged update is in exactly once, sums are conserved, tokens in order", async () => {
  const { counts, broken } = await runLoad({
    ...{ seconds: 6, processes: 2, writers: 32, keys: 10, killEveryMs: 1_500, killsMin: 2 },
    onProgress: () => {},
  });
  expect(broken).toEqual([]);
  expect(counts.acknowledged).toBeGreaterThan(500);
  expect(counts.kills).toBeGreaterThanOrEqual(2);
  for (const name of ["transfers", "sums", "locked", "registers"] as const)
    expect(counts[name], name).toBeGreaterThan(0);
});

test("the account of the journals notices an update that is lost, one that counts twice, and one that nobody made", () => {
  const judged = (standing: readonly [string, readonly [number, number, number, number]][]) => {
    const journals = new Journals();
    journals.read("begin k0 w 1\nacknowledged k0 w 1\nbegin k0 w 2\nunknown k0 w 2\nbegin k0 w 3\nbegin k0 to");
    journals.compare(new Map(standing));
    return journals.broken.length;
  };
  expect(judged([["k0 w", [1, 1, 1, 0]]])).toBe(0);
  expect(judged([["k0 w", [2, 4, 3, 0]]])).toBe(0);
  expect(judged([])).toBe(1);
  expect(judged([["k0 w", [2, 2, 1, 0]]])).toBe(1);
  expect(judged([["k0 w", [2, 3, 2, 1]]])).toBe(1);
  expect(
    judged([
      ["k0 w", [1, 1, 1, 0]],
      ["k0 v", [1, 1, 1, 0]],
    ]),
  ).toBe(1);
  expect(isSumOf([2, 3, 7], 2, 9)).toBe(true);
  expect(isSumOf([2, 3, 7], 1, 9)).toBe(false);
});
