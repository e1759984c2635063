// What happened during a run and when: faults from their beginning to their end, and what else is worth a line.

import { once } from "node:events";
import type { WriteStream } from "node:fs";
import { createWriteStream } from "node:fs";
import type { FaultKind } from "./schedule.ts";

/** One fault that was made. */
export interface Mishap {
  readonly kind: FaultKind;
  readonly victim: string;
  readonly fromMs: number;
  /** When it was over, and what it had broken stood again; undefined while it lasts. */
  untilMs: number | undefined;
}

export class Journal {
  readonly mishaps: Mishap[] = [];
  readonly #file: WriteStream;
  readonly #startedAtMs = performance.now();
  /** When the run began, by the clock of the machine. Unit: ms since the Unix epoch. */
  readonly beganAtMs = Date.now();

  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  /** Time since the run began. Unit: ms. */
  get nowMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  note(text: string): void {
    this.#file.write(`${(this.nowMs / 1_000).toFixed(3).padStart(8)} ${text}\n`);
  }

  /** Writes down that a fault begins. The function that is returned ends it. */
  begin(kind: FaultKind, victim: string): () => void {
    const mishap: Mishap = { kind, victim, fromMs: this.nowMs, untilMs: undefined };
    this.mishaps.push(mishap);
    this.note(`${kind} ${victim}`);
    return () => {
      if (mishap.untilMs !== undefined) return;
      mishap.untilMs = this.nowMs;
      this.note(`${kind} ${victim} is over`);
    };
  }

  /** Kinds of the faults that lasted, or had just ended, somewhere in that time. */
  kindsWithin(fromMs: number, untilMs: number): readonly FaultKind[] {
    const during = this.mishaps.filter(
      (mishap) => mishap.fromMs <= untilMs && (mishap.untilMs ?? Infinity) >= fromMs - 500,
    );
    return [...new Set(during.map(({ kind }) => kind))];
  }

  /** When such faults that began before were over; later than `untilMs` while one lasts; -1: none. */
  releasedMs(isSuch: (mishap: Mishap) => boolean, untilMs: number): number {
    const before = this.mishaps.filter((mishap) => mishap.fromMs <= untilMs && isSuch(mishap));
    return Math.max(-1, ...before.map((mishap) => mishap.untilMs ?? Infinity));
  }

  async close(): Promise<void> {
    this.#file.end();
    await once(this.#file, "close");
  }
}
