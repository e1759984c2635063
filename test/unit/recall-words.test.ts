// The laws of `words.ts`, and the dates that a query speaks of (`calendar.ts`).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dateMatch, datesIn } from "../../src/memory/recall/calendar.ts";
import { documentTerms, indexedLengthMax, queryTerms, termOf, wordsOf } from "../../src/memory/recall/words.ts";
import { documentOf, indexOf } from "./recall-support.ts";

const textsOf = (text: string) => [...wordsOf(text)].map((word) => word.text);
const finds = async (text: string, query: string) =>
  (await indexOf([documentOf("a", { text })]).search(query)).hits.length === 1;

describe("words", () => {
  test("T1: case, accents, width and control characters make no difference", async () => {
    expect(textsOf("Café\u0000CRÈME\u001b ＴＥＡ, naïve—coöp")).toEqual(["cafe", "creme", "tea", "naive", "coop"]);
    expect(await finds("We met at the Café Zoë.", "cafe ZOE")).toBe(true);
  });

  test("T2: forms of a word are found by each other, endings and stop words are left out", async () => {
    expect(["went", "goes", "going"].map(termOf)).toEqual(["go", "go", "go"]);
    expect(textsOf("Anna's dogs didn't; we'll see, can’t we? O'Brien")).toEqual([
      "anna",
      "dogs",
      "did",
      "we",
      "see",
      "can",
      "we",
      "obrien",
    ]);
    for (const [said, asked] of [
      ["children", "child"],
      ["she taught", "teaching"],
      ["counselor", "counseling"],
      ["Wohnungen", "Wohnung"],
    ]) {
      expect(await finds(said ?? "", asked ?? ""), `${said} by ${asked}`).toBe(true);
    }
    expect(await finds("numbers like 1234567", "1234568")).toBe(false);
    expect([documentTerms("the"), queryTerms("what")]).toEqual([[], []]);
  });

  test("T3: a part of a sentence is found in scripts without spaces", async () => {
    const sentences: [text: string, query: string, other: string][] = [
      ["昨日、東京で美味しいラーメンを食べました。", "ラーメン", "寿司"],
      ["昨日、東京で美味しいラーメンを食べました。", "東京", "京都"],
      ["我去年在北京大学学习", "北京", "上海"],
      ["我喜欢猫", "猫", "狗"],
      ["저는 서울에서 살고 있어요", "서울", "부산"],
      ["ฉันชอบกินข้าวผัดมาก", "ข้าวผัด", "ทะเล"],
      ["iPhoneを買った", "iphone", "android"],
      ["मुझे चाय पसंद है", "चाय", "पानी"],
    ];
    for (const [text, query, other] of sentences) {
      expect(await finds(text, query), `${query} in ${text}`).toBe(true);
      expect(await finds(text, other), `${other} in ${text}`).toBe(false);
    }
  });

  test("T4: of a huge text the beginning is looked at, and a word without an end is cut", async () => {
    const text = `first ${"filler ".repeat(indexedLengthMax / 7)} last`;
    expect([await finds(text, "first"), await finds(text, "last")]).toEqual([true, false]);
    expect(textsOf("x".repeat(indexedLengthMax * 2))[0]).toHaveLength(64);
  });

  test("any text can be added, searched for and removed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), async (text, query) => {
        const index = indexOf([
          documentOf("a", { text, speaker: query }),
          documentOf("b", { text: query, speaker: text }),
        ]);
        await index.search(query);
        await index.search(text);
        index.remove("a");
        expect(index.remove("b")).toBe(true);
      }),
    );
  });
});

describe("dates", () => {
  const read = (text: string) => datesIn(textsOf(text));

  test("are read in the forms that people write", () => {
    const june = { month: 5, year: 2023 };
    expect(read("in June 2023")).toMatchObject([june]);
    for (const text of ["on 3 June 2023", "June 3, 2023", "June 3rd, 2023", "the 3rd of June 2023", "2023-06-03"]) {
      expect(read(text), text).toMatchObject([{ ...june, days: [3, 3] }]);
    }
    expect(read("the last week of May")).toMatchObject([{ month: 4, days: [25, 31] }]);
    expect(read("the first week of june 2023")).toMatchObject([{ ...june, days: [1, 7] }]);
    expect(read("late September")).toMatchObject([{ month: 8, days: [21, 31] }]);
    expect(read("between March 2022 and Sept. 2023")).toMatchObject([
      { month: 2, year: 2022 },
      { month: 8, year: 2023 },
    ]);
    expect(read("in 2021, on Fridays")).toMatchObject([{ weekday: 5 }, { year: 2021 }]);
  });

  test("are not read out of words that mean something else", () => {
    for (const text of ["What may I do?", "They march on", "room 2301", "version 3", "the last of them"]) {
      expect(read(text), text).toEqual([]);
    }
    expect(read("in May")).toMatchObject([{ month: 4 }]);
    expect(read("May 5")).toMatchObject([{ month: 4, days: [5, 5] }]);
  });

  test("are met in full by their day, in part by their month, and by that of another year for less", () => {
    const [wish] = read("14 June 2023");
    const match = (text: string) => (wish === undefined ? -1 : dateMatch(wish, Date.parse(text)));
    const [day, month, other, none] = ["2023-06-14", "2023-06-15", "2022-06-15", "2023-07-14"].map(match);
    expect([day, month, none]).toEqual([2, 1, 0]);
    expect(other).toBeCloseTo(2 / 3);
  });
});
