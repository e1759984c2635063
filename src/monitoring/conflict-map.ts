// Where writers got into each other's way: lost races of compare-and-set, by what they were about and when.
//
//   C1. A count stands in the column of the moment at which it came; what is older than the columns reach is gone.
//   C2. At most `namesMax` names are known: of more the one that lost least goes.

export interface ConflictRow {
  readonly what: string;
  /** A column for each stretch of time, oldest first. */
  readonly counts: readonly number[];
}

const columns = 20;
const namesMax = 400;
/** Unit: ms. */
const columnMs = 30_000;

export class ConflictMap {
  /** By name, in a ring; `number` is that of the newest column that was written. */
  readonly #rows = new Map<string, { number: number; readonly ring: Float64Array }>();

  add(what: string, count: number, nowMs: number): void {
    if (count <= 0) return;
    const number = Math.floor(nowMs / columnMs);
    const row = this.#rows.get(what) ?? this.#open(what, number);
    advance(row, number);
    row.ring[number % columns] = (row.ring[number % columns] ?? 0) + count;
  }

  /** The rows with most conflicts, the most first. */
  view(
    most: number,
    nowMs: number,
  ): { readonly columnsAtMs: readonly number[]; readonly rows: readonly ConflictRow[] } {
    const last = Math.floor(nowMs / columnMs);
    const numbers = Array.from({ length: columns }, (_, at) => last - columns + 1 + at);
    const rows = [...this.#rows].flatMap(([what, row]) => {
      advance(row, last);
      const total = sumOf(row.ring);
      if (total === 0) this.#rows.delete(what); // C1
      return total === 0 ? [] : [{ what, total, counts: numbers.map((number) => row.ring[number % columns] ?? 0) }];
    });
    rows.sort((one, other) => other.total - one.total || (one.what < other.what ? -1 : 1));
    return {
      columnsAtMs: numbers.map((number) => number * columnMs),
      rows: rows.slice(0, most).map(({ what, counts }) => ({ what, counts })),
    };
  }

  #open(what: string, number: number): { number: number; readonly ring: Float64Array } {
    if (this.#rows.size >= namesMax) {
      let least: string | undefined;
      let leastSum = Number.POSITIVE_INFINITY;
      for (const [name, row] of this.#rows) {
        advance(row, number);
        const sum = sumOf(row.ring);
        if (sum < leastSum) [least, leastSum] = [name, sum];
      }
      if (least !== undefined) this.#rows.delete(least); // C2
    }
    const row = { number, ring: new Float64Array(columns) };
    this.#rows.set(what, row);
    return row;
  }
}

const sumOf = (ring: Float64Array): number => ring.reduce((sum, count) => sum + count, 0);

/** Empties the columns that time has passed since. */
function advance(row: { number: number; readonly ring: Float64Array }, number: number): void {
  for (let at = Math.max(row.number + 1, number - columns + 1); at <= number; at += 1) row.ring[at % columns] = 0;
  row.number = Math.max(row.number, number);
}
