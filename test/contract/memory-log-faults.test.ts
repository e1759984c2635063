// A log, and its erasure, in a world where requests and answers are lost, late and refused: what stands in the end, against
// what was said.

import fc from "fast-check";
import { expect, test } from "vitest";
import { delay } from "../../src/core/clock.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { ContextLog } from "../../src/memory/context-log.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { Facts } from "../../src/memory/facts.ts";
import { readHead } from "../../src/memory/head.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { MemoryFarStore } from "../../src/runtime/memory-far-store.ts";
import type { FaultPlan } from "../../src/runtime/memory-faults.ts";
import { randomFaults } from "../../src/runtime/memory-faults.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import type { SimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { createSimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";
import { keysWith } from "./erasure-support.ts";
import { codeOf, recordsOf, session } from "./log-support.ts";

interface FaultyWorld {
  readonly clock: SimulatedClock;
  /** Stores of a client of its own, whose calls meet the faults. */
  openFar(client: string): Promise<MemoryStores>;
  /** Stores that meet none. */
  openNear(): Promise<MemoryStores>;
}

function worldWith(seed: number, faults: FaultPlan): FaultyWorld {
  const clock = createSimulatedClock({ seed });
  const world = new MemoryWorld({ clock, faults });
  const openOne = (bucket: string, history: number) => openMemoryStore({ bucket, history, place: world.place, clock });
  const rest = { clock, codecs: new ValueCodecs() };
  return {
    clock,
    openNear: async () => ({ entries: await openOne("memory", 1), facts: await openOne("facts", 16), ...rest }),
    openFar: async (client) => {
      const connection = world.connect(client);
      const far = async (bucket: string, history: number) =>
        new MemoryFarStore(await openOne(bucket, history), connection);
      return { entries: await far("memory", 1), facts: await far("facts", 16), ...rest };
    },
  };
}

test("L2: an append whose answer was lost is looked up: it stands once, and its caller hears where", async () => {
  for (const lose of ["answer", "request"] as const) {
    let lost = 0;
    const { clock, openFar, openNear } = worldWith(1, ({ kind }) => {
      if (kind !== "kv-write" || lost === 3) return undefined;
      lost += 1;
      return { lose };
    });
    const log = new ContextLog({ stores: await openFar("a"), scope: session });
    const { entries } = await clock.runFor(log.append([{ text: "one" }, { text: "two", id: "given" }]));
    expect(entries.map(({ position, isDuplicate }) => [position, isDuplicate])).toEqual([
      ...[
        [1_000, false],
        [1_001, false],
      ],
    ]);
    const near = new ContextLog({ stores: await openNear(), scope: session });
    expect((await near.read().toArray()).map(({ text }) => text)).toEqual(["one", "two"]);
  }
});

test("L2: what arrives after it was given up on is met by the next write, and known when it is repeated", async () => {
  // The first record lingers for a second on a connection that broke; nothing can be read meanwhile.
  let isCut = false;
  const { clock, openFar, openNear } = worldWith(2, ({ kind, subject }) => {
    if (kind !== "kv-write" || !subject.includes(".log.") || isCut) return undefined;
    isCut = true;
    return { cutForMs: 60_000, lingerMs: 1_000 };
  });
  const stores = await openFar("a");
  const log = new ContextLog({ stores, scope: session });
  await clock.runFor(log.read().toArray());
  expect(await clock.runFor(codeOf(log.append({ text: "one", id: "1" })))).toBe("OUTCOME_UNKNOWN");
  await clock.advance(120_000);
  const again = await clock.runFor(
    log.append([
      { text: "one", id: "1" },
      { text: "two", id: "2" },
    ]),
  );
  expect(again.entries.map(({ isDuplicate }) => isDuplicate)).toEqual([true, false]);
  const near = new ContextLog({ stores: await openNear(), scope: session });
  expect((await near.read().toArray()).map(({ text }) => text)).toEqual(["one", "two"]);
});

for (const step of ["sealing", "entries", "facts", "forks"] as const) {
  test(`an erasure whose answers are all lost at the step "${step}" gives up, hears its signal, and the next completes it`, async () => {
    let isLost = false;
    const { clock, openFar, openNear } = worldWith(3, ({ kind, subject }) =>
      isLost && kind === "kv-write" && !subject.endsWith(".head") ? { lose: "answer" } : undefined,
    );
    const near = await openNear();
    const log = new ContextLog({ stores: near, scope: session });
    await log.append({ text: "secret" });
    await new Facts({ stores: near, scope: session }).set("name", "secret");
    await log.fork({ session: "fork" });
    const fork = new ContextLog({ stores: near, scope: { session: "fork" } });
    await fork.compact({ keepLast: 0, summarize: () => "a secret" });
    const stores = await openFar("a");
    const onProgress = ({ step: at }: { readonly step: string }) => {
      isLost ||= at === step;
    };
    expect(await clock.runFor(codeOf(eraseScope(stores, session, { onProgress })))).toBe("OUTCOME_UNKNOWN");
    const control = new AbortController();
    const aborted = codeOf(eraseScope(stores, session, { signal: control.signal }));
    clock.after(6_000, () => control.abort(new Error("enough")));
    expect(await clock.runFor(aborted, 15_000)).toContain("enough");
    isLost = false;
    await clock.runFor(eraseScope(stores, session));
    expect(await keysWith(near, "secret")).toEqual([]);
  });
}

test("L1, L2: under faults of every kind what was answered stands once and in order, whoever repeats what", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), async (seed) => {
      const random = seededRandom(seed);
      const rates = { loseRequest: 0.05, loseAnswer: 0.1, refuse: 0.03, delay: 0.3, cut: 0.02, linger: 0.5 };
      const { clock, openFar, openNear } = worldWith(seed, randomFaults(random, { ...rates, delayMsMax: 2_000 }));
      const said = new Map<string, number>();
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        const log = new ContextLog({ stores: await openFar(`w${writer}`), scope: session });
        for (let n = 0; n < 12; n += 1) {
          const pinned = n % 4 === 0;
          const ids = n % 3 === 0 ? [`${writer}-${n}a`, `${writer}-${n}b`] : [`${writer}-${n}`];
          // Repeated until it is answered, as somebody does who must not lose it.
          for (;;) {
            try {
              const { entries } = await log.append(ids.map((id) => ({ text: id, id, pinned })));
              for (const { id, position } of entries) said.set(id, position);
              break;
            } catch (thrown) {
              expect((thrown as { retry: string }).retry, String(thrown)).toBe("later");
              await delay(clock, 100);
            }
          }
        }
      });
      await clock.runFor(Promise.all(writers), 24 * 3_600_000);
      const stores = await openNear();
      const entries = await new ContextLog({ stores, scope: session }).read().toArray();
      expect(entries.map(({ id }) => id).toSorted()).toEqual([...said.keys()].toSorted());
      for (const { id, position } of entries) expect(position).toBe(said.get(id));
      for (let writer = 0; writer < 4; writer += 1) {
        const numbers = entries
          .filter(({ id }) => id.startsWith(`${writer}-`))
          .map(({ id }) => Number.parseInt(id.slice(2), 10));
        expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
      }
      const records = await recordsOf(stores);
      expect(records).toEqual(records.map((_, at) => at + 1));
      const { pins } = (await readHead(stores.entries, session)).head;
      expect(pins).toEqual(entries.filter(({ pinned }) => pinned).map(({ position }) => position));
      expect(pins).toHaveLength(4 * 4);
    }),
    { numRuns: 25 },
  );
});
