// Which document is the oldest: by time, then by id.

/** What is kept of a document here: nothing that it says, since what was removed may stay for a while. */
export interface Aged {
  readonly id: string;
  readonly atMs: number;
}

/** A heap. What was removed or replaced stays in it until it comes up, and is then passed over. */
export class AgeQueue {
  #heap: Aged[] = [];

  add({ id, atMs }: Aged): void {
    const heap = this.#heap;
    heap.push({ id, atMs });
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!swapIfOlder(heap, at, parent)) break;
      at = parent;
    }
  }

  /** The oldest of those that are `held`. */
  peek(isHeld: (aged: Aged) => boolean): Aged | undefined {
    for (;;) {
      const [oldest] = this.#heap;
      if (oldest === undefined || isHeld(oldest)) return oldest;
      this.#pop();
    }
  }

  /** Begins anew with what is held, when that is less than half of what is in it. */
  tidy(size: number, held: () => Iterable<Aged>): void {
    if (this.#heap.length < 2 * size + 64) return;
    // What is in order by age is a heap.
    this.#heap = [...held()]
      .map(({ id, atMs }) => ({ id, atMs }))
      .sort((first, second) => (isOlder(first, second) ? -1 : 1));
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
function swapIfOlder(heap: Aged[], lower: number, upper: number): boolean {
  const [below, above] = [heap[lower], heap[upper]];
  if (below === undefined || above === undefined || !isOlder(below, above)) return false;
  heap[lower] = above;
  heap[upper] = below;
  return true;
}

function isOlder(first: Aged, second: Aged): boolean {
  if (first.atMs !== second.atMs) return first.atMs < second.atMs;
  return first.id < second.id;
}
