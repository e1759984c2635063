// How long to wait before something that broke is tried again, without a storm: the first time at once but spread out,
// then ever longer, with jitter.

/** Over this the first tries of many are spread: after a reconnection all readers of a process start again. Unit: ms. */
const spreadMs = 30;
const firstMs = 100;
const mostMs = 2_000;

/** `failures`: tries in a row that led to nothing. `random`: in [0, 1). Unit: ms. */
export function restartDelayMs(failures: number, random: number): number {
  if (failures === 0) return random * spreadMs;
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 10)) * (0.5 + random / 2);
}
