// Scenes that have to get so far before a time is over which the server or the machine counts: a timer that is to be taken
// back before it is due, a key that is to be renewed before it dies.

/** Begins a time. What it returns ends the scene if that time is over: it was too slow, and what comes now says nothing. */
export type Limit = (ms: number) => () => void;

/** A process that stands still for longer than this may have lost its leases, which last 3 s, and owns nothing then. Unit: ms. */
export const stillMsMax = 1_500;

class TooLate extends Error {}

/** More would be beyond the patience of those who wait for what comes then. Unit: ms. */
const longestMs = 15_000;

/** Plays the scene; where the machine was too slow for it, all of it anew, with three times as much time. */
export async function inTime(firstMs: number, play: (ms: number, limit: Limit) => Promise<void>): Promise<void> {
  const limit: Limit = (ms) => {
    const endsAtMs = performance.now() + ms;
    return () => {
      if (performance.now() >= endsAtMs) throw new TooLate(`it took longer than ${ms} ms`);
    };
  };
  for (let ms = firstMs; ; ms *= 3) {
    try {
      return await play(ms, limit);
    } catch (thrown) {
      if (!(thrown instanceof TooLate) || ms * 3 > longestMs) throw thrown;
    }
  }
}
