// Recall with vectors: I4 and I5 of `recall-index.ts`, V1 of `embedder.ts`.

import { describe, expect, test } from "vitest";
import type { Embedder } from "../../src/memory/recall/embedder.ts";
import type { RecallIndex } from "../../src/memory/recall/recall-index.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { documentOf, indexOf, trigramEmbedder } from "./recall-support.ts";

const texts = [
  "We planted tomatoes.",
  "The zeppelin landed late.",
  "A zepelin of paper.",
  "Tea with milk.",
  "Tomato soup.",
];
const documents = texts.map((text, at) => documentOf(`d${at}`, { kind: "fact", text, atMs: at }));
const idsOf = async (index: RecallIndex, query: string) =>
  (await index.search(query)).hits.map(({ document }) => document.id);

describe("fusion", () => {
  test("I5: a hit's score is the sum over both lists, and what no word finds is found by its vector", async () => {
    const index = indexOf(documents, { embedder: trigramEmbedder() });
    expect(await index.embed()).toBe(5);
    const { hits, degraded } = await index.search("zeppelin");
    expect(degraded).toBeUndefined();
    expect(hits.slice(0, 2).map(({ document }) => document.id)).toEqual(["d1", "d2"]);
    expect(hits[1]?.why).toMatchObject({ lexicalRank: undefined, vectorRank: 2 });
    for (const { score, why } of hits) {
      const share = (rank: number | undefined) => (rank === undefined ? 0 : 1 / (60 + rank));
      expect(score).toBeCloseTo(share(why.lexicalRank) + share(why.vectorRank), 12);
      expect(why.cosine).toBeGreaterThan(0);
      expect(why.cosine).toBeLessThanOrEqual(1 + 1e-6);
    }
  });

  test("filters hold for vectors as for words", async () => {
    const index = indexOf(documents, { embedder: trigramEmbedder() });
    await index.embed();
    const { hits } = await index.search("zeppelin", { filter: ({ id }) => id !== "d1", k: 1, since: 1 });
    expect(hits.map(({ document }) => document.id)).toEqual(["d2"]);
    expect((await index.search("zeppelin", { scopes: ["user.anna"] })).hits).toEqual([]);
  });

  test("documents without a vector are ranked by their words, and get one with the next `embed`", async () => {
    const index = indexOf(documents.slice(0, 2), { embedder: trigramEmbedder() });
    await index.embed();
    // The place of one that is gone is taken, its vector is not.
    index.remove("d1");
    index.add(documentOf("new", { text: "Another zeppelin" }));
    expect(index.unembedded).toBe(1);
    const before = (await index.search("zeppelin")).hits.find(({ document }) => document.id === "new");
    expect(before?.why).toMatchObject({ vectorRank: undefined, cosine: undefined });
    expect(before?.why.lexicalRank).toBeDefined();
    expect(await index.embed()).toBe(1);
    expect(index.unembedded).toBe(0);
    const after = (await index.search("zeppelin")).hits.find(({ document }) => document.id === "new");
    expect(after?.why.vectorRank).toBeDefined();
  });

  test("what was removed or replaced while it was being embedded keeps no vector of its old text", async () => {
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const plain = trigramEmbedder();
    const embedder: Embedder = {
      ...plain,
      async embed(wanted, kind) {
        asked.resolve();
        await go.promise;
        return plain.embed(wanted, kind);
      },
    };
    const index = indexOf(documents, { embedder });
    const embedding = index.embed();
    await asked.promise;
    index.remove("d1");
    index.add(documentOf("d2", { text: "Something else" }));
    go.resolve();
    expect(await embedding).toBe(4);
    expect(await idsOf(index, "zeppelin")).not.toContain("d1");
    const d2 = (await index.search("something else")).hits.find(({ document }) => document.id === "d2");
    expect(d2?.why.cosine).toBeGreaterThan(0.9);
    expect([index.size, index.unembedded]).toEqual([4, 0]);
  });
});

describe("I4: an embedder that fails takes no answer away", () => {
  const broken = (embed: Embedder["embed"]): Embedder => ({ ...trigramEmbedder(8), embed });
  const failures: [why: string, embedder: Embedder, said: string][] = [
    ["it rejects", broken(() => Promise.reject(new Error("no quota"))), "no quota"],
    [
      "it throws",
      broken(() => {
        throw new Error("not loaded");
      }),
      "not loaded",
    ],
    ["it gives too few vectors", broken(async () => []), "0 vectors for 1 texts"],
    ["it gives vectors of another size", broken(async () => [new Float32Array(3)]), "a vector of 3 numbers"],
    ["it gives numbers that are none", broken(async () => [new Float32Array(8).fill(Number.NaN)]), "not finite"],
  ];
  for (const [why, embedder, said] of failures) {
    test(why, async () => {
      const index = indexOf(documents, { embedder });
      const result = await index.search("zeppelin");
      expect(result.degraded).toContain(said);
      expect(result.hits.map(({ document }) => document.id)).toEqual(["d1"]);
    });
  }

  test("it takes too long, or the search is aborted", async () => {
    const clock = createSimulatedClock({ seed: 1 });
    const signals: AbortSignal[] = [];
    const never = broken((_texts, _kind, signal) => {
      if (signal !== undefined) signals.push(signal);
      return new Promise(() => {});
    });
    const index = indexOf(documents, { embedder: never, embedMsMax: 500, clock });
    const late = index.search("zeppelin");
    await clock.advance(500);
    expect((await late).degraded).toContain("longer than 500 ms");
    const controller = new AbortController();
    const aborted = index.search("zeppelin", { signal: controller.signal });
    controller.abort();
    expect((await aborted).degraded).toContain("aborted");
    expect((await index.search("zeppelin", { signal: controller.signal })).hits).toHaveLength(1);
    expect(signals.map(({ aborted: isAborted }) => isAborted)).toEqual([true, true]);
  });

  test("documents that could not be embedded are tried again, and those of other batches are kept", async () => {
    const plain = trigramEmbedder();
    let calls = 0;
    const flaky: Embedder = {
      ...plain,
      async embed(wanted, kind) {
        calls += 1;
        if (calls === 2) throw new Error("overloaded");
        return plain.embed(wanted, kind);
      },
    };
    const many = Array.from({ length: 100 }, (_, at) => documentOf(`d${at}`, { text: `text ${at}` }));
    const index = indexOf(many, { embedder: flaky });
    await expect(index.embed()).rejects.toThrow("overloaded");
    expect(index.unembedded).toBe(36);
    expect(await index.embed()).toBe(36);
  });
});
