// The few statistics that the bench prints. Medians, because one stall of a shared machine ruins a mean.

/** The middle value; the mean of the two middle ones when their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[sorted.length / 2 - 1] ?? Number.NaN) + upper) / 2;
}

/** The value below which the share `p` (0 to 1) of the values lies, by nearest rank. `sorted` is ascending. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(p * sorted.length)));
  return sorted[rank - 1] ?? Number.NaN;
}

/** How far apart the rounds of one figure lie: (highest - lowest) / median. 0 for a single round. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / Math.abs(median(values));
}

export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Collects durations without keeping the garbage collector busy, and sorts them once at the end. */
export class Durations {
  #values = new Float64Array(16_384);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(durationMs: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count] = durationMs;
    this.#count += 1;
  }

  percentiles(): Percentiles {
    const sorted = this.#values.slice(0, this.#count).sort();
    return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
  }
}
