// How far a run has come, as the supervisor's state tells it.

import { EventEmitter, once } from "node:events";
import type { Floor } from "./totals.ts";
import { emptyFloor, runOf } from "./totals.ts";

export type Outcome = "complete" | "stopped" | "stalled";

export class Progress {
  readonly #run: string;
  readonly #news = new EventEmitter();
  #floor: Floor = emptyFloor();
  #fresh = 0;
  #repeated = 0;

  constructor(run: string) {
    this.#run = run;
  }

  /** The last that was noted: what the counts come from. */
  get floor(): Floor {
    return this.#floor;
  }

  get fresh(): number {
    return this.#fresh;
  }

  get repeated(): number {
    return this.#repeated;
  }

  get done(): number {
    return this.#fresh + this.#repeated;
  }

  note(floor: Floor): void {
    const { fresh, repeated } = runOf(floor, this.#run);
    this.#floor = floor;
    this.#fresh = fresh;
    this.#repeated = repeated;
    this.#news.emit("news");
  }

  /** Waits until `sent` messages are dealt with; "stalled" when nothing was for `stallMsMax`. */
  async until(sent: number, signal: AbortSignal, stallMsMax: number): Promise<Outcome> {
    while (this.done < sent) {
      const done = this.done;
      const stalled = AbortSignal.timeout(stallMsMax);
      try {
        // Other runs on the same desk make news too; only this one's count as progress.
        while (this.done === done) await once(this.#news, "news", { signal: AbortSignal.any([signal, stalled]) });
      } catch (thrown) {
        if (signal.aborted) return "stopped";
        if (stalled.aborted) return "stalled";
        throw thrown;
      }
    }
    return "complete";
  }
}
