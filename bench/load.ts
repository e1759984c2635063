// Puts load on a side. Closed loop: a fixed number of operations in flight, the next one sent when one is answered.

import { sharedNowMs } from "./clock.ts";
import type { Done } from "./side.ts";
import type { Percentiles } from "./stats.ts";
import { Durations } from "./stats.ts";

export interface Load {
  readonly inFlight: number;
  /** Sends operation number `at`, and calls `done` once when it is answered. */
  readonly send: (at: number, done: Done) => void;
  /** When to send no more: after so many operations, or after so long. What is in flight is waited for and counts. */
  readonly until: { readonly count: number } | { readonly durationMs: number };
}

export interface LoadResult extends Percentiles {
  readonly count: number;
  /** On the shared clock, so that another process can tell how long after the start something happened. */
  readonly startedAtMs: number;
  readonly elapsedMs: number;
}

/** A load that gets no answer for so long is given up: a stuck side must not hang the run. Unit: ms. */
const silenceMsMax = 30_000;

/** Runs a load to its end. Rejects with the first failure of an operation, or when all goes silent. */
export function drive(load: Load): Promise<LoadResult> {
  const countMax = "count" in load.until ? load.until.count : Number.POSITIVE_INFINITY;
  const durationMsMax = "durationMs" in load.until ? load.until.durationMs : Number.POSITIVE_INFINITY;
  const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
  const durations = new Durations();
  const startedAtMs = sharedNowMs();
  const startMs = performance.now();
  let lastAnswerMs = startMs;
  let sent = 0;
  let isOver = false;
  let isPumping = false;

  const watchdog = setInterval(() => {
    if (performance.now() - lastAnswerMs < silenceMsMax) return;
    end(new Error(`no answer for ${silenceMsMax / 1000} s: ${sent} sent, ${durations.count} answered`));
  }, 1_000);

  function end(failure?: Error): void {
    isOver = true;
    clearInterval(watchdog);
    if (failure !== undefined) reject(failure);
    else
      resolve({ count: durations.count, startedAtMs, elapsedMs: lastAnswerMs - startMs, ...durations.percentiles() });
  }

  const mayGoOn = (): boolean => sent < countMax && lastAnswerMs - startMs < durationMsMax;

  function pump(): void {
    // An operation that is answered within its own `send` would otherwise nest one call in another.
    if (isPumping) return;
    isPumping = true;
    while (!isOver && sent - durations.count < load.inFlight && mayGoOn()) sendOne();
    isPumping = false;
    if (!isOver && sent === durations.count && !mayGoOn()) end();
  }

  function sendOne(): void {
    const sentMs = performance.now();
    load.send(sent++, (failure) => {
      if (isOver) return;
      if (failure !== undefined) return end(failure);
      lastAnswerMs = performance.now();
      durations.add(lastAnswerMs - sentMs);
      pump();
    });
  }

  pump();
  return promise;
}

export interface Pace {
  readonly perSecond: number;
  readonly count: number;
  readonly send: (at: number, done: Done) => void;
}

/** Sends at a fixed rate, whatever the answers do. Resolves to the moment of each answer, on the shared clock. */
export function pace(plan: Pace): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const answeredAtMs = new Array<number>(plan.count).fill(Number.NaN);
  const startMs = performance.now();
  let sent = 0;
  let answered = 0;
  // Timers are late by up to a millisecond, so each tick sends all that is due by now.
  const ticking = setInterval(() => {
    const due = Math.min(plan.count, Math.ceil(((performance.now() - startMs) * plan.perSecond) / 1_000));
    while (sent < due) sendOne(sent++);
    if (sent === plan.count) clearInterval(ticking);
  }, 1);

  function sendOne(at: number): void {
    plan.send(at, (failure) => {
      if (failure !== undefined) {
        clearInterval(ticking);
        return reject(failure);
      }
      answeredAtMs[at] = sharedNowMs();
      answered += 1;
      if (answered === plan.count) resolve(answeredAtMs);
    });
  }
  return promise;
}
