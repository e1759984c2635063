import { expect, test } from "vitest";
import { EpochRing, EpochWaiter } from "../../src/runtime/epoch-ring.ts";

class Named extends EpochWaiter {
  readonly #name: string;
  readonly #woken: string[];

  constructor(name: string, woken: string[]) {
    super();
    this.#name = name;
    this.#woken = woken;
  }

  onNextEpoch(): void {
    this.#woken.push(this.#name);
  }
}

function ringOf(...names: string[]) {
  const woken: string[] = [];
  const ring = new EpochRing();
  const waiters = names.map((name) => new Named(name, woken));
  for (const waiter of waiters) ring.join(waiter);
  return { ring, woken, waiters };
}

test("all that wait are woken once, in the order in which they came", () => {
  const { ring, woken } = ringOf("a", "b", "c");
  ring.onNextEpoch();
  ring.onNextEpoch();
  expect(woken).toEqual(["a", "b", "c"]);
});

test("who has left is not woken, wherever it stood, and may leave twice and come again", () => {
  for (const [at, rest] of [
    [0, ["b", "c"]],
    [1, ["a", "c"]],
    [2, ["a", "b"]],
  ] as const) {
    const { ring, woken, waiters } = ringOf("a", "b", "c");
    waiters[at]?.leave();
    waiters[at]?.leave();
    ring.onNextEpoch();
    expect(woken).toEqual(rest);
  }
  const { ring, woken, waiters } = ringOf("a");
  waiters[0]?.leave();
  if (waiters[0] !== undefined) ring.join(waiters[0]);
  ring.onNextEpoch();
  expect(woken).toEqual(["a"]);
});

test("who leaves while others are woken is not woken", () => {
  const { ring, woken, waiters } = ringOf("b");
  const first = new (class extends EpochWaiter {
    onNextEpoch(): void {
      waiters[0]?.leave();
    }
  })();
  waiters[0]?.leave();
  ring.join(first);
  if (waiters[0] !== undefined) ring.join(waiters[0]);
  ring.onNextEpoch();
  expect(woken).toEqual([]);
});

test("an empty ring wakes nobody", () => {
  const { ring, woken } = ringOf();
  ring.onNextEpoch();
  expect(woken).toEqual([]);
});
