// How far the server's clock is ahead of ours, as far as one question can tell.

export interface ClockReading {
  /** By our clock, in whole milliseconds. */
  readonly askedAtMs: number;
  readonly roundTripMs: number;
  /** What the server's clock said at some time in between, in whole milliseconds. */
  readonly serverMs: number;
}

/**
 * The least that may be so: 0 when both clocks may be the same, however long the answer took. Half of the round trip would be a
 * guess, and on a busy machine one that makes ages of what is not yet there. Unit: ms.
 */
export function clockAheadOf({ askedAtMs, roundTripMs, serverMs }: ClockReading): number {
  const most = serverMs - askedAtMs;
  const least = most - roundTripMs - 1; // What of our millisecond was over when we asked.
  return Math.round(Math.min(most, Math.max(0, least)));
}
