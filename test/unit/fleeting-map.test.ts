import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FleetingMap, FleetingSet } from "../../src/core/fleeting-map.ts";
import { runScript } from "../support/script-run.ts";

const script = fileURLToPath(new URL("../support/garbage.ts", import.meta.url));

const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("set" as const), key: fc.integer({ min: 0, max: 99 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: fc.integer({ min: 0, max: 99 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), key: fc.constant(0) }) },
);

test("whatever is set and deleted, a fleeting map holds what a map does, in the same order", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 600, size: "max" }), (steps) => {
      const [map, set] = [new FleetingMap<number, number>(), new FleetingSet<number>()];
      const model = new Map<number, number>();
      for (const [at, { kind, key }] of steps.entries()) {
        if (kind === "set") {
          map.set(key, at);
          set.add(key);
          model.set(key, at);
        } else if (kind === "delete") {
          const wasThere = model.delete(key);
          expect([map.delete(key), set.delete(key)]).toEqual([wasThere, wasThere]);
        } else {
          map.clear();
          set.clear();
          model.clear();
        }
        expect([map.size, set.size, map.get(key)]).toEqual([model.size, model.size, model.get(key)]);
        expect([map.has(key), set.has(key)]).toEqual([model.has(key), model.has(key)]);
      }
      expect([[...map], [...map.keys()], [...map.values()]]).toEqual([
        [...model],
        [...model.keys()],
        [...model.values()],
      ]);
      expect([...set]).toEqual([...model.keys()]);
    }),
  );
});

test("what is deleted while somebody goes through it does not stop that", () => {
  const map = new FleetingMap<number, string>();
  for (let at = 0; at < 200; at += 1) map.set(at, "here");
  const met: number[] = [];
  for (const [key] of map) {
    met.push(key);
    map.delete(key);
    map.set(key + 1_000, "new");
    if (met.length === 200) break;
  }
  expect(new Set(met).size).toBe(200);
});

/** Of the 80 MB that were made: what the tables of a plain map keep is half of it and more. */
const keptMax = 8_000_000;

test.for(["fleeting-map", "hooks"])("what %s have held is dead for small collections too", async (kind) => {
  await using run = runScript(script, {}, [kind], ["--expose-gc"]);
  expect(Number(await run.next())).toBeLessThan(keptMax);
});
