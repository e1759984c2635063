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
/** A query is a sentence or a page, not a book. Unit: groups. */
const groupsMax = 256;

const whenForm = /\b(?:when|how long|(?:what|which) (?:date|day|month|year|time))\b/i;

/** What the documents know of words. */
export interface Lexicon {
  /** The speakers in whose names a word stands. */
  speakersOf(word: string): Iterable<string>;
  /** Terms that are there and look like forms of the same word. */
  formsOf(term: string): readonly string[];
}

export function planQuery(query: string, lexicon: Lexicon): QueryPlan {
  const words = [...wordsOf(query)].map(({ text }) => text);
  const groups = new Map<string, TermGroup>();
  const speakers = new Set<string>();
  for (const word of words) {
    if (groups.size >= groupsMax) break;
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
  return { groups: [...groups.values()], speakers, dates: datesIn(words), asksWhen: whenForm.test(query) };
}

/** A form may be of another word after all: it counts for half. */
function withForms(terms: readonly string[], forms: readonly string[]): readonly GroupTerm[] {
  const inFull = terms.map((term) => ({ term, halves: 2 as const }));
  return [...inFull, ...forms.filter((form) => !terms.includes(form)).map((term) => ({ term, halves: 1 as const }))];
}
