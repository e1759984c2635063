// Ctrl-C and SIGTERM: the first one asks for a polite end, the second one ends at once.

import { constants } from "node:os";

/** npm passes a Ctrl-C on that the terminal has sent already; only a second one by hand is meant. Unit: ms. */
const impatientMsMin = 500;

/** Aborts at the first signal. `onFirst` is told. */
export function stopOnSignals(onFirst: () => void = () => {}): AbortSignal {
  const stop = new AbortController();
  let askedAtMs: number | undefined;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      const nowMs = performance.now();
      if (askedAtMs === undefined) {
        askedAtMs = nowMs;
        onFirst();
        stop.abort();
      } else if (nowMs - askedAtMs > impatientMsMin) process.exit(128 + constants.signals[name]);
    });
  }
  return stop.signal;
}
