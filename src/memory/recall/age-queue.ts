// Which document is the oldest: by time, then by id.

import type { RecallDocument } from "./document.ts";

/** A heap. What was removed or replaced stays in it until it comes up, and is then passed over. */
export class AgeQueue {
  #heap: RecallDocument[] = [];

  add(document: RecallDocument): void {
    const heap = this.#heap;
    heap.push(document);
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!swapIfOlder(heap, at, parent)) break;
      at = parent;
    }
  }

  /** The oldest of those that are `held`. */
  peek(isHeld: (document: RecallDocument) => boolean): RecallDocument | undefined {
    for (;;) {
      const [oldest] = this.#heap;
      if (oldest === undefined || isHeld(oldest)) return oldest;
      this.#pop();
    }
  }

  /** Leaves out what is not held any more, when that is most of it. */
  tidy(size: number, isHeld: (document: RecallDocument) => boolean): void {
    if (this.#heap.length < 2 * size + 64) return;
    // What is in order by age is a heap.
    this.#heap = this.#heap.filter(isHeld).sort((first, second) => (isOlder(first, second) ? -1 : 1));
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) return;
      const child = right !== undefined && isOlder(right, left) ? 2 * at + 2 : 2 * at + 1;
      if (!swapIfOlder(heap, child, at)) return;
      at = child;
    }
  }
}

/** Whether the one at `lower` is older than the one at `upper`, and now above it. */
function swapIfOlder(heap: RecallDocument[], lower: number, upper: number): boolean {
  const [below, above] = [heap[lower], heap[upper]];
  if (below === undefined || above === undefined || !isOlder(below, above)) return false;
  heap[lower] = above;
  heap[upper] = below;
  return true;
}

export function isOlder(first: RecallDocument, second: RecallDocument): boolean {
  if (first.atMs !== second.atMs) return first.atMs < second.atMs;
  return first.id < second.id;
}
