// How long what is written takes until it is here: of the last changes, in bounded memory.

export interface ReplicaLag {
  /** Of the last change. NaN before the first. Unit: ms. */
  readonly lastMs: number;
  /** Of the last 1,024 changes. NaN before the first. Unit: ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Changes measured since the replica was opened. */
  readonly changes: number;
}

const samplesMax = 1_024;

export class LagSamples {
  readonly #samples = new Float64Array(samplesMax);
  #changes = 0;

  /** `lagMs`: by two clocks, so it may be below 0, which counts as 0. */
  add(lagMs: number): void {
    this.#samples[this.#changes % samplesMax] = Math.max(0, lagMs);
    this.#changes += 1;
  }

  /** Sorts the samples: not for hot paths. */
  read(): ReplicaLag {
    const changes = this.#changes;
    const sorted = this.#samples.slice(0, Math.min(changes, samplesMax)).sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
    const lastMs = changes === 0 ? Number.NaN : (this.#samples[(changes - 1) % samplesMax] ?? Number.NaN);
    return { lastMs, p50Ms: at(0.5), p99Ms: at(0.99), changes };
  }
}
