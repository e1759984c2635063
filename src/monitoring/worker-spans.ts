// Asks all workers for their figures each second, and says what each did since it was asked before.
//
//   W1. A worker that does not answer holds up nobody: who was silent is not waited for, and who is new to it costs the others
//       half a second, once. Its answer counts when it comes.
//   W2. Silent is who lives by its lease and has not answered for a while: one lost answer is no news.
//   W3. Who has answered lately and not in this second counts as it was when it answered last (`carried`), so that a second's sum
//       leaves nobody out; who is silent counts no more, and is said to be silent.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import type { FiguresSnapshot } from "../core/figures.ts";
import type { WorkerSpan } from "./now-figures.ts";
import { spanOf } from "./now-figures.ts";

/** "alive": it answers, and has no figures to tell. Undefined: no answer. */
export type FiguresAnswer = FiguresSnapshot | "alive" | undefined;

export interface WorkerSpansOptions {
  readonly clock: Clock;
  /** Must not reject. */
  readonly ask: (worker: string, timeoutMs: number) => Promise<FiguresAnswer>;
}

export interface SpansRead {
  /** New in this second: each is told once. */
  readonly spans: readonly WorkerSpan[];
  /** The last of those that are late (W3). */
  readonly carried: readonly WorkerSpan[];
  /** Since when those have not answered that should (W2). Unit: ms since the epoch. */
  readonly silentSinceMs: ReadonlyMap<string, number>;
}

interface Asked {
  /** When it answered last, or was first seen. */
  heardAtMs: number;
  before: FiguresSnapshot | undefined;
  /** Has come and is in no span yet. */
  latest: FiguresSnapshot | undefined;
  /** What was said of it last. */
  span: WorkerSpan | undefined;
  isAsking: boolean;
  /** It was asked and did not answer, nor since. */
  isMissed: boolean;
}

/** Longest that a second waits for answers. Unit: ms. */
const waitMsMax = 500;
/** How long a single answer may take to come. Unit: ms. */
const answerMsMax = 2_000;
/** A little under two seconds: a lease ends soon after. Unit: ms. */
const silentMsMin = 1_900;

export class WorkerSpans {
  readonly #options: WorkerSpansOptions;
  readonly #asked = new Map<string, Asked>();

  constructor(options: WorkerSpansOptions) {
    this.#options = options;
  }

  async read(workers: readonly string[]): Promise<SpansRead> {
    const { clock } = this.#options;
    for (const worker of this.#asked.keys()) if (!workers.includes(worker)) this.#asked.delete(worker);
    const awaited: Promise<void>[] = [];
    for (const worker of workers) {
      const asked = this.#asked.get(worker) ?? this.#meet(worker);
      const isPrompt = !asked.isAsking && !asked.isMissed;
      const answer = this.#ask(worker, asked);
      if (isPrompt) awaited.push(answer); // W1
    }
    const over = new AbortController();
    const late = delay(clock, waitMsMax, over.signal);
    await Promise.race([Promise.all(awaited), late]).finally(() => over.abort());
    const spans = this.#take();
    const silentSinceMs = this.#silent();
    const isLate = ({ worker }: WorkerSpan) =>
      !silentSinceMs.has(worker) && !spans.some((each) => each.worker === worker);
    const carried = [...this.#asked.values()].flatMap(({ span }) => (span !== undefined && isLate(span) ? [span] : [])); // W3
    return { spans, carried, silentSinceMs };
  }

  #meet(worker: string): Asked {
    const heardAtMs = this.#options.clock.now();
    const nothing = { before: undefined, latest: undefined, span: undefined };
    const asked: Asked = { heardAtMs, ...nothing, isAsking: false, isMissed: false };
    this.#asked.set(worker, asked);
    return asked;
  }

  async #ask(worker: string, asked: Asked): Promise<void> {
    if (asked.isAsking) return;
    asked.isAsking = true;
    const answer = await this.#options.ask(worker, answerMsMax);
    asked.isAsking = false;
    asked.isMissed = answer === undefined;
    if (answer === undefined) return;
    asked.heardAtMs = this.#options.clock.now();
    if (answer !== "alive") asked.latest = answer;
  }

  #take(): readonly WorkerSpan[] {
    const spans: WorkerSpan[] = [];
    for (const asked of this.#asked.values()) {
      const { latest, before } = asked;
      if (latest === undefined) continue;
      asked.before = latest;
      asked.latest = undefined;
      asked.span = spanOf(latest, before);
      if (asked.span !== undefined) spans.push(asked.span);
    }
    return spans;
  }

  #silent(): ReadonlyMap<string, number> {
    const nowMs = this.#options.clock.now();
    const silent = [...this.#asked].filter(([, { heardAtMs }]) => nowMs - heardAtMs >= silentMsMin); // W2
    return new Map(silent.map(([worker, { heardAtMs }]) => [worker, heardAtMs]));
  }
}
