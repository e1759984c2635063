// The KvStore contract, part 3: transactions, and whole histories of operations, against a model.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KvOperationRequest, KvStore, Revision } from "../../src/kv/store.ts";
import { transactionOperationsMax } from "../../src/kv/writes.ts";
import { bytes, changesUntil, foldChanges, isPutOf, type OpenStore, text } from "./kv-support.ts";

/** What a transaction is made of before revisions are known. */
interface Intent {
  readonly kind: "put" | "delete" | "purge" | "check";
  readonly key: string;
  readonly value: string;
  /** The revision that stands, an older or later one, 0, or no expectation at all. */
  readonly expect: "standing" | "stale" | "absent" | "any";
}

const keys = ["a", "b", "c.d", "e"];
const intent: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constantFrom("put", "put", "put", "delete", "purge", "check"),
  key: fc.constantFrom(...keys),
  value: fc.string({ maxLength: 5 }),
  expect: fc.constantFrom("standing", "standing", "standing", "stale", "absent", "any"),
});
const transaction = fc.uniqueArray(intent, { minLength: 1, maxLength: 4, selector: ({ key }) => key });

interface ModelEntry {
  readonly revision: Revision;
  readonly value: string | undefined;
}

/** The keys as they have to be: `value` undefined for a deleted one, whose revision may still be expected. */
type Model = Map<string, ModelEntry>;

const liveOf = (entry: ModelEntry | undefined): Revision => (entry?.value === undefined ? 0 : entry.revision);

function requestOf(model: Model, { kind, key, value, expect: wanted }: Intent): KvOperationRequest {
  const standing = model.get(key)?.revision ?? 0;
  const expected = wanted === "standing" ? standing : wanted === "stale" ? standing + 1 : 0;
  if (kind === "check") return { kind, key, expected };
  const expectation = wanted === "any" ? {} : { expected };
  return kind === "put" ? { kind, key, value: bytes(value), ...expectation } : { kind, key, ...expectation };
}

function conflictOf(model: Model, operations: readonly KvOperationRequest[]): object | undefined {
  for (const { key, expected } of operations) {
    if (expected === undefined) continue;
    const live = liveOf(model.get(key));
    const holds = expected === 0 ? live === 0 : model.get(key)?.revision === expected;
    if (!holds) return { kind: "conflict", key, revision: live };
  }
  return undefined;
}

async function expectState(store: KvStore, model: Model): Promise<void> {
  const found = await store.getMany(keys);
  const state = [...found].map(([key, entry]) => [key, text(entry), entry.revision]).toSorted();
  const wanted = [...model]
    .filter(([, { value }]) => value !== undefined)
    .map(([key, entry]) => [key, entry.value, entry.revision]);
  expect(state).toEqual(wanted.toSorted());
}

export function kvTransactionContract(name: string, open: OpenStore): void {
  describe(`${name}: transactions`, () => {
    test("any history of transactions goes as the model says: all of one or nothing (K3)", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 8 }), async (history) => {
          await using opened = await open();
          const { store } = opened;
          await using watcher = await store.watch(">");
          const model: Model = new Map();
          let last = 0;
          for (const intents of history) {
            const operations = intents.map((one) => requestOf(model, one));
            const outcome = await store.transact(operations);
            const conflict = conflictOf(model, operations);
            if (conflict !== undefined) expect(outcome).toEqual(conflict);
            else {
              const writes = operations.filter(({ kind }) => kind !== "check");
              if (outcome.kind !== "written") throw new Error(`refused: ${JSON.stringify(outcome)}`);
              expect(outcome.revisions).toEqual(writes.map((_, at) => (outcome.revisions[0] ?? 0) + at));
              writes.forEach((operation, at) => {
                const revision = outcome.revisions[at] ?? 0;
                expect(revision).toBeGreaterThan(last);
                last = revision;
                model.set(operation.key, {
                  revision,
                  value: operation.kind === "put" ? new TextDecoder().decode(operation.value) : undefined,
                });
              });
            }
            await expectState(store, model);
          }
          await store.put("end", bytes("x"));
          const state = foldChanges(await changesUntil(watcher, isPutOf("end")));
          state.delete("end");
          const wanted = [...model].flatMap(([key, { value }]) =>
            value === undefined ? [] : ([[key, value]] as const),
          );
          expect(state).toEqual(new Map(wanted));
        }),
        { numRuns: 15 },
      );
    });

    test("of N transactions on the same revisions exactly one wins", async () => {
      await using opened = await open();
      const stores = [opened.store, await opened.openAnother()];
      for (let round = 0; round < 3; round += 1) {
        const left = await opened.store.put(`left.${round}`, bytes("before"));
        const right = await opened.store.put(`right.${round}`, bytes("before"));
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, (_, at) =>
            (stores[at % 2] ?? opened.store).transact([
              { kind: "put", key: `left.${round}`, value: bytes(String(at)), expected: left },
              { kind: "put", key: `right.${round}`, value: bytes(String(at)), expected: right },
            ]),
          ),
        );
        expect(outcomes.filter(({ kind }) => kind === "written")).toHaveLength(1);
        const found = await opened.store.getMany([`left.${round}`, `right.${round}`]);
        const winner = String(outcomes.findIndex(({ kind }) => kind === "written"));
        expect([...found.values()].map(text)).toEqual([winner, winner]);
      }
    });

    test("checks alone write nothing; with writes they guard keys that are not written", async () => {
      await using opened = await open();
      const { store } = opened;
      const a = await store.put("a", bytes("1"));
      const b = await store.put("b", bytes("1"));
      const check = (key: string, expected: Revision): KvOperationRequest => ({ kind: "check", key, expected });
      expect(await store.transact([check("a", a), check("none", 0)])).toEqual({ kind: "written", revisions: [] });
      expect(await store.transact([check("a", a), check("b", a)])).toEqual({ kind: "conflict", key: "b", revision: b });
      // More checks than writes that could carry them.
      const guarded = await store.transact([
        check("none", 0),
        { kind: "put", key: "c", value: bytes("2"), expected: 0 },
        check("a", a),
        { kind: "put", key: "d", value: bytes("1"), expected: 0 },
        check("b", b),
      ]);
      expect(guarded.kind).toBe("written");
      expect(await store.list(">")).toEqual(["a", "b", "c", "d"]);
      const refused = await store.transact([check("b", a), { kind: "delete", key: "a", expected: a }]);
      expect(refused).toEqual({ kind: "conflict", key: "b", revision: b });
      expect(text(await store.get("a"))).toBe("1");
    });

    test("500 operations go through at once; more, or a key twice, are refused", async () => {
      await using opened = await open();
      const { store } = opened;
      expect(await store.transact([])).toEqual({ kind: "written", revisions: [] });
      const puts = (count: number): KvOperationRequest[] =>
        Array.from({ length: count }, (_, at) => ({ kind: "put", key: `n.${at}`, value: bytes("1"), expected: 0 }));
      const code = { code: "OPTION_INVALID" };
      await expect(store.transact(puts(transactionOperationsMax + 1))).rejects.toMatchObject(code);
      await expect(store.transact([...puts(2), ...puts(1)])).rejects.toMatchObject(code);
      expect(await store.list(">")).toEqual([]);
      const outcome = await store.transact(puts(transactionOperationsMax));
      expect(outcome.kind === "written" && outcome.revisions.length).toBe(transactionOperationsMax);
      expect(await store.list(">")).toHaveLength(transactionOperationsMax);
    });
  });
}
