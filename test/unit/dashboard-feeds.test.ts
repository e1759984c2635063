// What the dashboard follows all the time: the states of all actors, and those whose turns fail.

import { expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { RecentFailures } from "../../src/monitoring/recent-failures.ts";
import { StateFeed } from "../../src/monitoring/state-feed.ts";
import type { Mail } from "../../src/runtime/mail.ts";
import { ManualClock } from "./kv-manual-clock.ts";

const text = (value: string) => encodeText(value);

test("F1, F3: each listener hears of what stood, then of every change, in order; one that throws harms no other", async () => {
  const clock = new ManualClock();
  await using store = await openMemoryStore({ bucket: "b", clock });
  await store.put("a.1", text("stood"));
  const faults: unknown[] = [];
  await using feed = new StateFeed({ store, clock, log: { warn: (fields) => faults.push(fields) } });
  const heard: string[] = [];
  feed.listen({
    onEntry: () => {
      throw new RangeError("on purpose");
    },
  });
  feed.listen({
    onEntry: ({ key, operation }, isSnapshot) => heard.push(`${key} ${operation}${isSnapshot ? " stood" : ""}`),
    onCurrent: () => heard.push("current"),
  });
  feed.start();
  const never = new AbortController();
  await feed.told(1, never.signal);
  expect([heard, feed.isCurrent]).toEqual([["a.1 put stood", "current"], true]);
  await store.put("a.2", text("x"));
  const deleted = await store.delete("a.1");
  await feed.told(deleted.revision, never.signal);
  expect(heard.slice(2)).toEqual(["a.2 put", "a.1 delete"]);
  expect(faults).toHaveLength(3);
});

test("what is waited for ends with the wait", async () => {
  const clock = new ManualClock();
  await using store = await openMemoryStore({ bucket: "b", clock });
  await using feed = new StateFeed({ store, clock, log: silentLogger });
  const waiting = new AbortController();
  const told = feed.told(99, waiting.signal);
  waiting.abort();
  await told;
});

/** As much of a mail as a feed needs: what the worker publishes is handed over at once. */
function mailWithFeed() {
  const listeners = new Set<(payload: Uint8Array) => void>();
  const asked: string[] = [];
  const mail = {
    control: async (_worker: string, payload: Uint8Array) => {
      asked.push(Buffer.from(payload).toString());
      return { kind: "reply", payload: new Uint8Array(0), errorCode: undefined };
    },
    followFeed: async (_worker: string, onBatch: (payload: Uint8Array) => void) => {
      listeners.add(onBatch);
      const close = async () => void listeners.delete(onBatch);
      return { close, [Symbol.asyncDispose]: close };
    },
  } as unknown as Mail;
  const fail = (...actors: readonly (string | null)[]) => {
    const about = {
      atMs: 0,
      level: "warn",
      method: "add",
      turn: null,
      durationMs: null,
      code: null,
      text: "no",
      trace: null,
    };
    const items = actors.map((actor) => ({ kind: "turn-retried", actor, ...about }));
    const batch = encodeText(JSON.stringify({ worker: "w", atMs: 0, items, skipped: {} }));
    for (const each of listeners) each(batch);
  };
  return { mail, fail, asked };
}

test("F1: an actor that has failed is held for five minutes, the last of at most 10,000", async () => {
  const clock = new ManualClock();
  const { mail, fail, asked } = mailWithFeed();
  await using failures = new RecentFailures({ mail, clock });
  failures.follow(["w"]);
  await new Promise((resolve) => setImmediate(resolve));
  // D1 of `worker-feed.ts`: what is asked for is there anyway.
  expect(asked).toEqual([expect.stringContaining('"perSecond":0,')]);
  fail("counter/c1", null, "no address", "/", "counter/");
  clock.pass(200_000);
  fail("note/a b");
  expect([failures.has("counter.c1"), failures.has("note.a=20b"), failures.has("counter.c2")]).toEqual([
    true,
    true,
    false,
  ]);
  expect([failures.size, failures.lastActor]).toEqual([2, "note/a b"]);
  clock.pass(100_000);
  expect([failures.has("counter.c1"), failures.size]).toEqual([false, 1]);
  fail(...Array.from({ length: 10_100 }, (_, at) => `counter/x${at}`));
  expect([failures.size, failures.has("counter.x0"), failures.has("counter.x10099")]).toEqual([10_000, false, true]);
});
