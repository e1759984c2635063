import fc from "fast-check";
import { expect, test } from "vitest";
import type { RuntimeEvent } from "../../src/core/events.ts";
import { EventStream } from "../../src/core/events.ts";
import type { Restable } from "../../src/runtime/activations.ts";
import { Activations, overMax } from "../../src/runtime/activations.ts";

class Fake implements Restable {
  readonly self: { readonly type: string; readonly id: string };
  isBusy = true;
  isGone = false;
  restedAt = 0;

  constructor(id: number) {
    this.self = { type: "a", id: String(id) };
  }

  tryPassivate(): boolean {
    this.isGone = !this.isBusy;
    return this.isGone;
  }
}

function hold(max: number) {
  const events = new EventStream();
  const seen: RuntimeEvent[] = [];
  events.listen((event) => seen.push(event));
  return { activations: new Activations(max, events), seen };
}

const idsOf = (seen: readonly RuntimeEvent[]) =>
  seen.flatMap((e) => (e.kind === "passivated" ? [Number(e.actor.id)] : []));

const anyStep = fc.record({ kind: fc.constantFrom("add", "wake", "rest", "remove"), pick: fc.nat() });

test("L1, L2: whatever comes and goes, the longest at rest go first, none that is busy, and no more than must", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(anyStep, { maxLength: 60 }), (max, steps) => {
      const { activations, seen } = hold(max);
      let all: Fake[] = [];
      let now = 0;
      for (const { kind, pick } of steps) {
        const before = all.filter(({ isBusy }) => !isBusy).sort((a, b) => a.restedAt - b.restedAt);
        const told = idsOf(seen).length;
        const one = all[pick % Math.max(1, all.length)];
        if (kind === "add") {
          const made = new Fake(now++);
          all.push(made);
          activations.add(made);
        } else if (one !== undefined && kind === "wake") {
          one.isBusy = true;
          activations.woke(one);
        } else if (one !== undefined && kind === "rest") {
          if (one.isBusy) one.restedAt = now++;
          if (one.isBusy) before.push(one);
          one.isBusy = false;
          activations.rested(one);
        } else if (one !== undefined) {
          one.isGone = true;
          activations.remove(one);
        }
        const went = idsOf(seen).slice(told);
        if (kind !== "remove") expect(went).toEqual(before.slice(0, went.length).map(({ self }) => Number(self.id)));
        all = all.filter(({ isGone }) => !isGone);
        expect(activations.count).toBe(all.length);
        const busy = all.filter(({ isBusy }) => isBusy).length;
        expect(all.length).toBeLessThanOrEqual(Math.max(max, busy));
        if (went.length > 0) expect(all.length).toBe(Math.max(max, busy));
      }
    }),
  );
});

test("L2: a bound that is exceeded is told once, until it is kept again", () => {
  const { activations, seen } = hold(2);
  const all = [0, 1, 2, 3].map((id) => new Fake(id));
  for (const each of all) activations.add(each);
  const exceeded = { kind: "activations-exceeded", activations: 3, max: 2 };
  expect(seen).toEqual([exceeded]);
  for (const each of all.slice(0, 3)) {
    each.isBusy = false;
    activations.rested(each);
  }
  expect(idsOf(seen)).toEqual([0, 1]);
  all[2]?.tryPassivate();
  activations.add(new Fake(4));
  expect(seen.filter(({ kind }) => kind === "activations-exceeded")).toHaveLength(1);
  activations.add(new Fake(5));
  expect(seen.at(-1)).toEqual(exceeded);
});

test("L1: one that turns out to be busy stays, and the next one goes", () => {
  const { activations, seen } = hold(1);
  const [stubborn, other] = [new Fake(0), new Fake(1)];
  activations.add(stubborn);
  activations.rested(stubborn);
  activations.add(other);
  expect([idsOf(seen), activations.count]).toEqual([[], 2]);
  stubborn.isBusy = false;
  activations.rested(stubborn);
  expect([idsOf(seen), activations.count]).toEqual([[0], 1]);
});

test("L4: of those that are over the last few stay, and they go before the others", () => {
  const { activations, seen } = hold(overMax + 2);
  const rest = (id: number, isOver: boolean) => {
    const made = new Fake(id);
    activations.add(made);
    made.isBusy = false;
    activations.rested(made, isOver);
    return made;
  };
  rest(0, false);
  const over = Array.from({ length: overMax }, (_, at) => rest(at + 1, true));
  expect(idsOf(seen)).toEqual([]);
  if (over[0] !== undefined) activations.woke(over[0]);
  rest(1_000, true);
  expect([idsOf(seen), activations.count]).toEqual([[], overMax + 2]);
  if (over[0] !== undefined) activations.rested(over[0], true);
  expect(seen.at(-1)).toMatchObject({ kind: "passivated", actor: { id: "2" }, reason: "over" });
  rest(1_001, false);
  rest(1_002, false);
  expect([idsOf(seen), activations.count]).toEqual([[2, 3], overMax + 2]);
  expect(seen.map(({ kind }) => kind)).not.toContain("activations-exceeded");
});
