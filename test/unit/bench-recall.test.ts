// Reading conversations in LoCoMo's form, and what memory.recall counts. The conversation is made up.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryRecall } from "../../bench/cases/memory-recall.ts";
import { momentOf, readConversations } from "../../bench/recall/conversations.ts";
import { tempFolder } from "../support/temp-folder.ts";

const conversation = {
  session_2_date_time: "12:05 am on 3 March, 2024",
  session_2: [{ dia_id: "D2:1", speaker: "Mira", text: "Look!", blip_caption: "a heron on a roof" }],
  session_10_date_time: "1:56 pm on 9 May, 2024",
  session_10: [{ dia_id: "D10:1", speaker: "Tomas", text: "I bought a canoe." }],
  session_11_date_time: "2:00 pm on 9 June, 2024",
  qa: [
    { question: "What did Tomas buy?", category: 4, evidence: ["D10:01"] },
    { question: "What bird was on the roof?", category: 1, evidence: ["D2:1; D10:1", "D7:1", "D"] },
    { question: "What did nobody do?", category: 5, evidence: ["D2:1"] },
    { question: "And this?", category: 3, evidence: [] },
  ],
};

describe("conversations", () => {
  test("turns come in the order of their sessions, with what a picture shows; evidence that exists counts", async () => {
    await using folder = await tempFolder();
    writeFileSync(join(folder.path, "a.json"), JSON.stringify(conversation));
    const read = readConversations(folder.path);
    expect(read).toEqual([
      {
        name: "a.json",
        turns: [
          { id: "D2:1", speaker: "Mira", text: "Look!\na heron on a roof", atMs: Date.UTC(2024, 2, 3, 0, 5) },
          { id: "D10:1", speaker: "Tomas", text: "I bought a canoe.", atMs: Date.UTC(2024, 4, 9, 13, 56) },
        ],
        questions: [
          { question: "What did Tomas buy?", category: 4, evidence: ["D10:1"] },
          { question: "What bird was on the roof?", category: 1, evidence: ["D2:1", "D10:1"] },
        ],
      },
    ]);
    expect(momentOf("12:30 pm on 1 January, 2024")).toBe(Date.UTC(2024, 0, 1, 12, 30));
  });

  test("a question counts by the share of its evidence that is found; the line holds what it should", async () => {
    await using folder = await tempFolder();
    writeFileSync(join(folder.path, "all.json"), JSON.stringify([{ qa: conversation.qa, conversation }]));
    const outcome = await memoryRecall.run(folder.path);
    const line = JSON.parse(outcome.kind === "found" ? outcome.line : "{}");
    expect(line).toMatchObject({ name: "memory.recall", questions: 2, turns: 2, conversations: 1 });
    expect(line.recall).toEqual({ 1: 0.75, 5: 0.75, 10: 0.75, 20: 0.75, 50: 0.75 });
    expect(line.categories).toEqual({ 1: expect.objectContaining({ 10: 0.5 }), 4: expect.objectContaining({ 10: 1 }) });
    for (const name of ["p50Ms", "p95Ms", "indexMs"]) expect(line[name]).toBeGreaterThan(0);
  });

  test("a folder without conversations is refused, and says why", async () => {
    await using folder = await tempFolder();
    expect(readConversations(join(folder.path, "none"))).toContain("cannot read the folder");
    expect(readConversations(folder.path)).toContain("holds no conversation");
    mkdirSync(join(folder.path, "b"));
    writeFileSync(join(folder.path, "b", "c.json"), "{");
    expect(readConversations(join(folder.path, "b"))).toContain("c.json");
    expect(await memoryRecall.run(folder.path)).toMatchObject({ kind: "refused" });
  });
});
