// The monitor on stores in memory, with time and streams that the test makes: growth and what it leads to.

import { expect, test } from "vitest";
import { encodeText } from "../../src/core/codec.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { openContextStore } from "../../src/memory/context-store.ts";
import { followConflicts } from "../../src/monitoring/conflict-feed.ts";
import type { NowView } from "../../src/monitoring/dashboard/api/now.ts";
import type { StreamsReading } from "../../src/monitoring/memory-monitor.ts";
import { MemoryMonitor } from "../../src/monitoring/memory-monitor.ts";
import type { WorkerSpan } from "../../src/monitoring/now-figures.ts";
import type { AccountFacts } from "../../src/runtime/inspect.ts";
import type { StreamFacts, StreamRole } from "../../src/runtime/inspect-stream.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

const hourMs = 3_600_000;

const streamOf = (role: StreamRole, bytes: number, bytesMax = -1): StreamFacts => ({
  ...{ role, name: `KV_desk_${role}`, storage: "file", replicas: 1, peers: [], isAcknowledgedEarly: false },
  ...{ messages: 1, bytes, bytesMax, messagesMax: -1, dropsOldest: false, ageMsMax: 0, history: 1 },
  ...{ duplicateWindowMs: 0, lastSequence: 1 },
});

const accountOf = (storageBytes: number, storageBytesMax: number): AccountFacts => ({
  ...{ storageBytes, storageBytesMax, memoryBytes: 0, memoryBytesMax: -1, streams: 2, streamsMax: -1 },
  ...{ consumers: 0, consumersMax: -1 },
});

/** Growth of both streams and of the account per hour; the limits of the facts and of the account. */
async function after(hours: number, limits: { readonly facts: number; readonly account: number }) {
  const clock = createSimulatedClock({ seed: 1 });
  const startMs = clock.now();
  const readStreams = async (): Promise<StreamsReading> => {
    const passed = (clock.now() - startMs) / hourMs;
    const [facts, state] = [1_000 + 100 * passed, 5_000 + 900 * passed];
    const streams = [streamOf("facts", facts, limits.facts), streamOf("state", state)];
    return { streams, account: accountOf(facts + state, limits.account) };
  };
  const monitor = new MemoryMonitor({ clock, readStreams, openBucket: async () => undefined });
  monitor.start();
  await clock.advance(hours * hourMs);
  const { streams, atMs } = monitor.figures();
  const closing = monitor.close();
  await clock.run();
  await closing;
  const [facts, state, account] = streams;
  return {
    facts,
    state,
    account,
    hoursTo: (at: number | undefined) => (at === undefined ? undefined : (at - atMs) / hourMs),
  };
}

test("a stream's own limit is forecast by its own growth, the account's by that of all streams, the nearer one counts", async () => {
  const own = await after(3, { facts: 1_500, account: -1 });
  expect(own.facts?.bytesPerHour).toBeCloseTo(100, 3);
  expect(own.facts?.bytesMax).toBe(1_500);
  expect(own.hoursTo(own.facts?.fullAtMs)).toBeCloseTo(2, 2);
  expect([own.state?.bytesMax, own.state?.fullAtMs, own.account]).toEqual([undefined, undefined, undefined]);
  const all = await after(3, { facts: 1_500, account: 10_000 });
  // 6,000 + 3,000 are used, 1,000 an hour come.
  expect(all.account).toMatchObject({ role: "account", bytesMax: 10_000 });
  expect(all.hoursTo(all.account?.fullAtMs)).toBeCloseTo(1, 2);
  expect(all.hoursTo(all.facts?.fullAtMs)).toBeCloseTo(1, 2);
  expect(all.state?.bytesMax).toBeCloseTo(5_000 + 2_700 + 1_000, 0);
  const roomy = await after(3, { facts: 1_350, account: 100_000 });
  expect(roomy.hoursTo(roomy.facts?.fullAtMs)).toBeCloseTo(0.5, 2);
  expect(roomy.facts?.bytesMax).toBe(1_350);
});

test("G1, M2: the line of a stream is bounded however long it is watched", async () => {
  const { facts } = await after(12, { facts: -1, account: -1 });
  expect(facts?.past.length).toBeLessThanOrEqual(120);
  expect(facts?.past.length).toBeGreaterThan(60);
});

test("M1: after a break what stands is counted anew, and what is gone does not count", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const openFacts = () => openMemoryStore({ bucket: "facts", history: 16, clock });
  let facts = await openFacts();
  const put = (scope: string) => clock.runFor(facts.put(`${scope}.fact.a`, encodeText('{"value":1,"id":"w"}')));
  await put("user.anna");
  const monitor = new MemoryMonitor({
    clock,
    readStreams: async () => ({ streams: [], account: undefined }),
    openBucket: async (bucket) => (bucket === "facts" ? facts : undefined),
  });
  const shown = () => [...monitor.scopes()].map(({ scope }) => scope);
  monitor.start();
  await clock.runUntil(() => shown().length === 1);
  const before = facts;
  facts = await openFacts();
  await put("user.bo");
  await before.close();
  await clock.runUntil(() => shown().includes("user.bo"));
  expect(shown()).toEqual(["user.bo"]);
  const closing = monitor.close();
  await clock.run();
  await closing;
});

test("lost races are counted once for each second that was read", () => {
  const clock = createSimulatedClock({ seed: 1 });
  const readStreams = async (): Promise<StreamsReading> => ({ streams: [], account: undefined });
  const monitor = new MemoryMonitor({ clock, readStreams, openBucket: async () => undefined });
  const spanOf = (of: string, value: number): WorkerSpan => ({
    ...{ worker: "w", seconds: 1 },
    series: [{ name: "troupe.conflicts", labels: { bucket: "state", of }, value }],
  });
  let tell = () => {};
  const now = {
    spans: [spanOf("desk", 2), spanOf("desk", 3), spanOf("bell", 1), spanOf("none", 0)] as readonly WorkerSpan[],
    onSecond: (listener: (view: NowView) => void) => {
      tell = () => listener({} as NowView);
      return () => {};
    },
  };
  followConflicts(now, monitor);
  for (let times = 0; times < 3; times += 1) tell();
  now.spans = [spanOf("bell", 10)];
  tell();
  const sums = monitor.conflictMap().rows.map(({ what, counts }) => [what, counts.reduce((sum, count) => sum + count)]);
  expect(sums).toEqual([
    ["state bell", 11],
    ["state desk", 5],
  ]);
});

test("the growth of a kind of scope is that of its values, and nothing is said of it while what stands is still read", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const [entries, facts] = [
    await openMemoryStore({ bucket: "memory", clock }),
    await openMemoryStore({ bucket: "facts", history: 16, clock }),
  ];
  const memory = openContextStore({ entries, facts, clock });
  let isThere = false;
  const monitor = new MemoryMonitor({
    clock,
    readStreams: async () => ({ streams: [], account: undefined }),
    openBucket: async (bucket) => (isThere ? (bucket === "memory" ? entries : facts) : undefined),
  });
  const write = async (at: number) => clock.runFor(memory.facts({ user: "anna" }).set(`f${at}`, "x".repeat(100)));
  await write(0);
  monitor.start();
  await clock.advance(1);
  isThere = true;
  await clock.advance(10_000);
  expect(monitor.figures()).toMatchObject({
    isComplete: true,
    kinds: [{ kind: "user", scopes: 1, facts: 1, bytesPerHour: undefined }],
  });
  const before = monitor.figures().kinds[0]?.bytes ?? 0;
  for (let at = 1; at <= 60; at += 1) {
    await write(at);
    await clock.advance(60_000);
  }
  const { kinds } = monitor.figures();
  const grown = (kinds[0]?.bytes ?? 0) - before;
  expect(kinds).toMatchObject([{ kind: "user", scopes: 1, facts: 61 }]);
  expect(kinds[0]?.bytesPerHour).toBeGreaterThan(grown * 0.95);
  expect(kinds[0]?.bytesPerHour).toBeLessThan(grown * 1.05);
  const closing = monitor.close();
  await clock.run();
  await closing;
});
