// Words of a text, and what they are looked up by. The same for documents and for queries, in any language:
//
//   T1. Case, accents and the width of characters make no difference; control characters and punctuation end a word.
//   T2. English words are looked up by their stem, irregular forms by the stem of their word. Stop words are not looked up.
//   T3. Scripts that are written without spaces (and Korean, whose words take on endings) are cut into characters and
//       pairs of characters, so that a part of a sentence is found in it.
//   T4. Only the first `indexedLengthMax` characters of a text are looked at.

import { stemmer } from "stemmer";
import { irregularForms } from "./irregular-forms.ts";

/** Unit: UTF-16 code units. */
export const indexedLengthMax = 100_000;

/** A longer word is looked up by this much of it: it is no word of a language. */
const wordLengthMax = 64;

export interface Word {
  /** In lower case, without accents. */
  readonly text: string;
  /** As it stands in the text. */
  readonly original: string;
}

const wordForm = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)?/gu;
const english = /^[a-z]+$/;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]+/gu;
const isUnspaced = new RegExp(unspaced.source, "u");

const stopWords: ReadonlySet<string> = new Set(
  `a an the and or but if of at by for with about into to from in on is are was were be been being am do does did doing
  have has had having he she it they them his him her hers its their theirs i me my mine we us our ours you your yours
  this that these those as so than too very can could will would shall should may might must no nor not what which who
  whom whose when where why how there here then just also some any all each both few more most other such only own same
  out up down off over under again further once during before after above below between through because until while
  don doesn didn isn aren wasn weren hasn haven hadn couldn wouldn shouldn mustn wo ain`.split(/\s+/),
);

/** The words of a text in their order, stop words too. */
export function* wordsOf(text: string): Generator<Word> {
  for (const [original] of text.slice(0, indexedLengthMax).matchAll(wordForm)) {
    const plain = withoutEnding(folded(original)).slice(0, wordLengthMax);
    if (!isUnspaced.test(plain)) {
      yield { text: plain, original };
      continue;
    }
    let end = 0;
    for (const run of plain.matchAll(unspaced)) {
      if (run.index > end) yield same(plain.slice(end, run.index));
      yield same(run[0]);
      end = run.index + run[0].length;
    }
    if (end < plain.length) yield same(plain.slice(end));
  }
}

const same = (text: string): Word => ({ text, original: text });

/** What a document's word is found by: nothing for a stop word. */
export function documentTerms(word: string): readonly string[] {
  if (!isUnspaced.test(word)) return isStopWord(word) ? [] : [termOf(word)];
  const characters = [...word];
  return [...characters, ...pairsOf(characters)];
}

/** What a word of a query is looked up by: pairs of characters say more than characters, where there are any. */
export function queryTerms(word: string): readonly string[] {
  if (!isUnspaced.test(word)) return isStopWord(word) ? [] : [termOf(word)];
  const characters = [...word];
  return characters.length === 1 ? characters : pairsOf(characters);
}

export function isStopWord(word: string): boolean {
  return stopWords.has(word);
}

/** Stems are kept, since a language has few words and a log says them often. */
const stems = new Map<string, string>();
const stemsMax = 20_000;

/** The stem of an English word in lower case, any other word as it is. */
export function termOf(word: string): string {
  if (!english.test(word)) return word;
  const known = stems.get(word);
  if (known !== undefined) return known;
  const stem = stemmer(irregularForms.get(word) ?? word);
  if (stems.size >= stemsMax) stems.clear();
  stems.set(word, stem);
  return stem;
}

/** T1. Composed again at the end, since Korean syllables and Japanese marks come apart too. */
function folded(text: string): string {
  if (english.test(text)) return text;
  return text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .toLowerCase();
}

/** `Anna's` is Anna, `didn't` is did, `we'll` is we. */
function withoutEnding(word: string): string {
  const at = word.search(/['’]/);
  if (at < 0) return word;
  const ending = word.slice(at + 1);
  if (ending === "t" && word !== "can't" && word !== "can’t") return word.slice(0, at).replace(/n$/, "");
  return /^(?:s|t|re|ve|ll|d|m)$/.test(ending) ? word.slice(0, at) : word.slice(0, at) + ending;
}

function pairsOf(characters: readonly string[]): string[] {
  return characters.slice(1).map((character, at) => `${characters[at]}${character}`);
}
