// The list of dead letters against what lies there, whatever is buried, sent again and forgotten in which order.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { DeadSource } from "../../src/monitoring/dashboard/dead-list.ts";
import { DeadList } from "../../src/monitoring/dashboard/dead-list.ts";
import type { ListedLetter } from "../../src/runtime/dead-letter-list.ts";
import type { BuriedMail } from "../../src/runtime/dead-letters.ts";

class DeadStream implements DeadSource {
  standing: ListedLetter[] = [];
  lastSequence = 0;
  listed = 0;

  bury(): void {
    this.lastSequence += 1;
    this.standing.push({ sequence: this.lastSequence, type: "desk", code: "HANDLER_FAILED" });
  }

  take(nth: number): void {
    if (this.standing.length > 0) this.standing.splice(nth % this.standing.length, 1);
  }

  async look() {
    return { messages: this.standing.length, lastSequence: this.lastSequence };
  }

  async list(from: number) {
    const found = this.standing.filter(({ sequence }) => sequence >= from);
    this.listed += found.length;
    return found;
  }

  async read(sequence: number) {
    const isThere = this.standing.some((each) => each.sequence === sequence);
    return isThere ? ({ sequence } as BuriedMail) : undefined;
  }

  get newestFirst(): readonly number[] {
    return this.standing.map(({ sequence }) => sequence).reverse();
  }
}

async function listOf(list: DeadList): Promise<readonly number[]> {
  const { letters, total, cursor } = await list.page({}, 1_000, undefined);
  expect([total, cursor]).toEqual([letters.length, undefined]);
  return letters.map(({ sequence }) => sequence);
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("bury" as const), count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant("take" as const), nth: fc.nat(30) }),
  fc.record({ kind: fc.constant("look" as const) }),
);

test("D1, D2: what is listed is what lies there, also when far more have been buried ever than are known at once", async () => {
  const lettersMax = 8;
  const walk = async (steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) => {
    const stream = new DeadStream();
    const list = new DeadList(stream, lettersMax);
    for (const each of [...steps, { kind: "look" } as const]) {
      if (each.kind === "bury") for (let nth = 0; nth < each.count; nth += 1) stream.bury();
      else if (each.kind === "take") stream.take(each.nth);
      else {
        const truth = stream.newestFirst;
        const listed = await listOf(list);
        if (truth.length <= lettersMax) expect(listed).toEqual(truth);
        else expect(listed).toEqual(truth.filter((sequence) => sequence > stream.lastSequence - lettersMax)); // D2
      }
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), walk), { numRuns: 300 });
});

test("D1: only what is new is listed while nothing is taken out", async () => {
  const stream = new DeadStream();
  const list = new DeadList(stream);
  for (let nth = 0; nth < 50; nth += 1) stream.bury();
  expect(await listOf(list)).toEqual(stream.newestFirst);
  stream.bury();
  expect(await listOf(list)).toEqual(stream.newestFirst);
  expect(await listOf(list)).toEqual(stream.newestFirst);
  expect(stream.listed).toBe(51);
  stream.take(0);
  expect(await listOf(list)).toEqual(stream.newestFirst);
});

test("D1: what was dropped before somebody asked is not listed, though a look goes on that has seen it", async () => {
  const stream = new DeadStream();
  const gate = Promise.withResolvers<void>();
  let looks = 0;
  const held: DeadSource = {
    look: async () => {
      looks += 1;
      const seen = await stream.look();
      if (looks === 1) await gate.promise;
      return seen;
    },
    list: async (from) => stream.list(from),
    read: (sequence) => stream.read(sequence),
  };
  for (let nth = 0; nth < 3; nth += 1) stream.bury();
  const list = new DeadList(held);
  const before = list.page({}, 10, undefined);
  stream.take(1);
  const after = [list.page({}, 10, undefined), list.page({}, 10, undefined)];
  gate.resolve();
  for (const page of await Promise.all(after)) {
    expect([page.total, page.letters.map(({ sequence }) => sequence)]).toEqual([2, [3, 1]]);
  }
  await before;
  // All who asked while one went on have shared the next.
  expect(looks).toBe(2);
});

test("D1: a look that fails fails for those who wait for it, and not for those who asked meanwhile", async () => {
  const stream = new DeadStream();
  stream.bury();
  let looks = 0;
  const broken: DeadSource = {
    look: async () => {
      looks += 1;
      if (looks === 1) throw new Error("away");
      return stream.look();
    },
    list: (from) => stream.list(from),
    read: (sequence) => stream.read(sequence),
  };
  const list = new DeadList(broken);
  const pages = await Promise.allSettled([list.page({}, 10, undefined), list.page({}, 10, undefined)]);
  expect(pages.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});
