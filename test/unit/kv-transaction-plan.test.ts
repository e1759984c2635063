// How a transaction becomes messages of an atomic batch: laws T1 to T3 of src/kv/nats-transaction.ts.

import fc from "fast-check";
import { expect, test } from "vitest";
import { planTransaction } from "../../src/kv/nats-transaction.ts";
import type { KvOperationRequest } from "../../src/kv/store.ts";

const operation: fc.Arbitrary<KvOperationRequest> = fc
  .record({
    kind: fc.constantFrom("put", "delete", "purge", "check"),
    key: fc.constantFrom(..."abcdefgh"),
    size: fc.nat({ max: 4 }),
    expected: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
  })
  .map(({ kind, key, size, expected }) => {
    if (kind === "check") return { kind, key, expected: expected ?? 1 };
    const expectation = expected === undefined ? {} : { expected };
    return kind === "put" ? { kind, key, value: new Uint8Array(size), ...expectation } : { kind, key, ...expectation };
  });
const operations = fc
  .uniqueArray(operation, { minLength: 1, maxLength: 8, selector: ({ key }) => key })
  .filter((all) => all.some(({ kind }) => kind !== "check"));

test("each expectation stands once, on or before the first message of its key, and the writes stand last in order", () => {
  fc.assert(
    fc.property(operations, (all) => {
      const messages = planTransaction(all, new Map([["a", 77]]));
      const writes = all.filter(({ kind }) => kind !== "check");
      expect(messages.slice(-writes.length).map(({ key }) => key)).toEqual(writes.map(({ key }) => key));
      const wanted = all
        .filter(({ expected }) => expected !== undefined)
        .map(({ key, expected }) => ({ key, sequence: expected === 0 && key === "a" ? 77 : expected }));
      const found = messages.flatMap(({ fence }) => (fence === undefined ? [] : [fence]));
      const byKey = (one: { key: string }, other: { key: string }) => one.key.localeCompare(other.key);
      expect(found.toSorted(byKey)).toEqual(wanted.toSorted(byKey));
      for (const [at, { fence }] of messages.entries()) {
        const before = messages.slice(0, at).map(({ key }) => key);
        if (fence !== undefined) expect(before).not.toContain(fence.key);
      }
      // Repeats only where a check found no other carrier.
      const checks = all.length - writes.length;
      const free = writes.filter(({ expected }) => expected === undefined).length;
      expect(messages.length).toBe(writes.length + Math.max(0, checks - free));
    }),
  );
});

test("each purge rolls its key up once, with the first message on it", () => {
  fc.assert(
    fc.property(operations, (all) => {
      const messages = planTransaction(all, new Map());
      const purged = all.filter(({ kind }) => kind === "purge").map(({ key }) => key);
      const rollups = messages.filter(({ headers }) => headers.includes("Nats-Rollup: sub"));
      expect(rollups.map(({ key }) => key).toSorted()).toEqual(purged.toSorted());
      for (const rollup of rollups) expect(messages.find(({ key }) => key === rollup.key)).toBe(rollup);
    }),
  );
});

test("a deletion and a time to live become headers", () => {
  const messages = planTransaction(
    [
      { kind: "delete", key: "a" },
      { kind: "put", key: "b", value: new Uint8Array(1), ttlMs: 3_000 },
    ],
    new Map(),
  );
  expect(messages.map(({ headers }) => headers)).toEqual([["KV-Operation: DEL"], ["Nats-TTL: 3s"]]);
});
