// A stream in memory: one sequence over all of its subjects, partitions that are trimmed on their own, and the window in
// which message ids are known, as the server keeps them.

import type { Clock } from "../core/clock.ts";
import type { AppendOutcome } from "./mail.ts";

export interface StoredLetter {
  readonly sequence: number;
  readonly key: string;
  readonly method: string;
  readonly payload: Uint8Array;
  /** Header lines. */
  readonly lines: readonly string[] | undefined;
  /** Whether those before it of the same key and method are removed when it is stored. */
  readonly rollsUp?: boolean;
}

interface KnownId {
  readonly sequence: number;
  readonly atMs: number;
  readonly place: PartitionLog;
}

export type NewLetter = Omit<StoredLetter, "sequence">;

/** Letters of one partition in order of sequence. */
export class PartitionLog {
  #letters: StoredLetter[] = [];

  get letters(): readonly StoredLetter[] {
    return this.#letters;
  }

  add(letter: StoredLetter): void {
    const { key, method } = letter;
    if (letter.rollsUp === true) {
      this.#letters = this.#letters.filter((other) => other.key !== key || other.method !== method);
    }
    this.#letters.push(letter);
  }

  /** Index of the first letter at `sequence` or later. */
  indexOf(sequence: number): number {
    let [low, high] = [0, this.#letters.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#letters[middle]?.sequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  trim(upToSequence: number): void {
    this.#letters = this.#letters.slice(this.indexOf(upToSequence + 1));
  }

  holds(sequence: number): boolean {
    return this.#letters[this.indexOf(sequence)]?.sequence === sequence;
  }
}

export class MemoryStream {
  readonly #clock: Clock;
  readonly #duplicateWindowMs: number;
  readonly #partitions = new Map<string, PartitionLog>();
  readonly #known = new Map<string, KnownId>();
  #lastSequence = 0;

  constructor(clock: Clock, duplicateWindowMs: number) {
    this.#clock = clock;
    this.#duplicateWindowMs = duplicateWindowMs;
  }

  partition(prefix: string): PartitionLog {
    const found = this.#partitions.get(prefix) ?? new PartitionLog();
    this.#partitions.set(prefix, found);
    return found;
  }

  /** Takes note of a message that lies elsewhere (a timer): it has a sequence of its own. */
  note(messageId: string | undefined): AppendOutcome & { kind: "accepted" } {
    return this.#admit(messageId, new PartitionLog());
  }

  append(prefix: string, letter: NewLetter, messageId: string | undefined): AppendOutcome & { kind: "accepted" } {
    const place = this.partition(prefix);
    const outcome = this.#admit(messageId, place);
    if (!outcome.isDuplicate) place.add({ ...letter, sequence: outcome.sequence });
    return outcome;
  }

  /** The server builds its window anew from what it still stores: ids of messages that were trimmed are forgotten. */
  forgetTrimmedIds(): void {
    for (const [id, { sequence, place }] of this.#known) if (!place.holds(sequence)) this.#known.delete(id);
  }

  #admit(messageId: string | undefined, place: PartitionLog): AppendOutcome & { kind: "accepted" } {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, { atMs }] of this.#known) {
      if (nowMs - atMs <= this.#duplicateWindowMs) break;
      this.#known.delete(id);
    }
    const known = messageId === undefined ? undefined : this.#known.get(messageId);
    if (known !== undefined) return { kind: "accepted", sequence: known.sequence, isDuplicate: true };
    this.#lastSequence += 1;
    const sequence = this.#lastSequence;
    if (messageId !== undefined) this.#known.set(messageId, { sequence, atMs: nowMs, place });
    return { kind: "accepted", sequence, isDuplicate: false };
  }
}
