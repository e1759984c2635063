// The parts of the world in memory: wires (W1 to W4) and streams.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { MemoryStream } from "../../src/runtime/memory-stream.ts";
import { Breath, Wire } from "../../src/runtime/memory-wire.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

test("W1, W2: whatever the delays, parcels arrive in the order in which they were sent, none before its time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(100), { maxLength: 30 }), async (delays) => {
      const clock = createSimulatedClock({ seed: 1 });
      const wire = new Wire(clock, new Breath());
      const startMs = clock.now();
      const arrived: { at: number; afterMs: number }[] = [];
      for (const [at, delayMs] of delays.entries()) {
        wire.send(() => arrived.push({ at, afterMs: clock.now() - startMs }), delayMs);
      }
      expect(arrived).toEqual([]);
      await clock.advance(100);
      expect(arrived.map(({ at }) => at)).toEqual(delays.map((_, at) => at));
      let latest = 0;
      for (const { at, afterMs } of arrived) {
        latest = Math.max(latest, delays[at] ?? 0);
        expect(afterMs).toBe(latest);
      }
    }),
  );
});

test("W3: what was under way when the wire was cut never arrives; what is sent afterwards does", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const wire = new Wire(clock, new Breath());
  const arrived: string[] = [];
  wire.send(() => arrived.push("at once"));
  wire.send(() => arrived.push("late"), 50);
  wire.cut();
  wire.send(() => arrived.push("after"), 10);
  await clock.advance(100);
  expect(arrived).toEqual(["after"]);
});

test("a wire that is cut by what arrives on it delivers nothing more of what was there", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const wire = new Wire(clock, new Breath());
  const arrived: number[] = [];
  for (let at = 0; at < 5; at += 1) {
    wire.send(() => {
      arrived.push(at);
      if (at === 2) wire.cut();
    });
  }
  await clock.advance(10);
  expect(arrived).toEqual([0, 1, 2]);
});

test("a frozen wire holds everything until it thaws, in order", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const wire = new Wire(clock, new Breath());
  const arrived: number[] = [];
  wire.send(() => arrived.push(0), 10);
  wire.freeze();
  wire.send(() => arrived.push(1));
  await clock.advance(1_000);
  expect(arrived).toEqual([]);
  wire.thaw();
  await clock.advance(0);
  expect(arrived).toEqual([0, 1]);
});

test("many parcels in a row let the clock have its turn", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const wire = new Wire(clock, new Breath());
  let arrived = 0;
  let seenByTimer = 0;
  const sendNext = () => {
    arrived += 1;
    if (arrived < 5_000) wire.send(sendNext);
  };
  wire.send(sendNext);
  clock.after(0, () => {
    seenByTimer = arrived;
  });
  await clock.advance(0);
  expect(arrived).toBe(5_000);
  expect(seenByTimer).toBeLessThan(300);
});

test("a stream forgets an id when its window is over, and only then", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const stream = new MemoryStream(clock, 1_000);
  const letter = { key: "a.b", method: "c", payload: new Uint8Array(0), lines: undefined };
  const append = () => stream.append("p.", letter, "id");
  expect(append()).toMatchObject({ sequence: 1, isDuplicate: false });
  await clock.advance(1_000);
  expect(append()).toMatchObject({ sequence: 1, isDuplicate: true });
  await clock.advance(1);
  expect(append()).toMatchObject({ sequence: 2, isDuplicate: false });
  await clock.advance(600);
  expect(append()).toMatchObject({ sequence: 2, isDuplicate: true });
});

test("no timer asks the clock for more than the machine can count", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const asked: number[] = [];
  const after = (delayMs: number, fn: () => void) => {
    asked.push(delayMs);
    return clock.after(delayMs, fn);
  };
  const counting: Clock = {
    ...{ now: () => clock.now(), monotonicMs: () => clock.monotonicMs(), after },
    ...{ random: () => clock.random(), uniqueId: () => clock.uniqueId() },
  };
  const world = new MemoryWorld({ clock: counting });
  let fired = 0;
  const yearMs = 365 * 24 * 3_600_000;
  world.setTimer("t", { kind: "at", atMs: clock.now() + yearMs }, () => {
    fired += 1;
  });
  await clock.advance(yearMs - 1);
  expect(fired).toBe(0);
  await clock.advance(1);
  expect(fired).toBe(1);
  expect(Math.max(...asked)).toBeLessThan(2 ** 31);
});
