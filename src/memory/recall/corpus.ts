// What the index knows of its documents, by slot: their words, who stands beside whom, who speaks, when.
//
//   C1. What is known depends on the documents that are there, not on those that were, nor on the order in which they
//       came: after any adding and removing a search answers as it would in an index made anew.

import { monthNumber } from "./calendar.ts";
import type { RecallDocument } from "./document.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { boundedCount, Postings, slotsMax } from "./postings.ts";
import { tellingOf } from "./telling.ts";
import { documentTerms, wordsOf } from "./words.ts";

/** Measured on turns of some 100 characters: a document's columns and places, a term, a pair of term and document. */
const bytesPerDocument = 420;
const bytesPerTerm = 130;
const bytesPerEntry = 12;

export class Corpus {
  readonly postings = new Postings();
  readonly neighbourhood = new Neighbourhood();
  readonly #documents: (RecallDocument | undefined)[] = [];
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #bits: number[] = [];
  readonly #lengths: number[] = [];
  #lengthTotal = 0;
  #characters = 0;
  /** How many documents each speaker has, by the words of the name. */
  readonly #speakers = new Map<string, Map<string, number>>();
  readonly #months = new Map<number, Set<number>>();

  get size(): number {
    return this.#slots.size;
  }

  /** Slots are below it. */
  get slotEnd(): number {
    return this.#documents.length;
  }

  /** Estimated. Unit: bytes. */
  get bytes(): number {
    const structure = this.size * bytesPerDocument + this.postings.terms * bytesPerTerm;
    return structure + this.postings.entries * bytesPerEntry + this.#characters;
  }

  /** Mean words that count, of a document. */
  get averageLength(): number {
    return this.size === 0 ? 0 : this.#lengthTotal / this.size;
  }

  documentAt(slot: number): RecallDocument | undefined {
    return this.#documents[slot];
  }

  *documents(): Generator<RecallDocument> {
    for (const document of this.#documents) if (document !== undefined) yield document;
  }

  slotOf(id: string): number | undefined {
    return this.#slots.get(id);
  }

  bitsOf(slot: number): number {
    return this.#bits[slot] ?? 0;
  }

  lengthOf(slot: number): number {
    return this.#lengths[slot] ?? 0;
  }

  /** The speakers in whose names a word stands. */
  speakersOf(word: string): Iterable<string> {
    return this.#speakers.get(word)?.keys() ?? [];
  }

  months(): Iterable<[month: number, slots: ReadonlySet<number>]> {
    return this.#months;
  }

  /** The slot. Nothing in it may have the document's id. */
  add(document: RecallDocument): number {
    const slot = this.#free.pop() ?? this.#documents.length;
    if (slot >= slotsMax) throw new RangeError(`an index holds less than ${slotsMax} documents`);
    const { counts, length } = countTerms(document.text);
    this.#documents[slot] = document;
    this.#slots.set(document.id, slot);
    this.#bits[slot] = tellingOf(document.text, originalsOf(document.text));
    this.#lengths[slot] = length;
    this.#lengthTotal += length;
    this.#characters += charactersOf(document);
    this.postings.add(slot, counts);
    this.neighbourhood.add(slot, document, length);
    for (const word of nameWords(document)) this.#countSpeaker(word, document.speaker ?? "", 1);
    const month = monthNumber(document.atMs);
    const slots = this.#months.get(month) ?? new Set();
    this.#months.set(month, slots.add(slot));
    return slot;
  }

  remove(slot: number, document: RecallDocument): void {
    this.postings.remove(slot, countTerms(document.text).counts);
    this.neighbourhood.remove(slot, document);
    this.#forget(slot, document);
  }

  /** All of exactly this scope, with one look at each of their terms. */
  removeScope(scope: string): readonly { readonly slot: number; readonly document: RecallDocument }[] {
    const removed = this.neighbourhood.slotsOf(scope).flatMap((slot) => {
      const document = this.#documents[slot];
      return document === undefined ? [] : [{ slot, document }];
    });
    const terms = new Set(removed.flatMap(({ document }) => [...countTerms(document.text).counts.keys()]));
    this.postings.removeAll(new Set(removed.map(({ slot }) => slot)), terms);
    this.neighbourhood.removeScope(scope);
    for (const { slot, document } of removed) this.#forget(slot, document);
    return removed;
  }

  #forget(slot: number, document: RecallDocument): void {
    this.#documents[slot] = undefined;
    this.#slots.delete(document.id);
    this.#free.push(slot);
    this.#lengthTotal -= this.lengthOf(slot);
    this.#lengths[slot] = 0;
    this.#characters -= charactersOf(document);
    for (const word of nameWords(document)) this.#countSpeaker(word, document.speaker ?? "", -1);
    const month = monthNumber(document.atMs);
    const slots = this.#months.get(month);
    slots?.delete(slot);
    if (slots?.size === 0) this.#months.delete(month);
  }

  #countSpeaker(word: string, speaker: string, change: number): void {
    const counts = this.#speakers.get(word) ?? new Map<string, number>();
    const count = (counts.get(speaker) ?? 0) + change;
    if (count > 0) counts.set(speaker, count);
    else counts.delete(speaker);
    if (counts.size > 0) this.#speakers.set(word, counts);
    else this.#speakers.delete(word);
  }
}

/** Terms of a text with their counts, and how many words counted. */
export function countTerms(text: string): { readonly counts: ReadonlyMap<string, number>; readonly length: number } {
  const counts = new Map<string, number>();
  let length = 0;
  for (const word of wordsOf(text)) {
    for (const term of documentTerms(word.text)) {
      counts.set(term, boundedCount((counts.get(term) ?? 0) + 1));
      length += 1;
    }
  }
  return { counts, length };
}

function* originalsOf(text: string): Generator<string> {
  for (const { original } of wordsOf(text)) yield original;
}

function nameWords({ speaker }: RecallDocument): ReadonlySet<string> {
  return new Set(speaker === undefined ? [] : [...wordsOf(speaker)].map(({ text }) => text));
}

function charactersOf(document: RecallDocument): number {
  return document.text.length + 2 * (document.id.length + document.key.length + document.scope.length);
}
