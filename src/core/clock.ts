// The only door to time and chance. With a seeded clock and the memory ports the whole runtime is deterministic.

import { getRandomValues } from "node:crypto";

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never run backwards: for deadlines and leases. */
  monotonicMs(): number;
  /** Runs `fn` once, after at least `delayMs`. Returns the function that cancels it. */
  after(delayMs: number, fn: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
  /** A fresh id of 22 characters `[0-9a-zA-Z]`, unlike any other. */
  uniqueId(): string;
}

const idLength = 22;
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 22 characters (131 bits) drawn with `random`. */
export function drawId(random: () => number): string {
  let id = "";
  for (let at = 0; at < idLength; at += 1) id += alphabet[Math.floor(random() * alphabet.length)];
  return id;
}

/** Drawn ahead: what is drawn one by one costs the system more than the number. */
const ahead = new Uint32Array(1_024);
let used = ahead.length;

function drawn(): number {
  if (used === ahead.length) {
    getRandomValues(ahead);
    used = 0;
  }
  const number = ahead[used] ?? 0;
  used += 1;
  return number / 2 ** 32;
}

/** What is longer the machine takes for nothing at all. Unit: ms. */
const timeoutMsMax = 2 ** 31 - 1;

/** The machine's own time and chance. A pending `after` keeps the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, fn) => {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      const stepMs = Math.min(leftMs, timeoutMsMax);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : fn()), stepMs);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  uniqueId: () => drawId(drawn),
};

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/**
 * Waits before the next attempt of somebody who lost a race for a key: anything up to 1 ms after the first attempt (0),
 * doubling with each, up to `mostMs`. Spread over all of it, so that losers do not meet again.
 */
export function contentionDelay(clock: Clock, attempt: number, mostMs: number, signal?: AbortSignal): Promise<void> {
  return delay(clock, clock.random() * Math.min(mostMs, 2 ** attempt), signal);
}
