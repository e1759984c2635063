// Why a hit stands where it does, for a person: made for the few that are shown, by the same weights as the ranking (R2
// of `lexical-ranking.ts`).

import type { Corpus } from "./corpus.ts";
import type { RecallDocument } from "./document.ts";
import type { RecallField, RecallWhy } from "./hit.ts";
import type { FieldScores } from "./lexical-ranking.ts";
import { fieldsOf, rarityOf, sumOf, weigh } from "./lexical-ranking.ts";
import { ownShare } from "./neighbourhood.ts";
import { boundedCount } from "./postings.ts";
import type { QueryPlan } from "./query-plan.ts";
import { documentTerms, wordsOf } from "./words.ts";

type Explained = Pick<RecallWhy, "matched" | "fields" | "lexicalScore">;

interface Matched {
  readonly word: string;
  readonly field: RecallField;
  readonly score: number;
}

/** Where a group's words stand: in the document itself, and around it. */
interface Standing {
  readonly word: string;
  readonly field: "text" | "neighbours";
  /** As in `GroupCounts.around`. */
  readonly count: number;
}

export function explain(corpus: Corpus, plan: QueryPlan, slot: number, document: RecallDocument): Explained {
  const texts = [
    { document, share: ownShare, field: "text" as const },
    ...corpus.neighbourhood.around(slot).map(({ slot: other, share }) => {
      return { document: corpus.documentAt(other) ?? document, share, field: "neighbours" as const };
    }),
  ].map(({ document: { text }, share, field }) => ({ share, field, words: wordsByTerm(text) }));

  const matched: Matched[] = [];
  let whole = 0;
  let own = 0;
  for (const group of plan.groups) {
    const found: Standing[] = [];
    for (const { term, halves } of group.terms) {
      for (const { share, field, words } of texts) {
        const word = words.get(term);
        if (word === undefined) continue;
        found.push({ word: word.original, field, count: share * halves * boundedCount(word.count) });
      }
    }
    const around = found.reduce((sum, { count }) => sum + count, 0);
    if (around === 0) continue;
    const inText = found.reduce((sum, { field, count }) => sum + (field === "text" ? count : 0), 0);
    const scores = weigh(corpus, slot, group, rarityOf(corpus, group), { around, own: inText / ownShare });
    whole += scores.around + scores.own;
    for (const standing of found) {
      const again = standing.field === "text" ? (scores.own * standing.count) / inText : 0;
      const part = (scores.around * standing.count) / around + again;
      if (standing.field === "text") own += part;
      matched.push({ word: standing.word, field: standing.field, score: part });
    }
  }
  const fields = fieldsOf(corpus, plan, slot, document, { text: own, neighbours: whole - own });
  return {
    matched: [...merged(matched), ...beside(plan, document, fields)].sort(byScore),
    fields,
    lexicalScore: sumOf(fields),
  };
}

/** The first word of a text that is found by a term, and how often it stands there. */
function wordsByTerm(text: string): Map<string, { readonly original: string; count: number }> {
  const words = new Map<string, { readonly original: string; count: number }>();
  for (const { text: word, original } of wordsOf(text)) {
    const terms = documentTerms(word);
    for (const term of terms) {
      const known = words.get(term);
      // Of a text without spaces the part is shown that was met.
      if (known === undefined) words.set(term, { original: terms.length > 1 ? term : original, count: 1 });
      else known.count += 1;
    }
  }
  return words;
}

/** A word that several neighbours say is named once. */
function merged(matched: readonly Matched[]): Matched[] {
  const byWord = Map.groupBy(matched, ({ word, field }) => `${field} ${word.toLowerCase()}`);
  return [...byWord.values()].flatMap((alike) => {
    const [first] = alike;
    return first === undefined ? [] : [{ ...first, score: alike.reduce((sum, { score }) => sum + score, 0) }];
  });
}

/** What was met besides the words of texts: the name of the speaker, the dates. */
function beside(plan: QueryPlan, { speaker }: RecallDocument, fields: FieldScores): Matched[] {
  const found: Matched[] = [];
  if (speaker !== undefined && fields.speaker > 0)
    found.push({ word: speaker, field: "speaker", score: fields.speaker });
  if (fields.date > 0) {
    const words = plan.dates.map((wish) => wish.words).join(", ") || "when";
    found.push({ word: words, field: "date", score: fields.date });
  }
  return found;
}

function byScore(first: Matched, second: Matched): number {
  if (first.score !== second.score) return second.score - first.score;
  return first.word < second.word ? -1 : first.word > second.word ? 1 : 0;
}
