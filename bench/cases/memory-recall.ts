// Of questions about long conversations: is what answers them among the first turns that recall finds?

import { toMarkdown } from "../print.ts";
import { readConversations } from "../recall/conversations.ts";
import type { RecallFigures } from "../recall/measure.ts";
import { measureRecall } from "../recall/measure.ts";
import type { DataCase } from "./data-case.ts";

export const memoryRecall: DataCase = {
  name: "memory.recall",
  what: "share of the evidence of LoCoMo's questions among the first k turns (needs --data DIR)",
  async run(folder) {
    const conversations = readConversations(folder);
    if (typeof conversations === "string") return { kind: "refused", reason: conversations };
    const figures = await measureRecall(this.name, conversations);
    return { kind: "found", line: JSON.stringify(figures), table: toTable(figures) };
  },
};

function toTable({
  conversations,
  turns,
  questions,
  recall,
  categories,
  p50Ms,
  p95Ms,
  indexMs,
}: RecallFigures): string {
  const depths = Object.keys(recall);
  const row = (name: string, shares: Readonly<Record<string, number>>) => [
    name,
    ...depths.map((depth) => (shares[depth] ?? 0).toFixed(3)),
  ];
  const rows = [
    row("all", recall),
    ...Object.entries(categories).map(([name, shares]) => row(`category ${name}`, shares)),
  ];
  const table = toMarkdown(["recall at", ...depths], rows, ["recall at"]);
  const sizes = `${conversations} conversations, ${turns} turns, ${questions} questions`;
  return `${sizes}; a search p50 ${p50Ms} ms, p95 ${p95Ms} ms; indexing ${indexMs} ms\n\n${table}`;
}
