// Which documents hold a term, and how often. A document is known by its slot, a small whole number.

const countsMax = 63;
const countBits = 6;

/** Slots are below this, so that a slot and a count fit into a small integer. */
export const slotsMax = 2 ** 24;

export class Postings {
  /** By term: slot and count in one number each, in no order. */
  readonly #byTerm = new Map<string, number[]>();
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
      if (entries === undefined) this.#byTerm.set(term, [entry]);
      else entries.push(entry);
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
      if (entries.length === 0) this.#byTerm.delete(term);
      this.#entries -= 1;
    }
  }

  /** For `slotOf` and `countOf`. */
  of(term: string): readonly number[] {
    return this.#byTerm.get(term) ?? [];
  }
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
