import fc from "fast-check";
import { expect, test } from "vitest";
import { neighboursOf } from "../../src/runtime/membership.ts";
import type { Needs } from "../../src/runtime/placement.ts";
import { canServe, placePartitions } from "../../src/runtime/placement.ts";

const anyId = fc.stringMatching(/^[0-9A-Za-z]{22}$/);
const anyTypes = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 3 }), {
  noNullPrototype: true,
});
const anyWorkers = (most: number) =>
  fc.uniqueArray(fc.record({ worker: anyId, types: anyTypes }), {
    minLength: 1,
    maxLength: most,
    selector: ({ worker }) => worker,
  });
const none = new Map<number, Needs>();

const loadsOf = (places: ReadonlyMap<number, string>) => {
  const loads = new Map<string, number>();
  for (const worker of places.values()) loads.set(worker, (loads.get(worker) ?? 0) + 1);
  return loads;
};

test("Z1: every partition has a worker, and nobody has more than an equal share, rounded up", () => {
  fc.assert(
    fc.property(anyWorkers(12), fc.integer({ min: 1, max: 200 }), (workers, count) => {
      const places = placePartitions(count, workers, none);
      expect(places.size).toBe(count);
      const most = Math.ceil(count / workers.length);
      for (const load of loadsOf(places).values()) expect(load).toBeLessThanOrEqual(most);
    }),
  );
});

test("Z1: when a worker comes or goes little moves but what it takes or leaves", () => {
  fc.assert(
    fc.property(anyWorkers(8), anyId, (workers, id) => {
      fc.pre(workers.every(({ worker }) => worker !== id));
      const before = placePartitions(64, workers, none);
      const after = placePartitions(64, [...workers, { worker: id, types: {} }], none);
      const moved = [...after].filter(([partition, worker]) => before.get(partition) !== worker);
      const between = moved.filter(([, worker]) => worker !== id);
      expect(moved.length - between.length).toBe(loadsOf(after).get(id) ?? 0);
      expect(between.length).toBeLessThanOrEqual(16);
    }),
  );
});

test("Z2: what needs more goes only to those that have it, and to anybody when none has", () => {
  const anyNeeds = fc.array(fc.tuple(fc.nat(31), anyTypes), { maxLength: 32 }).map((entries) => new Map(entries));
  fc.assert(
    fc.property(anyWorkers(6), anyNeeds, (workers, needs) => {
      const places = placePartitions(32, workers, needs);
      for (const [partition, wanted] of needs) {
        const able = workers.filter((worker) => canServe(worker, wanted)).map(({ worker }) => worker);
        const among = able.length === 0 ? workers.map(({ worker }) => worker) : able;
        expect(among).toContain(places.get(partition));
      }
    }),
  );
});

test("Z3: the order of the workers does not matter; nobody lives, nothing is placed", () => {
  fc.assert(
    fc.property(anyWorkers(8), fc.infiniteStream(fc.nat()), (workers, random) => {
      const shuffled = workers
        .map((worker) => ({ worker, at: random.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ worker }) => worker);
      expect(placePartitions(64, shuffled, none)).toEqual(placePartitions(64, workers, none));
    }),
  );
  expect(placePartitions(64, [], none).size).toBe(0);
});

test("the placement of known workers is what it was: workers of two versions must agree (golden)", () => {
  const workers = ["alpha", "beta", "gamma"].map((worker) => ({ worker, types: {} }));
  const letters = [...placePartitions(24, workers, none).values()].map((worker) => worker[0]).join("");
  expect(letters).toBe("agagagbbbgabgggbagbaaabb");
});

test("G1: a worker's neighbours are those beside it in the ring, and the ring covers everybody", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyId, { minLength: 1, maxLength: 10 }), (ids) => {
      const seen = new Set(ids.flatMap((id) => neighboursOf(id, ids)));
      expect(seen.size).toBe(ids.length === 1 ? 0 : ids.length);
      for (const id of ids) expect(neighboursOf(id, ids)).not.toContain(id);
      for (const id of ids) expect(neighboursOf(id, ids).length).toBe(Math.min(2, ids.length - 1));
    }),
  );
});
