// What a query looks for, read from its words alone.

import type { DateWish } from "./calendar.ts";
import { datesIn } from "./calendar.ts";
import { alikeTerms, kindTerms } from "./everyday-words.ts";
import { queryTerms, wordsOf } from "./words.ts";

export interface GroupTerm {
  readonly term: string;
  /** How much one word of it counts: 2 in full, 1 for half of it. */
  readonly halves: 1 | 2;
}

/** Terms that count as one: a word and those that are alike, with their forms, or the things of a kind. */
export interface TermGroup {
  readonly terms: readonly GroupTerm[];
  readonly weight: number;
}

export interface QueryPlan {
  readonly groups: readonly TermGroup[];
  /** Speakers that it names. */
  readonly speakers: ReadonlySet<string>;
  readonly dates: readonly DateWish[];
  /** It asks for a time. */
  readonly asksWhen: boolean;
}

/** A name stands in every second turn as an address: it says more of the speaker than of the text. */
const nameWeight = 0.25;
/** "Hobbies" may be meant by "hiking", less surely than by itself. */
const kindWeight = 0.75;
/** Of a long query, such as a whole message, only the rarest words are looked up: the others cost time and say little. */
const groupsMax = 64;
/** What comes after so many words of a query is not looked at. */
const wordsMax = 2_000;

const whenForm = /\b(?:when|how long|(?:what|which) (?:date|day|month|year|time))\b/i;

/** What the documents know of words. */
export interface Lexicon {
  /** The speakers in whose names a word stands. */
  speakersOf(word: string): Iterable<string>;
  /** Terms that are there and look like forms of the same word. */
  formsOf(term: string): readonly string[];
  /** 0 when no document holds any of its terms. */
  rarityOf(group: TermGroup): number;
}

export function planQuery(query: string, lexicon: Lexicon): QueryPlan {
  const words = [...wordsOf(query).take(wordsMax)].map(({ text }) => text);
  const groups = new Map<string, TermGroup>();
  const speakers = new Set<string>();
  for (const word of words) {
    const named = [...lexicon.speakersOf(word)];
    for (const speaker of named) speakers.add(speaker);
    for (const term of queryTerms(word)) {
      if (groups.has(term)) continue;
      if (named.length > 0) {
        groups.set(term, { terms: [{ term, halves: 2 }], weight: nameWeight });
        continue;
      }
      groups.set(term, { terms: withForms(alikeTerms.get(term) ?? [term], lexicon.formsOf(term)), weight: 1 });
      const things = kindTerms.get(term);
      if (things !== undefined) groups.set(`${term} `, { terms: withForms(things, []), weight: kindWeight });
    }
  }
  return {
    groups: rarest([...groups.values()], lexicon),
    speakers,
    dates: datesIn(words),
    asksWhen: whenForm.test(query),
  };
}

/** A form may be of another word after all: it counts for half. */
function withForms(terms: readonly string[], forms: readonly string[]): readonly GroupTerm[] {
  const inFull = terms.map((term) => ({ term, halves: 2 as const }));
  return [...inFull, ...forms.filter((form) => !terms.includes(form)).map((term) => ({ term, halves: 1 as const }))];
}

/** The `groupsMax` that weigh most, in the order of the query. */
function rarest(groups: readonly TermGroup[], lexicon: Lexicon): readonly TermGroup[] {
  const weighed = groups.map((group) => ({ group, weight: group.weight * lexicon.rarityOf(group) }));
  const found = weighed.filter(({ weight }) => weight > 0);
  if (found.length <= groupsMax) return found.map(({ group }) => group);
  const best = new Set(found.toSorted((first, second) => second.weight - first.weight).slice(0, groupsMax));
  return found.filter((each) => best.has(each)).map(({ group }) => group);
}
