// Ranks documents by the words of a query.
//
//   R1. A document is judged with its neighbourhood: the counts of a term in it and, by shares, in the turns around it are
//       summed before they are weighed (BM25 over that sum), so that a question and its answer find each other. What it
//       says itself counts once more for a part, so that of the turns that speak of a thing the one that names it is first.
//   R2. The score is the sum of its fields: text and neighbours (how the words were weighed, by where they stand), date,
//       telling (how much the turn tells) and speaker. `explain` gives the same numbers as the ranking.
//   R3. Equal scores are ordered by time, the newer first, then by id. The order depends on nothing else.

import { dateMatch } from "./calendar.ts";
import type { Corpus } from "./corpus.ts";
import type { RecallDocument } from "./document.ts";
import type { RecallField } from "./hit.ts";
import { none, ownShare, sharesOfNext, sharesOfPrevious } from "./neighbourhood.ts";
import { countOf, slotOf } from "./postings.ts";
import type { QueryPlan, TermGroup } from "./query-plan.ts";
import { telling, tellingFactor } from "./telling.ts";

/** How soon more of the same word counts for no more, and how much a long span counts against it. */
const saturation = 1.2;
const spanWeight = 0.75;
/** How much what a document says itself counts once more. */
const ownWeight = 0.25;
/** What a date that is met in full month and year counts, as a word would that stands in 2 of 100 documents. */
const dateWeight = 4;
/** What a turn gains, in terms of its score: words of a time for who asks when, and a speaker that the query names. */
const whenGain = 0.25;
const speakerGain = 1;

export type FieldScores = Record<RecallField, number>;

/** The weight of a group's words: the rarer, the more. */
export function rarityOf(corpus: Corpus, group: TermGroup): number {
  let holders = 0;
  for (const { term, halves } of group.terms) holders += (corpus.postings.of(term).length * halves) / 2;
  holders = Math.min(holders, corpus.size);
  return holders === 0 ? 0 : Math.log(1 + (corpus.size - holders + 0.5) / (holders + 0.5));
}

/** How often the words of a group stand in a document and around it, and in itself. */
export interface GroupCounts {
  /** With the neighbours' shares. Unit: halves of eighths. */
  readonly around: number;
  /** Unit: halves. */
  readonly own: number;
}

export interface GroupScores {
  /** For what stands in it and around it. */
  readonly around: number;
  /** For what stands in itself, once more. */
  readonly own: number;
}

/** What a group gives to a document. */
export function weigh(
  corpus: Corpus,
  slot: number,
  group: TermGroup,
  rarity: number,
  counts: GroupCounts,
): GroupScores {
  const { neighbourhood, averageLength, size } = corpus;
  const { spanTotal } = neighbourhood;
  const weight = group.weight * rarity;
  const span = spanTotal === 0 ? 1 : (neighbourhood.spanOf(slot) * size) / spanTotal;
  const around = weight * saturated(counts.around / (2 * ownShare), span);
  if (counts.own === 0) return { around, own: 0 };
  const length = averageLength === 0 ? 1 : corpus.lengthOf(slot) / averageLength;
  return { around, own: weight * ownWeight * saturated(counts.own / 2, length) };
}

/** BM25: `length` in terms of the average. */
function saturated(count: number, length: number): number {
  return (count * (saturation + 1)) / (count + saturation * (1 - spanWeight + spanWeight * length));
}

/** What the words of the plan give to each slot, together with its neighbours'. Only for slots that `mayRank`. */
export function scoreWords(corpus: Corpus, plan: QueryPlan, mayRank: (slot: number) => boolean): Float64Array {
  const scores = new Float64Array(corpus.slotEnd);
  const counts = new Int32Array(corpus.slotEnd);
  const owns = new Int32Array(corpus.slotEnd);
  const touched: number[] = [];
  const count = (slot: number, added: number): void => {
    if (counts[slot] === 0) touched.push(slot);
    counts[slot] = (counts[slot] ?? 0) + added;
  };
  const { previous, next } = corpus.neighbourhood;
  for (const group of plan.groups) {
    const rarity = rarityOf(corpus, group);
    for (const { term, halves } of group.terms) {
      for (const entry of corpus.postings.of(term)) {
        const slot = slotOf(entry);
        // Neighbours are of one scope: where the scope is not asked for nobody else is either.
        if (!mayRank(slot)) continue;
        const times = countOf(entry) * halves;
        owns[slot] = (owns[slot] ?? 0) + times;
        count(slot, ownShare * times);
        let other = slot;
        for (const share of sharesOfPrevious) {
          other = next[other] ?? none;
          if (other === none) break;
          count(other, share * times);
        }
        other = slot;
        for (const share of sharesOfNext) {
          other = previous[other] ?? none;
          if (other === none) break;
          count(other, share * times);
        }
      }
    }
    for (const slot of touched) {
      const { around, own } = weigh(corpus, slot, group, rarity, { around: counts[slot] ?? 0, own: owns[slot] ?? 0 });
      scores[slot] = (scores[slot] ?? 0) + around + own;
      counts[slot] = 0;
      owns[slot] = 0;
    }
    touched.length = 0;
  }
  return scores;
}

/** The slots of the months that the plan speaks of: they are found without any word. */
export function* slotsOfDates(corpus: Corpus, plan: QueryPlan): Generator<number> {
  const wishes = plan.dates.filter(({ year, month }) => year !== undefined || month !== undefined);
  if (wishes.length === 0) return;
  for (const [month, slots] of corpus.months()) {
    const isMeant = wishes.some((wish) =>
      wish.month === undefined ? wish.year === Math.floor(month / 12) : wish.month === month % 12,
    );
    if (isMeant) yield* slots;
  }
}

/** R2: what a document's words, by themselves and by its neighbours', come to with all else that is known of it. */
export function fieldsOf(
  corpus: Corpus,
  plan: QueryPlan,
  slot: number,
  document: RecallDocument,
  words: { readonly text: number; readonly neighbours: number },
): FieldScores {
  const bits = corpus.bitsOf(slot);
  const match = plan.dates.reduce((best, wish) => Math.max(best, dateMatch(wish, document.atMs)), 0);
  const met = dateWeight * match;
  const found = words.text + words.neighbours + met;
  const told = found * (factorOf(corpus, slot, document) - 1);
  const timed = plan.asksWhen && bits & telling.ofTime ? (found + told) * whenGain : 0;
  const isNamed = document.speaker !== undefined && plan.speakers.has(document.speaker);
  const spoken = isNamed ? (found + told + timed) * speakerGain : 0;
  return { text: words.text, neighbours: words.neighbours, date: met + timed, telling: told, speaker: spoken };
}

/** Only what somebody said in a conversation is judged by how much it tells. */
function factorOf(corpus: Corpus, slot: number, document: RecallDocument): number {
  if (document.kind !== "turn") return 1;
  const before = corpus.neighbourhood.previous[slot] ?? none;
  return tellingFactor({
    bits: corpus.bitsOf(slot),
    length: corpus.lengthOf(slot),
    averageLength: corpus.averageLength,
    opens: before === none,
    answers: before !== none && (corpus.bitsOf(before) & telling.asks) !== 0,
  });
}

/** The sum, always in the same order, so that it is the same number each time. */
export function sumOf({ text, neighbours, date, telling: told, speaker }: FieldScores): number {
  return text + neighbours + date + told + speaker;
}
