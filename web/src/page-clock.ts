// The page's only door to time, as core/clock.ts is the runtime's. Times that the server says are of its clock: `serverNow`
// is the machine's time moved by what the server was last ahead of it, so that "3 s ago" is right on a laptop that is wrong.

import { signal } from "@preact/signals";

/** How far the server's clock is ahead of this machine's, in ms. */
let aheadMs = 0;

/** The server's time, to the second: what shows an age reads this and is drawn again each second. */
export const secondNow = signal(Date.now());

export function serverNow(): number {
  return Date.now() + aheadMs;
}

/** The server has just said what time it is. The way here took some ms, which nobody sees in an age. */
export function noteServerTime(atMs: number): void {
  aheadMs = atMs - Date.now();
}

/** Of this machine, for spans between two things that happened on it. */
export function localNow(): number {
  return Date.now();
}

/** Calls `act` once after `ms`; the function it returns takes that back. */
export function later(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

/** Before the next frame is drawn; in a tab that nobody sees, which draws none, within half a second. */
export function beforeNextFrame(act: () => void): void {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    act();
  };
  requestAnimationFrame(once);
  setTimeout(once, 500);
}

setInterval(() => {
  secondNow.value = serverNow();
}, 1_000);
