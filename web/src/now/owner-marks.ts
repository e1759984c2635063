// Each worker has a letter and a colour, the same for all who look at this dashboard: on the partition map there is room for no more.

import { now } from "../live/now-store.ts";

const colors = 8;

export interface OwnerMark {
  readonly letter: string;
  /** Of the tokens `--owner-1` to `--owner-8`. */
  readonly color: number;
}

export function markOf(worker: string): OwnerMark {
  const nth = now.value?.workers.find((row) => row.worker === worker)?.nth;
  // Not one of those that live now.
  if (nth === undefined) return { letter: "·", color: colors };
  return { letter: lettersOf(nth), color: (nth % colors) + 1 };
}

/** A to Z, then AA, AB, … */
export function lettersOf(nth: number): string {
  const last = String.fromCharCode(65 + (nth % 26));
  return nth < 26 ? last : lettersOf(Math.floor(nth / 26) - 1) + last;
}
