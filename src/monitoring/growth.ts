// How fast something grows, and when it will be full: from what it was at moments that lie apart.
//
//   G1. At most `pointsMax` points are kept. When they are too many every other one goes and the next lie twice as far apart, until
//       they reach back `spanMsMax`; from then on the oldest goes.
//   G2. The rate is the median of the slopes between all pairs of points (Theil and Sen): less than 29 % of them may be as wrong
//       as they like, a compaction or a burst, without moving it beyond what the others say.

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface GrowthOptions {
  /** How close points may lie at first. Unit: ms. Default 5,000. */
  readonly stepMs?: number;
  /** Default 120. */
  readonly pointsMax?: number;
  /** Unit: ms. Default two hours. */
  readonly spanMsMax?: number;
}

/** With fewer nothing is said of a rate. */
export const pointsMin = 6;
const hourMs = 3_600_000;

export class Growth {
  readonly #pointsMax: number;
  readonly #spanMsMax: number;
  #stepMs: number;
  #points: Point[] = [];
  #perHour: number | undefined;
  #isStale = false;

  constructor({ stepMs = 5_000, pointsMax = 120, spanMsMax = 2 * hourMs }: GrowthOptions = {}) {
    this.#stepMs = stepMs;
    this.#pointsMax = pointsMax;
    this.#spanMsMax = spanMsMax;
  }

  /** Oldest first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /** Moments that come too close behind the last point are left out. A little earlier than due is not too close. */
  add(atMs: number, value: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && atMs - last.atMs < this.#stepMs * 0.9) return;
    this.#points.push({ atMs, value });
    this.#isStale = true;
    if (this.#points.length <= this.#pointsMax) return;
    const reachesFarEnough = this.#stepMs * this.#pointsMax >= this.#spanMsMax;
    if (reachesFarEnough) this.#points.shift();
    else {
      // The newest stays, so that what comes next lies a whole step behind it.
      const odd = (this.#points.length - 1) % 2;
      this.#points = this.#points.filter((_, at) => at % 2 === odd);
      this.#stepMs *= 2;
    }
  }

  /** Per hour; undefined while too little is known. */
  get perHour(): number | undefined {
    if (this.#isStale) this.#perHour = slopeOf(this.#points);
    this.#isStale = false;
    return this.#perHour === undefined ? undefined : this.#perHour * hourMs;
  }
}

/** G2. Per ms. */
function slopeOf(points: readonly Point[]): number | undefined {
  if (points.length < pointsMin) return undefined;
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let count = 0;
  for (const [at, { atMs, value }] of points.entries()) {
    for (let before = 0; before < at; before += 1) {
      const other = points[before] as Point;
      if (atMs > other.atMs) slopes[count++] = (value - other.value) / (atMs - other.atMs);
    }
  }
  if (count === 0) return undefined;
  const sorted = slopes.subarray(0, count).sort();
  const middle = count >> 1;
  return count % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** When `value` reaches `max` if it goes on like that; undefined: never, or not known. Unit: ms. */
export function reachedAt(
  nowMs: number,
  value: number,
  max: number | undefined,
  perHour: number | undefined,
): number | undefined {
  if (max === undefined) return undefined;
  if (value >= max) return nowMs;
  return perHour === undefined || perHour <= 0 ? undefined : nowMs + ((max - value) / perHour) * hourMs;
}
