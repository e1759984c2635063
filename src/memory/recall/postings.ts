// Which documents hold a term, and how often. A document is known by its slot, a small whole number.

const letters = /^[\p{L}\p{M}]+$/u;
const countsMax = 63;
const countBits = 6;

/** Slots are below this, so that a slot and a count fit into a small integer. */
export const slotsMax = 2 ** 24;

/** Terms are of one word when they begin alike for this long at least... */
const commonStart = 5;
/** ...and for all of the shorter one but this, and the longer one has at most so much more. Unit: characters. */
const endingMax = { ofShorter: 1, ofLonger: 4 };

export class Postings {
  /** By term: slot and count in one number each, in no order. */
  readonly #byTerm = new Map<string, number[]>();
  /** Terms by their first characters. */
  readonly #byStart = new Map<string, Set<string>>();
  #entries = 0;

  /** Terms that some document holds. */
  get terms(): number {
    return this.#byTerm.size;
  }

  /** Pairs of a term and a document. */
  get entries(): number {
    return this.#entries;
  }

  add(slot: number, counts: ReadonlyMap<string, number>): void {
    for (const [term, count] of counts) {
      const entry = pack(slot, count);
      const entries = this.#byTerm.get(term);
      if (entries !== undefined) entries.push(entry);
      else this.#begin(term, entry);
    }
    this.#entries += counts.size;
  }

  /** `counts`: those with which it was added. */
  remove(slot: number, counts: ReadonlyMap<string, number>): void {
    for (const [term, count] of counts) {
      const entries = this.#byTerm.get(term);
      const at = entries?.indexOf(pack(slot, count)) ?? -1;
      if (entries === undefined || at < 0) continue;
      const last = entries.pop();
      if (last !== undefined && at < entries.length) entries[at] = last;
      if (entries.length === 0) this.#end(term);
      this.#entries -= 1;
    }
  }

  /** Goes through each of the terms once, however many slots there are. */
  removeAll(slots: ReadonlySet<number>, terms: Iterable<string>): void {
    for (const term of terms) {
      const entries = this.#byTerm.get(term) ?? [];
      const kept = entries.filter((entry) => !slots.has(slotOf(entry)));
      this.#entries -= entries.length - kept.length;
      if (kept.length === 0) this.#end(term);
      else this.#byTerm.set(term, kept);
    }
  }

  /** Other terms that look like forms of the same word, as `counselor` of `counsel`: stems fail to meet, or are of no English. */
  formsOf(term: string): readonly string[] {
    const alike = this.#byStart.get(term.slice(0, commonStart)) ?? [];
    return [...alike].filter((other) => other !== term && areForms(term, other)).sort();
  }

  /** For `slotOf` and `countOf`. */
  of(term: string): readonly number[] {
    return this.#byTerm.get(term) ?? [];
  }

  #begin(term: string, entry: number): void {
    this.#byTerm.set(term, [entry]);
    if (term.length < commonStart) return;
    const start = term.slice(0, commonStart);
    const terms = this.#byStart.get(start);
    if (terms !== undefined) terms.add(term);
    else this.#byStart.set(start, new Set([term]));
  }

  #end(term: string): void {
    this.#byTerm.delete(term);
    const start = term.slice(0, commonStart);
    const terms = this.#byStart.get(start);
    terms?.delete(term);
    if (terms?.size === 0) this.#byStart.delete(start);
  }
}

/** Numbers are never forms of each other. */
function areForms(first: string, second: string): boolean {
  if (!letters.test(first) || !letters.test(second)) return false;
  const [shorter, longer] = first.length <= second.length ? [first, second] : [second, first];
  let common = 0;
  while (common < shorter.length && shorter[common] === longer[common]) common += 1;
  if (common < commonStart) return false;
  return shorter.length - common <= endingMax.ofShorter && longer.length - common <= endingMax.ofLonger;
}

function pack(slot: number, count: number): number {
  return (slot << countBits) | Math.min(count, countsMax);
}

export function slotOf(entry: number): number {
  return entry >>> countBits;
}

export function countOf(entry: number): number {
  return entry & countsMax;
}

/** The counts that `Postings` keeps: what is added is what is explained. */
export function boundedCount(count: number): number {
  return Math.min(count, countsMax);
}
