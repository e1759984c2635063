// One reader of the live stream: what it has not taken yet, and no more than that.
//
//   L1. A client that reads slowly skips: of each topic it holds one event, into which what comes later is merged. What it
//       holds does not grow, however long it waits.
//   L2. It is asked for more only when it has taken what it was given: nothing queues between this and its socket.

import type { Clock } from "../../core/clock.ts";
import type { Merge } from "./live-topic.ts";

/** A comment that keeps the connection, when nothing else was sent for that long. Unit: ms. */
const aliveEveryMs = 10_000;
/** Who has not asked for more for so long has gone without a word. Unit: ms. */
const silentMsMax = 60_000;

interface Pending {
  data: unknown;
  /** The event as bytes, when it is the one that all get; undefined once something was merged. */
  bytes: Uint8Array | undefined;
  readonly merge: Merge<unknown>;
}

export class LiveClient {
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();
  readonly #onEnd: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted: (() => void) | undefined;
  #cancelTimer: () => void = () => {};
  #handedAtMs: number;
  #isEnded = false;
  /** Events that were merged into one that the client had not taken yet. */
  skipped = 0;

  /** `onEnd` runs once, whoever ends it. */
  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#handedAtMs = clock.monotonicMs();
    this.#watchTime();
  }

  /** What the socket reads. */
  open(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.end(),
      },
      { highWaterMark: 0 }, // L2
    );
  }

  offer(topic: string, data: unknown, bytes: Uint8Array, merge: Merge<unknown>): void {
    if (this.#isEnded) return;
    const before = this.#pending.get(topic);
    if (before === undefined) this.#pending.set(topic, { data, bytes, merge });
    else {
      before.data = merge(before.data, data); // L1
      before.bytes = undefined;
      this.skipped += 1;
    }
    this.#give();
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelTimer();
    this.#pending.clear();
    try {
      this.#controller?.close();
    } catch {
      // The other side has ended it already.
    }
    this.#wanted?.();
    this.#onEnd();
  }

  /** Resolves when something was handed over. */
  #pull(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = resolve;
    this.#give();
    return promise;
  }

  #give(): void {
    if (this.#wanted === undefined || this.#isEnded) return;
    const [first] = this.#pending;
    if (first === undefined) return;
    const [topic, { data, bytes }] = first;
    this.#pending.delete(topic);
    this.#hand(bytes ?? eventBytes(topic, data));
  }

  #hand(bytes: Uint8Array): void {
    this.#controller?.enqueue(bytes);
    this.#handedAtMs = this.#clock.monotonicMs();
    const taken = this.#wanted;
    this.#wanted = undefined;
    taken?.();
  }

  #watchTime(): void {
    this.#cancelTimer = this.#clock.after(aliveEveryMs, () => {
      if (this.#wanted !== undefined) this.#hand(comment);
      else if (this.#clock.monotonicMs() - this.#handedAtMs > silentMsMax) return this.end();
      this.#watchTime();
    });
  }
}

const encoder = new TextEncoder();
const comment = encoder.encode(": alive\n\n");

/** As server-sent events are written; JSON has no line breaks. */
export function eventBytes(topic: string, data: unknown): Uint8Array {
  return encoder.encode(`event: ${topic}\ndata: ${JSON.stringify(data)}\n\n`);
}
