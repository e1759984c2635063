// The dead letters of an app, filtered, counted and paged, newest first.
//
//   D1. What is listed is what lies there: before each answer, and not before somebody asked for it, the stream is asked how many it
//       holds up to which sequence. So whoever has sent one again or dropped it does not see it any more. New ones are read then;
//       when some were taken out, all are listed anew.
//   D2. Of more than `lettersMax` the newest are known.

import type { Clock } from "../../core/clock.ts";
import type { ListedLetter } from "../../runtime/dead-letter-list.ts";
import { listDeadLetters } from "../../runtime/dead-letter-list.ts";
import type { BuriedMail, DeadFilter } from "../../runtime/dead-letters.ts";
import { readDeadLetter } from "../../runtime/dead-letters.ts";
import type { Inspector } from "../../runtime/inspect.ts";

export interface DeadPage {
  readonly letters: readonly BuriedMail[];
  /** The sequence below which the next page begins; undefined on the last. */
  readonly cursor: number | undefined;
  readonly total: number;
}

export interface DeadLook {
  readonly messages: number;
  readonly lastSequence: number;
}

/** The dead stream, as far as a list needs it. */
export interface DeadSource {
  look(): Promise<DeadLook>;
  /** Oldest first. */
  list(fromSequence: number): Promise<readonly ListedLetter[]>;
  /** Undefined when it is gone. */
  read(sequence: number): Promise<BuriedMail | undefined>;
}

export function deadSourceOf(inspector: Inspector, clock: Clock): DeadSource {
  return {
    look: () => inspector.deadLetters(),
    list: (from) => listDeadLetters(inspector, clock, from),
    read: (sequence) => readDeadLetter(inspector, sequence),
  };
}

export class DeadList {
  readonly #source: DeadSource;
  readonly #lettersMax: number;
  /** Oldest first. */
  #letters: readonly ListedLetter[] = [];
  /** As it was looked at last. */
  #seen: DeadLook = { messages: 0, lastSequence: 0 };
  /** The look that goes on, and the one that begins after it. */
  #looking: Promise<void> | undefined;
  #nextLook: Promise<void> | undefined;

  constructor(source: DeadSource, lettersMax = 100_000) {
    this.#source = source;
    this.#lettersMax = lettersMax;
  }

  /** Rejects as reading does. */
  async page(filter: DeadFilter, limit: number, below: number | undefined): Promise<DeadPage> {
    await this.#look();
    const fits = ({ type, code }: ListedLetter) =>
      (filter.type === undefined || filter.type === type) && (filter.code === undefined || filter.code === code);
    const matching = this.#letters.filter(fits);
    const rest = below === undefined ? matching : matching.filter(({ sequence }) => sequence < below);
    const chosen = rest.slice(-limit).reverse();
    const letters = await Promise.all(chosen.map(({ sequence }) => this.#source.read(sequence)));
    return {
      letters: letters.filter((letter) => letter !== undefined),
      cursor: rest.length > chosen.length ? chosen.at(-1)?.sequence : undefined,
      total: matching.length,
    };
  }

  /** A look that begins now, or after the one that goes on; all who ask meanwhile wait for the same (D1). */
  #look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#nextLook ??= this.#looking
        .catch(() => undefined)
        .then(() => {
          this.#nextLook = undefined;
          return this.#look();
        });
      return this.#nextLook;
    }
    this.#looking = this.#refresh().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** D1. */
  async #refresh(): Promise<void> {
    const seen = await this.#source.look();
    const { messages, lastSequence } = seen;
    const first = messages > this.#lettersMax ? lastSequence - this.#lettersMax + 1 : 1; // D2
    const fresh = await this.#list(Math.max(first, this.#seen.lastSequence + 1), seen);
    // Only what is new may have changed the number: else some were taken out, and nobody knows which.
    const isWhole = messages === this.#seen.messages + fresh.length;
    const known = isWhole ? [...this.#letters, ...fresh] : await this.#list(first, seen);
    this.#letters = known.filter(({ sequence }) => sequence >= first);
    this.#seen = seen;
  }

  /** Those that stood when the stream was looked at: others come with the next look. */
  async #list(from: number, { messages, lastSequence }: DeadLook): Promise<readonly ListedLetter[]> {
    if (messages === 0 || from > lastSequence) return [];
    return (await this.#source.list(from)).filter(({ sequence }) => sequence <= lastSequence);
  }
}
