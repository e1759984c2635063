// The laws of `recall-index.ts`, `corpus.ts` and `neighbourhood.ts`.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RecallDocument } from "../../src/memory/recall/document.ts";
import type { RecallQueryOptions } from "../../src/memory/recall/hit.ts";
import { RecallIndex } from "../../src/memory/recall/recall-index.ts";
import { conversationOf, dayMs, documentOf, indexOf, minuteMs, someDocument, someQuery } from "./recall-support.ts";

const idsOf = async (index: RecallIndex, query: string, options?: RecallQueryOptions) =>
  (await index.search(query, options)).hits.map(({ document }) => document.id);

type Step =
  | { readonly kind: "add"; readonly document: RecallDocument }
  | { readonly kind: "remove"; readonly id: string }
  | { readonly kind: "remove-scope"; readonly scope: string };

const someStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: someDocument.map((document) => ({ kind: "add" as const, document })) },
  { weight: 3, arbitrary: someDocument.map(({ id }) => ({ kind: "remove" as const, id })) },
  { weight: 1, arbitrary: someDocument.map(({ scope }) => ({ kind: "remove-scope" as const, scope })) },
);

describe("what is in it", () => {
  test("C1: after any adding and removing a search answers as in an index made anew, in any order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someStep, { maxLength: 40 }), someQuery, async (steps, query) => {
        const index = new RecallIndex();
        const held = new Map<string, RecallDocument>();
        for (const step of steps) {
          if (step.kind === "add") {
            index.add(step.document);
            held.delete(step.document.id);
            held.set(step.document.id, step.document);
          } else if (step.kind === "remove") {
            expect(index.remove(step.id)).toBe(held.delete(step.id));
          } else {
            const gone = [...held.values()].filter(({ scope }) => scope === step.scope);
            expect(index.removeScope(step.scope)).toBe(gone.length);
            for (const { id } of gone) held.delete(id);
          }
        }
        const anew = indexOf([...held.values()].reverse());
        expect(index.size).toBe(held.size);
        expect(index.bytes).toBe(anew.bytes);
        expect(await index.search(query, { k: 50 })).toEqual(await anew.search(query, { k: 50 }));
      }),
      { numRuns: 300 },
    );
  });

  test("I1: what was replaced is found by its new words alone, in its new scope", async () => {
    const index = indexOf([documentOf("a", { text: "green tea" })]);
    index.add(documentOf("a", { text: "black coffee", scope: "user.anna", revision: 2 }));
    expect(await idsOf(index, "tea")).toEqual([]);
    expect(await idsOf(index, "coffee", { scopes: ["user.anna"] })).toEqual(["a"]);
    expect(index.size).toBe(1);
    expect(index.remove("a")).toBe(true);
    expect(index.remove("a")).toBe(false);
    expect(index.bytes).toBe(new RecallIndex().bytes);
  });

  test("I2: it holds as many documents as it may, the newest, whatever order they come in, and counts the others", async () => {
    const times = [5, 1, 9, 3, 7, 8, 2];
    const index = indexOf(
      times.map((time) => documentOf(`d${time}`, { text: "tea", atMs: time })),
      { documentsMax: 3 },
    );
    expect((await idsOf(index, "tea")).sort()).toEqual(["d7", "d8", "d9"]);
    expect([index.size, index.leftOut]).toEqual([3, 4]);
    expect(index.add(documentOf("d6", { text: "tea", atMs: 6 }))).toBe(false);
    expect(index.add(documentOf("d10", { text: "tea", atMs: 10 }))).toBe(true);
    expect([index.size, index.leftOut]).toEqual([3, 6]);
  });

  test("I2: also after documents were replaced and removed many times, some of them with another time", () => {
    fc.assert(
      fc.property(
        fc.array(someDocument, { maxLength: 400 }),
        fc.integer({ min: 1, max: 6 }),
        (documents, documentsMax) => {
          const index = new RecallIndex({ documentsMax });
          const held = new Map<string, RecallDocument>();
          for (const document of documents) {
            index.add(document);
            held.set(document.id, document);
            const byAge = [...held.values()].sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
            for (const { id } of byAge.slice(0, Math.max(0, held.size - documentsMax))) held.delete(id);
            expect(index.size).toBe(held.size);
          }
          for (const id of held.keys()) expect(index.remove(id)).toBe(true);
          expect(index.size).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("I2: the oldest is known however often documents were added again before", async () => {
    for (let times = 60; times < 75; times += 1) {
      const index = indexOf(
        [1, 2, 3].map((time) => documentOf(`d${time}`, { text: "tea", atMs: time })),
        { documentsMax: 3 },
      );
      for (let time = 0; time < times; time += 1) index.add(documentOf("d3", { text: "tea", atMs: 3 }));
      index.add(documentOf("d4", { text: "tea", atMs: 4 }));
      expect((await idsOf(index, "tea")).sort(), `${times} times`).toEqual(["d2", "d3", "d4"]);
    }
  });

  test("I2: it takes no more memory than it may, and a text that is larger than that is left out alone", async () => {
    const index = new RecallIndex({ bytesMax: 20_000 });
    for (let at = 0; at < 200; at += 1) {
      index.add(documentOf(`d${at}`, { text: `tea number ${at} with some words more`, atMs: at }));
      expect(index.bytes).toBeLessThanOrEqual(20_000);
    }
    expect(index.leftOut).toBe(200 - index.size);
    const before = index.size;
    expect(before).toBeGreaterThan(5);
    expect(index.add(documentOf("huge", { text: "x ".repeat(20_000), atMs: 1_000 }))).toBe(false);
    expect(index.size).toBe(before);
  });
});

describe("what is asked for", () => {
  const bounds = fc.record(
    {
      k: fc.integer({ min: 1, max: 20 }),
      scopes: fc.subarray(["session.s1", "user.anna", "user.anna.>", "*.anna"], { minLength: 1 }),
      kinds: fc.subarray(["turn", "tool", "fact"], { minLength: 1 }),
      since: fc.constantFrom(0, minuteMs, 90 * minuteMs),
      until: fc.constantFrom(minuteMs, 91 * minuteMs, 90_000 * minuteMs),
      filter: fc.constant(({ id }: RecallDocument) => id < "h"),
    },
    { requiredKeys: ["k"] },
  );
  const isIn = (scope: string, wanted: string) =>
    wanted === scope ||
    (wanted === "user.anna.>" && scope.startsWith("user.anna.")) ||
    (wanted === "*.anna" && scope === "user.anna");

  test("I3: the hits are the best k of what passes the filters, in the order that they have without them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(someDocument, { maxLength: 30 }),
        someQuery,
        bounds,
        async (documents, query, options) => {
          const index = indexOf(documents);
          const { k, scopes, kinds, since, until, filter } = options;
          const passes = (document: RecallDocument) =>
            (scopes === undefined || scopes.some((wanted) => isIn(document.scope, wanted))) &&
            (kinds === undefined || kinds.includes(document.kind)) &&
            (since === undefined || document.atMs >= since) &&
            (until === undefined || document.atMs < until) &&
            (filter === undefined || filter(document));
          const all = (await index.search(query, { k: 1_000 })).hits;
          const wanted = all.filter(({ document }) => passes(document)).slice(0, k);
          const got = (await index.search(query, options)).hits;
          expect(got.map(({ document, score }) => [document.id, score])).toEqual(
            wanted.map(({ document, score }) => [document.id, score]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("R3: equal scores are ordered by time, the newer first, then by id", async () => {
    const same = ["b", "c", "a"].map((id) => documentOf(id, { kind: "fact", text: "tea" }));
    const index = indexOf([...same, documentOf("d", { kind: "fact", text: "tea", atMs: 1 })]);
    expect(await idsOf(index, "tea")).toEqual(["d", "a", "b", "c"]);
  });

  test("nothing is found by no words, by words that everybody says, and by words that nobody said", async () => {
    const index = indexOf(conversationOf(["Anna: What is it that you do?", "Ben: This and that."]));
    for (const query of ["", "   ", "\u0000\u001b[31m", "what is it", "zeppelin", "?!…"])
      expect(await idsOf(index, query)).toEqual([]);
    expect(await idsOf(new RecallIndex(), "tea")).toEqual([]);
  });

  test("of a query as long as a message the rarest words count, wherever they stand in it", async () => {
    const common = Array.from({ length: 100 }, (_, at) => `plenty${at} word${at}`).join(" ");
    const documents = Array.from({ length: 20 }, (_, at) => documentOf(`d${at}`, { text: common, kind: "fact" }));
    const index = indexOf([...documents, documentOf("rare", { text: "zeppelin", kind: "fact" })]);
    expect((await idsOf(index, `${common} zeppelin`, { k: 1 }))[0]).toBe("rare");
    expect((await index.search(`${common} zeppelin`, { k: 2 })).hits[1]?.why.matched).toHaveLength(63);
  });

  test("bad options are refused by name, with what they take and what came", async () => {
    const index = indexOf([documentOf("a", { text: "tea" })]);
    const refused = async (options: unknown, what: string) =>
      expect(index.search("tea", options as RecallQueryOptions)).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringContaining(what),
      });
    await refused({ k: 0 }, "`k` must be a whole number from 1 to 1000, got 0");
    await refused({ k: 2.5 }, "got 2.5");
    await refused({ scopes: "user.anna" }, "`scopes` must be a list of strings");
    await refused({ scopes: ["user..anna"] }, '"user..anna"');
    await refused({ kinds: [1] }, "`kinds`");
    await refused({ since: Number.NaN }, "`since` must be a number of ms, got NaN");
    await refused({ filter: "tea" }, "`filter`");
    await expect(index.search(7 as unknown as string)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(() => new RecallIndex({ documentsMax: 0 })).toThrow(
      "`documentsMax` must be a whole number from 1 to 10000000, got 0",
    );
    expect(() => index.add(documentOf("b", { atMs: Number.NaN }))).toThrow(
      "`document.atMs` must be a moment in ms, got NaN",
    );
    expect(() => index.add({ ...documentOf("b"), text: undefined } as never)).toThrow(
      "`document.text` must be a string",
    );
    expect(index.size).toBe(1);
  });
});

describe("neighbours", () => {
  const lines = ["Anna: Did you ever taste durian?", "Ben: It smells awful.", "Anna: Right.", "Ben: Rain today."];

  test("N2: an answer is found by the words of its question, those around less the further they are", async () => {
    const { hits } = await indexOf(conversationOf(lines)).search("durian");
    expect(hits.map(({ document }) => document.position)).toEqual([1, 2, 3, 4]);
    expect(hits[1]?.why.fields).toMatchObject({ text: 0, speaker: 0 });
    expect(hits[1]?.why.matched).toEqual([
      { word: "durian", field: "neighbours", score: hits[1]?.why.fields.neighbours },
    ]);
  });

  test("N1: a pause, another scope and a fact end the neighbourhood", async () => {
    const [question, ...others] = conversationOf(lines);
    const later = others.map((document) => ({ ...document, atMs: document.atMs + dayMs }));
    const elsewhere = others.map((document) => ({ ...document, scope: "session.s2" }));
    const facts = others.map((document) => ({ ...document, kind: "fact" }));
    for (const rest of [later, elsewhere, facts]) {
      expect(await idsOf(indexOf([question as RecallDocument, ...rest]), "durian")).toEqual(["session.s1#1"]);
    }
    const fact = { ...(question as RecallDocument), kind: "fact" };
    expect(await idsOf(indexOf([fact, ...others]), "durian")).toEqual(["session.s1#1"]);
  });

  test("N1: what stood between two turns is gone with it: they are beside each other then", async () => {
    const index = indexOf(conversationOf(["Anna: Durian?", "Ben: a", "Anna: b", "Ben: c", "Anna: Awful."]));
    expect(await idsOf(index, "durian")).not.toContain("session.s1#5");
    index.remove("session.s1#2");
    expect(await idsOf(index, "durian")).toContain("session.s1#5");
  });
});
