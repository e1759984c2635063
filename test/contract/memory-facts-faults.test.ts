// Facts behind a connection that loses, delays and breaks (F3): what was acknowledged stands once, what is in doubt says so.

import { describe, expect, test } from "vitest";
import type { Json } from "../../src/core/codec.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import type { FactOutcome } from "../../src/memory/fact-outcome.ts";
import { Facts } from "../../src/memory/facts.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { MemoryFarStore } from "../../src/runtime/memory-far-store.ts";
import { type FaultPlan, type MemoryFault, randomFaults } from "../../src/runtime/memory-faults.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock, type SimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";

interface FaultyWorld {
  readonly clock: SimulatedClock;
  /** The facts of one scope, over a connection of their own. */
  connect(name: string): Promise<Facts>;
  /** Without a connection in between. */
  near(): Promise<Facts>;
}

function openWorld(seed: number, faults: FaultPlan): FaultyWorld {
  const clock = createSimulatedClock({ seed });
  const world = new MemoryWorld({ clock, faults });
  const open = () => openMemoryStore({ bucket: "facts", history: 64, place: world.place, clock });
  const factsOn = (store: MemoryStores["facts"]) =>
    new Facts({ stores: { entries: store, facts: store, clock, codecs: new ValueCodecs() }, scope: { user: "anna" } });
  return {
    clock,
    connect: async (name) => factsOn(new MemoryFarStore(await open(), world.connect(name))),
    near: async () => factsOn(await open()),
  };
}

/** The same fault for the first write that comes when `arm` has been called. */
function oneFault(fault: MemoryFault) {
  let isArmed = false;
  const plan: FaultPlan = ({ kind }) => {
    if (!isArmed || kind !== "kv-write") return undefined;
    isArmed = false;
    return fault;
  };
  return { plan, arm: () => (isArmed = true) };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("facts whose answers are lost (F3)", () => {
  const writes: Record<string, (facts: Facts) => Promise<FactOutcome>> = {
    "a set": (facts) => facts.set("a", 2),
    "a set of what is new": (facts) => facts.set("new", 2),
    "a set with an expectation": (facts) => facts.set("new", 2, { expected: 0 }),
    "a merge": (facts) => facts.merge("a", 1, { policy: "sum" }),
    "a merge into what is new": (facts) => facts.merge("new", 2, { policy: "sum" }),
    "a merge with an id": (facts) => facts.merge("a", 1, { policy: "sum", writeId: "w1" }),
    "a deletion": (facts) => facts.delete("a"),
    "a deletion that says why": (facts) => facts.delete("a", { cause: "m1" }),
  };
  for (const [what, write] of Object.entries(writes)) {
    test(`${what} whose answer was lost is found and was made once`, async () => {
      const { plan, arm } = oneFault({ lose: "answer" });
      const { clock, connect, near } = openWorld(1, plan);
      await (await near()).set("a", 1);
      const facts = await connect("writer");
      arm();
      const outcome = await clock.runFor(write(facts));
      expect(outcome.kind).toBe("written");
      for (const name of ["a", "new"]) {
        const history = await (await near()).history(name);
        const last = history.at(-1);
        if (last?.revision !== outcome.revision) continue;
        expect(last.fact?.value).toBe(what.startsWith("a deletion") ? undefined : 2);
        expect(history).toHaveLength(name === "a" ? 2 : 1);
      }
    });

    test(`${what} that was lost on its way is made again where that is safe, and never said to stand when it does not`, async () => {
      const { plan, arm } = oneFault({ lose: "request" });
      const { clock, connect, near } = openWorld(1, plan);
      await (await near()).set("a", 1);
      const facts = await connect("writer");
      arm();
      const writing = clock.runFor(write(facts));
      if (!what.startsWith("a set") || what.includes("expectation")) {
        expect((await writing).kind).toBe("written");
        return;
      }
      await expect(writing).rejects.toEqual(code("OUTCOME_UNKNOWN"));
      expect((await (await near()).history("a")).map(({ fact }) => fact?.value)).toEqual([1]);
    });
  }

  test("what may still land while it is tried again stands once, and never over what came after it", async () => {
    for (const lingerMs of [10, 2_000, 20_000]) {
      const { plan, arm } = oneFault({ cutForMs: 100, lingerMs });
      const { clock, connect, near } = openWorld(1, plan);
      await (await near()).set("a", 1);
      const facts = await connect("writer");
      arm();
      const writing = clock.runFor(retried(clock, () => facts.merge("a", 10, { policy: "sum", writeId: "w1" })));
      expect(["written", "duplicate"]).toContain((await writing).kind);
      await (await near()).set("a", 5);
      await clock.advance(60_000);
      const values = (await (await near()).history("a")).map(({ fact }) => fact?.value);
      expect(values, `lingered ${lingerMs} ms`).toEqual([1, 11, 5]);
    }
  });
});

/** As whoever has to have it done does: again under the same id, until it is known to stand. */
async function retried(clock: SimulatedClock, write: () => Promise<FactOutcome>): Promise<FactOutcome> {
  for (;;) {
    try {
      return await write();
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.retry !== "later") throw thrown;
      await new Promise<void>((resolve) => clock.after(200, resolve));
    }
  }
}

interface Tally {
  readonly acknowledged: { readonly revision: number; readonly value: Json | undefined }[];
  inDoubt: number;
  conflicts: number;
}

async function count(tally: Tally, write: () => Promise<FactOutcome>): Promise<void> {
  try {
    const outcome = await write();
    if (outcome.kind === "written") tally.acknowledged.push(outcome);
    else tally.conflicts += 1;
  } catch (thrown) {
    if (!isTroupeError(thrown) || thrown.retry !== "later") throw thrown;
    tally.inDoubt += 1;
  }
}

test("whatever is lost, late or cut: ids count once, expectations lose nothing, sets stand where they were said to", async () => {
  const rates = { loseRequest: 0.05, loseAnswer: 0.1, refuse: 0.05, delay: 0.5, cut: 0.04, linger: 0.5 };
  let doubts = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const { clock, connect, near } = openWorld(seed, randomFaults(seededRandom(seed), rates));
    const empty = (): Tally => ({ acknowledged: [], inDoubt: 0, conflicts: 0 });
    const counted = empty();
    const placed = empty();
    const [writers, rounds] = [4, 5];
    const work = async (writer: number) => {
      const facts = await connect(`w${writer}`);
      for (let round = 0; round < rounds; round += 1) {
        await retried(clock, () => facts.merge("sum", 1, { policy: "sum", writeId: `${writer}:${round}` }));
        await count(counted, async () => {
          const before = await facts.get("counter");
          return facts.set("counter", Number(before?.value ?? 0) + 1, { expected: before?.revision ?? 0 });
        });
        await count(placed, () => facts.set("place", `${writer}:${round}`));
      }
    };
    await clock.runFor(Promise.all(Array.from({ length: writers }, (_, writer) => work(writer))), 3_600_000);
    await clock.advance(60_000);
    const facts = await near();
    const sum = Number((await facts.get("sum"))?.value);
    expect(sum, `seed ${seed}`).toBe(writers * rounds);
    const counter = Number((await facts.get("counter"))?.value ?? 0);
    expect(counter, `seed ${seed}`).toBeGreaterThanOrEqual(counted.acknowledged.length);
    expect(counter, `seed ${seed}`).toBeLessThanOrEqual(counted.acknowledged.length + counted.inDoubt);
    const values = new Map((await facts.history("place")).map(({ revision, fact }) => [revision, fact?.value]));
    for (const { revision, value } of placed.acknowledged) expect(values.get(revision), `seed ${seed}`).toBe(value);
    doubts += counted.inDoubt + placed.inDoubt;
  }
  expect(doubts).toBeGreaterThan(20);
});
