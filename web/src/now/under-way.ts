// Waiting, or just on its way: what is told counts as waiting until the cursor of its partition is saved behind it, which is about once
// a second. So a fast cluster that is told 300 messages a second always has some 200 that are done already.

/** Unit: ms. */
const underWayMsMax = 2_000;

export interface Told {
  readonly lag: number;
  readonly oldestMs: number | null;
}

/** It may all be done. */
export function isUnderWay({ lag, oldestMs }: Told): boolean {
  return lag > 0 && (oldestMs ?? 0) < underWayMsMax;
}
