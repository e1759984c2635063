// Standard error, for lines of those who must neither wait nor end because nobody hears them.
//
//   L1. `write` never throws. It waits for a terminal alone, so that lines stand between those of others in the order in
//       which they came.
//   L2. What cannot be written is dropped: at once when the reader is gone or the disk is full (later lines are tried
//       again), beyond a bound when the reader is slow.
//   L3. What waits when the process ends is written first, if that takes no longer than a second. The lines of one turn of
//       the event loop wait for its end and go together: those that come just before the process ends are written then,
//       in order, and do not race with one that the system is writing.

import { write, writeSync } from "node:fs";
import { systemClock } from "./clock.ts";

/** What waits for a slow reader (L2). Unit: characters. */
const waitingLengthMax = 4 * 1_024 * 1_024;
/** Before a full pipe is tried again. Unit: ms. */
const againMs = 10;
const lastTriesMax = 100;
const descriptor = 2;
const nothing = Buffer.alloc(0);

export class ErrorLines {
  #waiting: string[] = [];
  #length = 0;
  /** Taken from what waits, and not written to its end. */
  #rest: Buffer = nothing;
  /** The system is writing `#rest`. */
  #isInFlight = false;
  /** What waits is written when this turn of the event loop is over. */
  #isDue = false;

  constructor() {
    process.once("exit", () => {
      this.#writeNow(Buffer.concat([this.#isInFlight ? nothing : this.#rest, this.#takeWaiting()])); // L3
    });
  }

  write(line: string): void {
    if (process.stderr.isTTY === true) return this.#writeNow(Buffer.from(line)); // L1
    if (this.#length + line.length > waitingLengthMax) return;
    this.#waiting.push(line);
    this.#length += line.length;
    if (this.#isDue || this.#rest.length > 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#writeOn(this.#takeWaiting()); // L3
    });
  }

  #takeWaiting(): Buffer {
    const bytes = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#length = 0;
    return bytes;
  }

  #writeOn(bytes: Buffer): void {
    this.#rest = bytes;
    if (bytes.length === 0) return;
    this.#isInFlight = true;
    write(descriptor, bytes, (error, written) => {
      this.#isInFlight = false;
      if (error?.code === "EAGAIN") {
        systemClock.after(againMs, () => this.#writeOn(bytes));
        return;
      }
      const rest = error === null ? bytes.subarray(written) : nothing;
      this.#writeOn(rest.length > 0 ? rest : this.#takeWaiting());
    });
  }

  #writeNow(bytes: Buffer): void {
    let rest = bytes;
    for (let tries = 0; rest.length > 0 && tries < lastTriesMax; ) {
      try {
        rest = rest.subarray(writeSync(descriptor, rest));
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN") return; // L2
        tries += 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, againMs);
      }
    }
  }
}
