// The contract of facts, part 2: what they were (src/memory/fact-history.ts, laws V1 to V3), against recorded lists.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/core/codec.ts";
import { diff } from "../../src/core/json-patch.ts";
import { Facts } from "../../src/memory/facts.ts";
import { factsHistory, type OpenMemory } from "./memory-stores-support.ts";

const anna = { user: "anna" };
const gone = expect.objectContaining({ code: "HISTORY_GONE" });

/** What was written, as the test remembers it. */
interface Recorded {
  readonly revision: number;
  readonly value: Json | undefined;
}

type Step =
  | { readonly kind: "set" | "append" | "sum"; readonly value: Json }
  | { readonly kind: "delete"; readonly isSaid: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("set" as const), value: fc.jsonValue() as fc.Arbitrary<Json> }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("append" as const), value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("sum" as const), value: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), isSaid: fc.boolean() }) },
);

async function take(facts: Facts, one: Step, at: number): Promise<Recorded | undefined> {
  const write = () => {
    if (one.kind === "delete") return facts.delete("a", one.isSaid ? { by: "me" } : {});
    if (one.kind === "set") return facts.set("a", one.value);
    return facts.merge("a", one.value, { policy: one.kind, writeId: `w${at}` });
  };
  const outcome = await write().catch((thrown: { code?: string }) => {
    if (thrown.code === "FACT_INVALID") return undefined; // The policy does not fit what stands.
    throw thrown;
  });
  if (outcome?.kind !== "written") return undefined;
  return { revision: outcome.revision, value: outcome.value };
}

/** The last thing written up to a revision. */
const recordedAt = (recorded: readonly Recorded[], revision: number): Recorded | undefined =>
  recorded.findLast((one) => one.revision <= revision);

export function memoryFactsHistoryContract(name: string, open: OpenMemory): void {
  describe(`${name}: facts as they were`, () => {
    test("history, at and diff agree with what was written (V1)", async () => {
      await using opened = await open();
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 7 }), async (steps) => {
          run += 1;
          const facts = new Facts({ stores: opened.stores, scope: { ...anna, session: `s${run}` } });
          const recorded: Recorded[] = [];
          for (const [at, one] of steps.entries()) {
            const written = await take(facts, one, at);
            if (written !== undefined) recorded.push(written);
          }
          const history = await facts.history("a");
          expect(history.map(({ revision, fact }) => ({ revision, value: fact?.value }))).toEqual(recorded);
          const moments = [0, ...recorded.flatMap(({ revision }) => [revision, revision + 1])];
          for (const from of moments) {
            const before = recordedAt(recorded, from)?.value;
            expect((await facts.at("a", { revision: from }))?.value).toEqual(before);
          }
          const [from = 0, to = 0] = [moments[1], moments.at(-1)];
          expect(await facts.diff("a", { revision: from }, { revision: to })).toEqual(
            diff(recordedAt(recorded, from)?.value, recordedAt(recorded, to)?.value),
          );
        }),
        { numRuns: 25 },
      );
    });

    test("what is older than the kept history is refused, what was never written is not (V3)", async () => {
      await using opened = await open();
      const facts = new Facts({ stores: opened.stores, scope: anna });
      const { revision: first } = await facts.set("a", 0);
      expect(await facts.at("a", { revision: first - 1 })).toBeUndefined();
      expect(await facts.at("a", { timeMs: 0 })).toBeUndefined();
      for (let n = 1; n <= factsHistory; n += 1) await facts.set("a", n);
      const kept = await facts.history("a");
      expect(kept.map(({ fact }) => fact?.value)).toEqual(Array.from({ length: factsHistory }, (_, at) => at + 1));
      await expect(facts.at("a", { revision: first })).rejects.toEqual(gone);
      await expect(facts.at("a", { timeMs: 0 })).rejects.toEqual(gone);
      await expect(facts.diff("a", { revision: first }, { revision: kept[3]?.revision ?? 0 })).rejects.toEqual(gone);
      expect(await facts.at("a", { revision: kept[0]?.revision ?? 0 })).toMatchObject({ value: 1 });
      expect(await facts.heldAt("a", 5)).toMatchObject({ value: factsHistory });
      expect([
        await facts.history("none"),
        await facts.at("none", { timeMs: 9 }),
        await facts.heldAt("none", 9),
      ]).toEqual([[], undefined, undefined]);
    });

    test("what held in the world is answered by validity, whatever was written later for other times (V2)", async () => {
      await using opened = await open();
      const facts = new Facts({ stores: opened.stores, scope: anna });
      const [y2020, y2022, y2024, y2030] = [2020, 2022, 2024, 2030].map((year) => Date.UTC(year, 0)) as [
        number,
        number,
        number,
        number,
      ];
      const bern = await facts.set("city", "Bern", { validFromMs: y2020 });
      const rome = await facts.set("city", "Rome", { validFromMs: y2030 });
      const held = async (timeMs: number, revision?: number) =>
        (await facts.heldAt("city", timeMs, revision === undefined ? {} : { asOf: { revision } }))?.value;
      expect(await facts.get("city")).toMatchObject({ value: "Rome" });
      expect([await held(y2020 - 1), await held(y2022), await held(y2030)]).toEqual([undefined, "Bern", "Rome"]);
      await facts.set("city", "Oslo", { validFromMs: y2022, validUntilMs: y2024 });
      expect([await held(y2022 - 1), await held(y2022), await held(y2024), await held(y2030)]).toEqual([
        ...["Bern", "Oslo", "Bern", "Rome"],
      ]);
      expect([await held(y2022, rome.revision), await held(y2030, bern.revision)]).toEqual(["Bern", "Bern"]);
      await facts.delete("city");
      expect(await held(y2022)).toBeUndefined();
      expect(await held(y2022, rome.revision)).toBe("Bern");
      await facts.set("city", "Lima", { validFromMs: y2024 });
      expect([await held(y2022), await held(y2024)]).toEqual([undefined, "Lima"]);
      for (let n = 0; n < factsHistory; n += 1) await facts.set("city", n, { validFromMs: y2030 + n });
      expect(await held(y2030)).toBe(0);
      await expect(held(y2024)).rejects.toEqual(gone);
    });
  });
}
