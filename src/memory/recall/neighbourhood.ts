// Who stands beside whom: the documents of a scope in their order, and how much of what its neighbours say counts for a
// document. What a person asks for is seldom said in one turn: the question names it, the answer tells it.
//
//   N1. Neighbours are of one scope, one behind the other by position, then id. A pause ends a conversation: what is
//       further apart in time than `pauseMs` is not beside each other. Facts stand alone.
//   N2. A document has its own words in full, and those of the three before and the two behind it in shares that fall
//       with the distance. Shares are whole numbers of eighths, so that sums do not depend on the order of adding.
//   N3. The span of a document is the length of all that counts for it, weighed by these shares.

import type { RecallDocument } from "./document.ts";

/** Unit: ms. An hour. */
export const pauseMs = 3_600_000;

/** Eighths of a word's count for the document itself, for those before it from the nearest on, and for those behind it. */
export const ownShare = 8;
export const sharesOfPrevious = [5, 3, 1] as const;
export const sharesOfNext = [3, 2] as const;

/** Nobody. */
export const none = -1;

interface Placed {
  readonly slot: number;
  readonly document: RecallDocument;
}

export class Neighbourhood {
  readonly #byScope = new Map<string, Placed[]>();
  readonly #lengths: number[] = [];
  readonly #spans: number[] = [];
  #spanTotal = 0;
  /** By slot; `none` at the ends. */
  readonly previous: number[] = [];
  readonly next: number[] = [];

  scopes(): Iterable<string> {
    return this.#byScope.keys();
  }

  /** The slots of a scope in their order. */
  slotsOf(scope: string): readonly number[] {
    return (this.#byScope.get(scope) ?? []).map(({ slot }) => slot);
  }

  /** In eighths of a word, as `spanTotal` is. */
  spanOf(slot: number): number {
    return this.#spans[slot] ?? 0;
  }

  /** Of all documents. */
  get spanTotal(): number {
    return this.#spanTotal;
  }

  /** `length`: words that count. */
  add(slot: number, document: RecallDocument, length: number): void {
    const placed = this.#byScope.get(document.scope) ?? [];
    this.#byScope.set(document.scope, placed);
    const at = placeIn(placed, document);
    placed.splice(at, 0, { slot, document });
    this.#lengths[slot] = length;
    this.#spans[slot] = 0;
    this.previous[slot] = none;
    this.next[slot] = none;
    this.#link(placed[at - 1], placed[at]);
    this.#link(placed[at], placed[at + 1]);
    this.#measure(placed, at);
  }

  remove(slot: number, document: RecallDocument): void {
    const placed = this.#byScope.get(document.scope) ?? [];
    const at = placeIn(placed, document);
    if (placed[at]?.slot !== slot) return;
    placed.splice(at, 1);
    this.#spanTotal -= this.#spans[slot] ?? 0;
    this.#lengths[slot] = 0;
    this.#spans[slot] = 0;
    if (placed.length === 0) this.#byScope.delete(document.scope);
    this.#link(placed[at - 1], placed[at]);
    this.#measure(placed, at);
  }

  removeScope(scope: string): void {
    for (const { slot } of this.#byScope.get(scope) ?? []) {
      this.#spanTotal -= this.spanOf(slot);
      this.#spans[slot] = 0;
      this.#lengths[slot] = 0;
    }
    this.#byScope.delete(scope);
  }

  /** N1. */
  #link(first: Placed | undefined, second: Placed | undefined): void {
    const isNear =
      first !== undefined &&
      second !== undefined &&
      first.document.kind !== "fact" &&
      second.document.kind !== "fact" &&
      Math.abs(second.document.atMs - first.document.atMs) <= pauseMs;
    if (first !== undefined) this.next[first.slot] = isNear ? second.slot : none;
    if (second !== undefined) this.previous[second.slot] = isNear ? first.slot : none;
  }

  /** The spans of all whose neighbours may be others now. */
  #measure(placed: readonly Placed[], at: number): void {
    for (let place = Math.max(0, at - sharesOfPrevious.length); place <= at + sharesOfPrevious.length; place += 1) {
      const slot = placed[place]?.slot;
      if (slot === undefined) break;
      const span = this.#spanNow(slot);
      this.#spanTotal += span - (this.#spans[slot] ?? 0);
      this.#spans[slot] = span;
    }
  }

  #spanNow(slot: number): number {
    let span = ownShare * (this.#lengths[slot] ?? 0);
    for (const { slot: other, share } of this.around(slot)) span += share * (this.#lengths[other] ?? 0);
    return span;
  }

  /** N2: the neighbours whose words count for a document, and their shares. */
  around(slot: number): { readonly slot: number; readonly share: number }[] {
    const found: { slot: number; share: number }[] = [];
    let other = slot;
    for (const share of sharesOfPrevious) {
      other = this.previous[other] ?? none;
      if (other === none) break;
      found.push({ slot: other, share });
    }
    other = slot;
    for (const share of sharesOfNext) {
      other = this.next[other] ?? none;
      if (other === none) break;
      found.push({ slot: other, share });
    }
    return found;
  }
}

/** Where a document stands among those in order, or would stand. */
function placeIn(placed: readonly Placed[], document: RecallDocument): number {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = placed[middle];
    if (other !== undefined && isBefore(other.document, document)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(first: RecallDocument, second: RecallDocument): boolean {
  if (first.position !== second.position) return first.position < second.position;
  return first.id < second.id;
}
