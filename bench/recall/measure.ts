// Asks each question of its conversation: is the evidence among the first k turns?

import { RecallIndex } from "../../src/memory/recall/recall-index.ts";
import type { Conversation } from "./conversations.ts";

const depths = [1, 5, 10, 20, 50] as const;

/** By depth: the mean share of the evidence that is found. */
export type Recall = Readonly<Record<string, number>>;

export interface RecallFigures {
  readonly name: string;
  readonly conversations: number;
  readonly turns: number;
  readonly questions: number;
  readonly recall: Recall;
  readonly categories: Readonly<Record<string, Recall>>;
  /** Of a search for the first ten. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** To index all conversations. */
  readonly indexMs: number;
}

interface Answered {
  readonly category: number;
  /** By depth. */
  readonly shares: readonly number[];
}

export async function measureRecall(name: string, conversations: readonly Conversation[]): Promise<RecallFigures> {
  const answered: Answered[] = [];
  const searchMs: number[] = [];
  let indexMs = 0;
  for (const { turns, questions } of conversations) {
    const startMs = performance.now();
    const index = new RecallIndex({ documentsMax: turns.length });
    for (const [position, { id, speaker, text, atMs }] of turns.entries()) {
      index.add({ id, key: id, revision: 1, scope: "session.1", kind: "turn", text, speaker, atMs, position });
    }
    indexMs += performance.now() - startMs;
    for (const { question, category, evidence } of questions) {
      const { hits } = await index.search(question, { k: Math.max(...depths) });
      const found = hits.map(({ document }) => document.id);
      const shareAt = (k: number) => evidence.filter((id) => found.slice(0, k).includes(id)).length / evidence.length;
      answered.push({ category, shares: depths.map(shareAt) });
      const askedMs = performance.now();
      await index.search(question, { k: 10 });
      searchMs.push(performance.now() - askedMs);
    }
  }
  searchMs.sort((first, second) => first - second);
  const categories = [...new Set(answered.map(({ category }) => category))].sort((first, second) => first - second);
  return {
    name,
    conversations: conversations.length,
    turns: conversations.reduce((sum, { turns }) => sum + turns.length, 0),
    questions: answered.length,
    recall: recallOf(answered),
    categories: Object.fromEntries(
      categories.map((category) => [category, recallOf(answered.filter((each) => each.category === category))]),
    ),
    p50Ms: rounded(quantile(searchMs, 0.5)),
    p95Ms: rounded(quantile(searchMs, 0.95)),
    indexMs: rounded(indexMs),
  };
}

function recallOf(answered: readonly Answered[]): Recall {
  const mean = (at: number) => answered.reduce((sum, { shares }) => sum + (shares[at] ?? 0), 0) / answered.length;
  return Object.fromEntries(depths.map((depth, at) => [depth, rounded(mean(at))]));
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const rounded = (value: number): number => Number(value.toFixed(4));
