// Why a hit stands where it does: R2 of `lexical-ranking.ts`, and what speakers, dates and telling give.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conversationOf, dayMs, documentOf, indexOf, someDocument, someText } from "./recall-support.ts";

const idsOf = async (index: ReturnType<typeof indexOf>, query: string) =>
  (await index.search(query)).hits.map(({ document }) => document.id);

test("R2: the fields of a hit add up to its score, and its matched words to the fields of words", async () => {
  let seen = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(someDocument, { minLength: 5, maxLength: 30 }), someText, async (documents, words) => {
      for (const query of [words, `${words} Anna in January 1970`]) {
        for (const { score, why } of (await indexOf(documents).search(query, { k: 50 })).hits) {
          seen += 1;
          const { text, neighbours, date, telling, speaker } = why.fields;
          expect(text + neighbours + date + telling + speaker).toBeCloseTo(score, 9);
          expect(why.lexicalScore).toBeCloseTo(score, 9);
          const sumIn = (field: string) =>
            why.matched.filter((each) => each.field === field).reduce((sum, each) => sum + each.score, 0);
          expect(sumIn("text")).toBeCloseTo(text, 9);
          expect(sumIn("neighbours")).toBeCloseTo(neighbours, 9);
          expect(sumIn("speaker")).toBeCloseTo(speaker, 9);
          expect(sumIn("date")).toBeCloseTo(date, 9);
        }
      }
    }),
    { numRuns: 200 },
  );
  expect(seen).toBeGreaterThan(1_000);
});

test("matched words are those of the text, as they stand there, the weightiest first", async () => {
  const index = indexOf(
    conversationOf(["Anna: We went Hiking with the dogs.", "Ben: Nice!", "Anna: Dogs, dogs!", "Ben: My dog sleeps."]),
  );
  const { hits } = await index.search("Who goes hiking with a dog?", { k: 1 });
  expect(hits[0]?.document.position).toBe(1);
  expect(hits[0]?.why.matched.map(({ word, field }) => `${field}: ${word}`)).toEqual([
    "text: Hiking",
    "text: went",
    "text: dogs",
    "neighbours: Dogs",
  ]);
  expect(hits[0]?.why).toMatchObject({ lexicalRank: 1, vectorRank: undefined, cosine: undefined });
});

describe("speakers", () => {
  const index = indexOf(
    conversationOf(["Ben: I moved to Turin.", "Cleo: x", "Dora: x", "Eli: x", "Anna: I moved to Ghent."]),
  );

  test("who is named in the query comes first, in any case and with an ending", async () => {
    for (const query of ["Where did Anna move?", "anna's move"])
      expect((await idsOf(index, query))[0]).toBe("session.s1#5");
    expect((await idsOf(index, "Where did Ben move?"))[0]).toBe("session.s1#1");
    const [hit] = (await index.search("Where did Anna move?")).hits;
    expect(hit?.why.matched).toContainEqual({ word: "Anna", field: "speaker", score: hit?.why.fields.speaker });
  });

  test("a name that nobody bears any more is a word like others", async () => {
    const gone = indexOf(conversationOf(["Ben: I moved.", "Anna: I moved too."]));
    gone.remove("session.s1#2");
    expect((await gone.search("Anna moved")).hits[0]?.why.fields.speaker).toBe(0);
  });
});

describe("dates", () => {
  const day = (text: string) => Date.parse(`${text}T12:00:00Z`);
  const days = ["2022-06-14", "2023-05-30", "2023-06-14", "2023-06-20", "2023-07-03"];
  const index = indexOf(
    days.map((text) => documentOf(text, { text: "We had tea.", atMs: day(text), scope: `session.d${text}` })),
  );

  test("what a query says of the time ranks those moments first", async () => {
    expect((await idsOf(index, "tea on 14 June 2023"))[0]).toBe("2023-06-14");
    expect((await idsOf(index, "tea in June 2023")).slice(0, 2).sort()).toEqual(["2023-06-14", "2023-06-20"]);
    expect((await idsOf(index, "tea in the last week of May"))[0]).toBe("2023-05-30");
    expect((await idsOf(index, "tea in 2022"))[0]).toBe("2022-06-14");
    expect((await idsOf(index, "tea on a Monday"))[0]).toBe("2023-07-03");
  });

  test("a month or a year is found without any other word", async () => {
    expect((await idsOf(index, "July 2023"))[0]).toBe("2023-07-03");
    expect(await idsOf(index, "2022")).toEqual(["2022-06-14"]);
    expect(await idsOf(index, "December 1999")).toEqual([]);
  });

  test("who asks when gets turns first that speak of a time", async () => {
    const turns = indexOf(
      conversationOf(["Anna: I ran a race last week.", "Ben: x", "Ben: x", "Ben: x", "Anna: I ran a race with Ben."]),
    );
    expect((await idsOf(turns, "When did Anna run a race?"))[0]).toBe("session.s1#1");
    expect((await turns.search("When did Anna run a race?")).hits[0]?.why.fields.date).toBeGreaterThan(0);
  });
});

test("a turn that tells something comes before a greeting with the same word, a fact is not judged by that", async () => {
  const index = indexOf([
    documentOf("greeting", { text: "Hello dear Anna, more tea?", scope: "session.s1", atMs: 9 * dayMs }),
    documentOf("telling", { text: "I bought green tea yesterday.", scope: "session.s2" }),
    documentOf("fact", { kind: "fact", text: "x", scope: "session.s3" }),
  ]);
  expect((await idsOf(index, "tea"))[0]).toBe("telling");
  const facts = indexOf([documentOf("fact", { kind: "fact", text: "I like tea." })]);
  expect((await facts.search("tea")).hits[0]?.why.fields.telling).toBe(0);
});
