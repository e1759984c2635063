// From the input to the intake: one message after the other, at the wanted pace, each until the server has it.

import { setTimeout as sleep } from "node:timers/promises";
import { isTroupeError } from "../../src/index.ts";
import type { Entry } from "./input.ts";
import type { Message } from "./message.ts";
import type { BrokenLine } from "./summary.ts";
import { brokenListedMax } from "./summary.ts";

export interface FeedOptions {
  /** Resolves when the message is stored; `number` counts the messages of this run from 1. */
  readonly send: (message: Message, number: number) => Promise<unknown>;
  /** Messages a second at this moment; undefined: as fast as it goes. */
  readonly rate: () => number | undefined;
  /** Ends it between two messages. */
  readonly signal: AbortSignal;
  readonly onBroken: (broken: BrokenLine) => void;
  /** Once for each time that the server does not take a message: it is tried again. */
  readonly onTrouble: (reason: string) => void;
}

/** What was fed so far; changes while it goes on. */
export interface Fed {
  sent: number;
  broken: number;
  readonly brokenLines: BrokenLine[];
  readonly messagesOf: Map<string, number>;
}

export const nothingFed = (): Fed => ({ sent: 0, broken: 0, brokenLines: [], messagesOf: new Map() });

/** Customers that are counted, for the choice of one to show. */
const customersCountedMax = 10_000;

export async function feed(entries: AsyncIterable<Entry>, fed: Fed, options: FeedOptions): Promise<void> {
  const { signal } = options;
  let nextMs = performance.now();
  for await (const entry of entries) {
    if (signal.aborted) return;
    if (entry.kind === "broken") {
      const broken = { line: entry.line, reason: entry.reason };
      fed.broken += 1;
      if (fed.brokenLines.length < brokenListedMax) fed.brokenLines.push(broken);
      options.onBroken(broken);
      continue;
    }
    const rate = options.rate();
    const nowMs = performance.now();
    if (rate !== undefined) await pause(nextMs - nowMs, signal);
    nextMs = Math.max(nextMs, nowMs) + 1_000 / (rate ?? Infinity);
    if (!(await sendUntilStored(entry.message, fed.sent + 1, options))) return;
    fed.sent += 1;
    const { customer } = entry.message;
    const known = fed.messagesOf.get(customer);
    if (known !== undefined || fed.messagesOf.size < customersCountedMax)
      fed.messagesOf.set(customer, (known ?? 0) + 1);
  }
}

/**
 * Whether it is stored; false when `signal` aborted first. Never goes on to the next message before: so the intake
 * knows by its number a message that was stored twice because the answer to the first attempt was lost.
 */
async function sendUntilStored(message: Message, number: number, options: FeedOptions): Promise<boolean> {
  for (let waitMs = 100; !options.signal.aborted; waitMs = Math.min(waitMs * 2, 2_000)) {
    try {
      await options.send(message, number);
      return true;
    } catch (thrown) {
      if (!isTroupeError(thrown) || thrown.retry === "never") throw thrown;
      options.onTrouble(thrown.message);
      await pause(waitMs, options.signal);
    }
  }
  return false;
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return;
  // An abort ends the pause; the caller looks at the signal.
  await sleep(delayMs, undefined, { signal }).catch(() => {});
}
