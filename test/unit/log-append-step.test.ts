import fc from "fast-check";
import { expect, test } from "vitest";
import type { Draft, DraftCall, Tail } from "../../src/memory/log-append-step.ts";
import { judge, knowledgeMsMax, nextStep, planGroup, refusalOf } from "../../src/memory/log-append-step.ts";
import { tombstoneTtlMs } from "../../src/memory/log-removal.ts";
import { recordEntriesMax } from "../../src/memory/memory-keys.ts";

const tail: Tail = { era: 2, isErasing: false, end: 7, revision: 20, asOfMs: 1_000 };
const draft = (id: string, isNamed = false, bytes = 10): Draft => ({ id, isNamed, bytes, text: `{"id":"${id}"}` });
const call = (drafts: readonly Draft[], era?: number): DraftCall => ({ drafts, era });
const knowing = (know: object) => ({ tail, knowsIds: false, hasLooked: false, ...know });

test("W1: it looks when it knows nothing, or what it knows is old, or a caller knows of a later era", () => {
  const plain = [call([draft("a")], 2)];
  expect(nextStep(knowing({ tail: undefined }), 0, plain)).toBe("look");
  expect(nextStep(knowing({}), 1_000 + knowledgeMsMax - 1, plain)).toBe("write");
  expect(nextStep(knowing({}), 1_000 + knowledgeMsMax, plain)).toBe("look");
  expect(nextStep(knowing({}), 2_000, [call([draft("a")], 3)])).toBe("look");
  expect(nextStep(knowing({ hasLooked: true }), 2_000, [call([draft("a")], 3)])).toBe("write");
  expect(nextStep(knowing({ tail: { ...tail, isErasing: true } }), 2_000, plain)).toBe("look");
  // A tombstone outlives what a handle believes, several times over.
  expect(tombstoneTtlMs).toBeGreaterThanOrEqual(6 * knowledgeMsMax);
});

test("ids are learned when the caller gives one, and only then", () => {
  const named = [call([draft("a")], 2), call([draft("b"), draft("c", true)], 2)];
  expect(nextStep(knowing({}), 2_000, named)).toBe("learn-ids");
  expect(nextStep(knowing({ knowsIds: true }), 2_000, named)).toBe("write");
  expect(nextStep(knowing({}), 2_000, named.slice(0, 1))).toBe("write");
});

test("W2: a call of another era is refused, and every call while the log is being erased", () => {
  expect(refusalOf(tail, 2)).toBeUndefined();
  expect(refusalOf(tail, 1)).toMatch(/its era is 2, and this was formed in 1/);
  expect(refusalOf(tail, 3)).toBeDefined();
  expect(refusalOf({ era: 2, isErasing: true }, 2)).toMatch(/being erased/);
});

test("W3: a record is settled by what stands at its number", () => {
  const attempt = { record: 8, ids: ["a", "b"], isInDoubt: true };
  expect(judge(attempt, undefined)).toBe("open");
  expect(judge(attempt, ["a", "b"])).toBe("stands");
  for (const other of [[], ["a"], ["b", "a"], ["a", "b", "c"], ["c", "b"]]) expect(judge(attempt, other)).toBe("taken");
  // Nothing was in doubt: the same ids there are somebody else's record.
  expect(judge({ ...attempt, isInDoubt: false }, ["a", "b"])).toBe("taken");
});

const calls = fc.array(
  fc.array(
    fc.record({
      id: fc.integer({ min: 0, max: 30 }).map(String),
      isNamed: fc.constant(true),
      bytes: fc.nat({ max: 50 }),
    }),
    { minLength: 1, maxLength: 40 },
  ),
  { minLength: 1, maxLength: 30 },
);

test("L2: a group writes each id once, within its bounds, whole calls in order, and every entry has its place", () => {
  fc.assert(
    fc.property(
      calls,
      fc.array(fc.integer({ min: 0, max: 30 }).map(String)),
      fc.nat({ max: 400 }),
      (all, standing, bytesMax) => {
        const waiting = all.map((drafts) =>
          call(
            drafts.map((one) => ({ ...one, text: one.id })),
            2,
          ),
        );
        const place = (id: string) => ({ id, position: 1, key: "k", revision: 1, isDuplicate: true });
        const known = (id: string) => (standing.includes(id) ? place(id) : undefined);
        const group = planGroup(waiting, known, bytesMax);
        const ids = group.drafts.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.some((id) => standing.includes(id))).toBe(false);
        expect(ids.length).toBeLessThanOrEqual(recordEntriesMax);
        const bytes = group.drafts.reduce((sum, one) => sum + one.bytes + 1, 0);
        expect(group.calls === 1 || bytes <= bytesMax).toBe(true);
        expect(group.calls).toBeGreaterThan(0);
        expect(group.slots).toHaveLength(group.calls);
        for (const [at, slots] of group.slots.entries()) {
          const wanted = waiting[at]?.drafts.map(({ id }) => id);
          expect(slots.map((slot) => (slot.kind === "known" ? slot.entry.id : ids[slot.index]))).toEqual(wanted);
        }
        const firsts = group.slots.flat().filter(({ kind }) => kind === "new");
        expect(firsts).toHaveLength(ids.length);
      },
    ),
  );
});

test("a group is full at 256 entries or its bytes, and one call alone may have more bytes", () => {
  const none = () => undefined;
  const many = Array.from({ length: 300 }, (_, at) => call([draft(`${at}`)], 2));
  expect(planGroup(many, none, 1_000_000).calls).toBe(256);
  expect(planGroup(many, none, 55).calls).toBe(5);
  expect(planGroup([call([draft("a", false, 900)], 2), call([draft("b")], 2)], none, 55).calls).toBe(1);
  expect(planGroup([call([draft("x"), draft("y")], 2)], none, 1).drafts).toHaveLength(2);
});
