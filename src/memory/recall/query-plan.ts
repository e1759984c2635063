// What a query looks for, read from its words alone.

import type { DateWish } from "./calendar.ts";
import { datesIn } from "./calendar.ts";
import { alikeTerms, kindTerms } from "./everyday-words.ts";
import { queryTerms, wordsOf } from "./words.ts";

/** Terms that count as one: a word and those that are alike, or the things of a kind. */
export interface TermGroup {
  readonly terms: readonly string[];
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

/** `speakersOf`: the speakers whose names hold a word. */
export function planQuery(query: string, speakersOf: (word: string) => Iterable<string>): QueryPlan {
  const words = [...wordsOf(query)].map(({ text }) => text);
  const groups = new Map<string, TermGroup>();
  const speakers = new Set<string>();
  for (const word of words) {
    if (groups.size >= groupsMax) break;
    const named = [...speakersOf(word)];
    for (const speaker of named) speakers.add(speaker);
    for (const term of queryTerms(word)) {
      if (groups.has(term)) continue;
      if (named.length > 0) {
        groups.set(term, { terms: [term], weight: nameWeight });
        continue;
      }
      groups.set(term, { terms: alikeTerms.get(term) ?? [term], weight: 1 });
      const things = kindTerms.get(term);
      if (things !== undefined) groups.set(`${term} `, { terms: things, weight: kindWeight });
    }
  }
  return { groups: [...groups.values()], speakers, dates: datesIn(words), asksWhen: whenForm.test(query) };
}
