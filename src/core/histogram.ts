// Counts by size, between fixed bounds: cheap to add to, and two of them add up or subtract bucket by bucket.
//
//   S1. Bucket `i` counts what is above `bounds[i - 1]` and at most `bounds[i]`; the last, beyond all bounds, counts the rest.
//   S2. Bounds of durations (not of waiting for people) grow by the fourth root of two, so a quantile that is read off lies within 10 % of the truth
//       from 50 µs to 100 s.

/** Four bounds to each doubling, from the first that is at least `first` doublings of one to `last`. */
function quarterDoublings(first: number, last: number): readonly number[] {
  const bounds: number[] = [];
  for (let step = first * 4; step <= last * 4; step += 1) bounds.push(2 ** (step / 4));
  return Object.freeze(bounds);
}

/** From 31 µs to 128 s. Unit: s. */
export const durationBounds = quarterDoublings(-15, 7);

/** Of waiting for people and dates, from a second to 30 days, at round times: few, since nobody asks to the minute. Unit: s. */
export const waitBounds: readonly number[] = Object.freeze([
  ...[1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800],
  ...[3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800, 1_209_600, 2_592_000],
]);

/** Of things that come in small numbers: turns to a commit, hits of a recall. */
export const countBounds: readonly number[] = Object.freeze([
  0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256,
]);

/** From 64 bytes to 1 MiB, doubling. Unit: bytes. */
export const bytesBounds: readonly number[] = Object.freeze(Array.from({ length: 15 }, (_, at) => 64 * 2 ** at));

/** The bucket that counts `value` (S1). */
export function bucketOf(bounds: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (bounds[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How far from a bound of its bucket a quantile is put at most, as a part of it (S2). */
const errorMax = 0.1;

/**
 * The value that the share `q` (0 to 1) of what was counted does not exceed; undefined when nothing was counted. Within a
 * bucket it is interpolated, as far as that keeps it within 10 % of both ends, or half way between them when they lie too far apart.
 */
export function quantileOf(bounds: readonly number[], counts: readonly number[], q: number): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(Math.min(1, Math.max(0, q)) * total));
  let before = 0;
  for (let at = 0; at < counts.length; at += 1) {
    const count = counts[at] ?? 0;
    if (before + count >= rank) return within(bounds, at, (rank - before) / count);
    before += count;
  }
  return bounds.at(-1);
}

function within(bounds: readonly number[], at: number, share: number): number | undefined {
  const high = bounds[at];
  if (high === undefined) return bounds.at(-1);
  const low = bounds[at - 1];
  if (low === undefined || low <= 0) return high;
  const least = high * (1 - errorMax);
  const most = low * (1 + errorMax);
  const between = low * (high / low) ** share;
  return least > most ? Math.sqrt(low * high) : Math.min(most, Math.max(least, between));
}
