import { expect, test } from "vitest";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";

const startMs = Date.UTC(2026, 0, 1);

test("T1: timers run in order of their time, those of one time in the order in which they were set", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const ran: string[] = [];
  for (const [ms, name] of [
    [30, "c"],
    [10, "a1"],
    [20, "b"],
    [10, "a2"],
    [0, "now"],
    [10, "a3"],
  ] as const) {
    clock.after(ms, () => ran.push(`${name}@${clock.monotonicMs()}`));
  }
  await clock.run();
  expect(ran).toEqual(["now@0", "a1@10", "a2@10", "a3@10", "b@20", "c@30"]);
});

test("T1: the order holds for any number of timers, set and cancelled in any order", async () => {
  const clock = createSimulatedClock({ seed: 7 });
  const wanted: { readonly ms: number; readonly at: number }[] = [];
  const ran: number[] = [];
  for (let at = 0; at < 2_000; at += 1) {
    const ms = Math.floor(clock.random() * 300);
    const cancel = clock.after(ms, () => ran.push(at));
    if (clock.random() < 0.3) cancel();
    else wanted.push({ ms, at });
  }
  await clock.run();
  expect(ran).toEqual(wanted.sort((a, b) => a.ms - b.ms || a.at - b.at).map(({ at }) => at));
});

test("T2: between two timers everything runs that waits for no timer, however long the chain", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  const ran: string[] = [];
  clock.after(10, async () => {
    for (let step = 0; step < 1_000; step += 1) await undefined;
    ran.push("chain");
  });
  clock.after(10, () => ran.push("next timer"));
  await clock.run();
  expect(ran).toEqual(["chain", "next timer"]);
});

test("T3: time moves by timers alone, and as far as it is told", async () => {
  const clock = createSimulatedClock({ seed: 1 });
  expect([clock.now(), clock.monotonicMs()]).toEqual([startMs, 0]);
  let ran = 0;
  clock.after(1_000, () => {
    ran += 1;
  });
  await clock.advance(999);
  expect([ran, clock.now()]).toEqual([0, startMs + 999]);
  await clock.advance(1);
  expect([ran, clock.monotonicMs()]).toEqual([1, 1_000]);
});

test("it goes on until a condition holds or a promise is settled, and says so when that does not come", async () => {
  const clock = createSimulatedClock({ seed: 5 });
  let ticks = 0;
  const tick = () => {
    ticks += 1;
    clock.after(10, tick);
  };
  tick();
  await clock.runUntil(() => ticks === 5);
  expect(clock.monotonicMs()).toBe(40);
  const late = new Promise<string>((resolve) => void clock.after(100, () => resolve("there")));
  expect(await clock.runFor(late)).toBe("there");
  await expect(clock.runFor(Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(clock.runUntil(() => false, 100)).rejects.toThrow(/within 100 simulated ms.*seed 5/);
  await expect(clock.runFor(new Promise(() => {}), 100)).rejects.toThrow(/seed 5/);
  await expect(clock.run(100)).rejects.toThrow(/1 timers are left/);
});

test("the same seed draws the same chance and the same ids, another seed others", () => {
  const draw = (seed: number) => {
    const clock = createSimulatedClock({ seed });
    return [clock.random(), clock.random(), clock.uniqueId(), clock.uniqueId()];
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(draw(3)[2]).toMatch(/^[0-9A-Za-z]{22}$/);
});
