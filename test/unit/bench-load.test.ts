import { expect, test } from "vitest";
import { drive, pace } from "../../bench/load.ts";
import type { Done } from "../../bench/side.ts";

test("a load keeps its number in flight and sends each operation once", async () => {
  const waiting: Done[] = [];
  const sent: number[] = [];
  let most = 0;
  const running = drive({
    inFlight: 4,
    until: { count: 50 },
    send: (at, done) => {
      sent.push(at);
      waiting.push(done);
      most = Math.max(most, waiting.length);
      if (waiting.length === 1) setImmediate(answerAll);
    },
  });
  function answerAll(): void {
    for (const done of waiting.splice(0)) done(undefined, 1);
  }
  const result = await running;
  expect(result.count).toBe(50);
  expect(sent).toEqual(Array.from({ length: 50 }, (_, at) => at));
  expect(most).toBe(4);
  expect(result.elapsedMs).toBeGreaterThan(0);
});

test("operations that are answered at once do not nest", async () => {
  const result = await drive({ inFlight: 2, until: { count: 100_000 }, send: (_at, done) => done(undefined, 1) });
  expect(result.count).toBe(100_000);
});

test("the first failure ends a load, and what is answered later is ignored", async () => {
  const late: Done[] = [];
  const running = drive({
    inFlight: 3,
    until: { count: 10 },
    send: (at, done) => {
      if (at === 2) setImmediate(() => done(new Error("no"), 0));
      else late.push(done);
    },
  });
  await expect(running).rejects.toThrow("no");
  for (const done of late) done(undefined, 1);
  expect(late).toHaveLength(2);
});

test("a load by time ends soon after its time and counts what was in flight", async () => {
  const result = await drive({
    inFlight: 8,
    until: { durationMs: 30 },
    send: (_at, done) => void setImmediate(() => done(undefined, 1)),
  });
  expect(result.elapsedMs).toBeGreaterThanOrEqual(30);
  expect(result.count).toBeGreaterThanOrEqual(8);
});

test("a pace sends its count at its rate, and gives back when each was answered", async () => {
  const startMs = performance.now();
  const moments = await pace({
    perSecond: 1_000,
    count: 50,
    send: (_at, done) => void setImmediate(() => done(undefined, 1)),
  });
  expect(moments).toHaveLength(50);
  expect(moments.every(Number.isFinite)).toBe(true);
  // The last of 50 is due 49 ms after the start.
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(48);
});

test("a pace ends with the first failure", async () => {
  const running = pace({ perSecond: 1_000, count: 50, send: (_at, done) => done(new Error("refused"), 0) });
  await expect(running).rejects.toThrow("refused");
});
