// Actors that are asked all the time, over a connection that nobody touches: for how long do they not answer?

import type { Clock, Troupe } from "../../src/index.ts";
import { Pulse } from "./actors.ts";
import type { Journal } from "./journal.ts";

export interface Outage {
  readonly actor: string;
  /** On the run's clock. Unit: ms. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export const lengthOf = ({ fromMs, untilMs }: Outage): number => untilMs - fromMs;

const pulses = 12;
const askMsMax = 500;
/** Three workers that start at once on a busy machine. Unit: ms. */
const startMsMax = 45_000;
const everyMs = 100;
/** Shorter ones are not worth keeping. Unit: ms. */
const outageMsMin = 300;

export class Pulses {
  readonly #troupe: Troupe;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly outages: Outage[] = [];
  asks = 0;
  answers = 0;

  constructor(troupe: Troupe, clock: Clock, journal: Journal) {
    this.#troupe = troupe;
    this.#clock = clock;
    this.#journal = journal;
  }

  get longest(): Outage | undefined {
    return this.outages.reduce<Outage | undefined>(
      (longest, each) => (longest === undefined || lengthOf(each) > lengthOf(longest) ? each : longest),
      undefined,
    );
  }

  /** Asks all of them until each has answered once: the workers are just starting. */
  async first(): Promise<void> {
    // With a key it is tried again: an owner that is just starting may be too late for its lease, and lose the answer.
    const options = { timeoutMs: startMsMax, idempotencyKey: "first" };
    const actors = Array.from({ length: pulses }, (_, at) => this.#troupe.actor(Pulse, `p${at}`));
    await Promise.all(actors.map(({ ask }) => ask.beat(undefined, options)));
  }

  /** Asks until `signal` aborts, and each of them once more after it. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: pulses }, (_, at) => this.#watch(`p${at}`, signal)));
  }

  async #watch(actor: string, signal: AbortSignal): Promise<void> {
    let answeredMs = this.#journal.nowMs;
    for (;;) {
      const isLast = signal.aborted;
      this.asks += 1;
      const isAnswered = await this.#troupe
        .actor(Pulse, actor)
        .ask.beat(undefined, { timeoutMs: askMsMax })
        .then(
          () => true,
          () => false, // Whatever the reason: it is not there.
        );
      if (isAnswered) {
        const nowMs = this.#journal.nowMs;
        this.answers += 1;
        const outage = { actor, fromMs: answeredMs, untilMs: nowMs };
        if (lengthOf(outage) >= outageMsMin) {
          this.outages.push(outage);
          this.#journal.note(`${actor} answers again after ${Math.round(lengthOf(outage))} ms`);
        }
        answeredMs = nowMs;
        if (isLast) return;
      }
      await new Promise<void>((resolve) => void this.#clock.after(everyMs, resolve));
    }
  }
}
