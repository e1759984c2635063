// Reads a partition of a stream in memory, in order, for ever (M3).

import { invariant } from "../core/errors.ts";
import { guarded } from "./guarded.ts";
import type { MailReader } from "./mail.ts";
import type { MemoryConnection } from "./memory-connection.ts";
import type { StoredLetter } from "./memory-stream.ts";
import type { MemoryWorld } from "./memory-world.ts";

export interface MemoryReaderOptions {
  readonly world: MemoryWorld;
  readonly connection: MemoryConnection;
  readonly stream: string;
  readonly prefix: string;
  readonly fromSequence: number;
  readonly onLetter: (letter: StoredLetter) => void;
  readonly onClose: (reader: MemoryReader) => void;
}

/** Letters handed over in one go; then it is others' turn. */
const lettersPerDelivery = 64;
/** When a reader notices that something was lost on the way to it: two heartbeats. Unit: ms. */
const noticedAfterMs = 10_000;

export class MemoryReader implements MailReader {
  readonly #options: MemoryReaderOptions;
  #position: number;
  #isDelivering = false;
  #isClosed = false;
  readonly #stops: (() => void)[] = [];

  constructor(options: MemoryReaderOptions) {
    this.#options = options;
    this.#position = Math.max(0, options.fromSequence - 1);
  }

  get position(): number {
    return this.#position;
  }

  start(): void {
    const { world, connection, prefix } = this.#options;
    if (this.#isClosed) return;
    this.#stops.push(
      world.onLetters(prefix, () => this.#deliver()),
      connection.onState((state) => {
        // What was under way when the connection broke is gone: it goes on behind what was handed over.
        this.#isDelivering = false;
        if (state === "restored") this.#deliver();
      }),
    );
    this.#deliver();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#options.onClose(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #deliver(): void {
    const { world, connection, prefix, stream } = this.#options;
    if (connection.isCrashed) return void this.close();
    if (this.#isDelivering || this.#isClosed || !connection.isConnected) return;
    const last = world.stream(stream).partition(prefix).letters.at(-1);
    if (last === undefined || last.sequence <= this.#position) return;
    this.#isDelivering = true;
    const isUnderWay = connection.deliver("deliver", `${prefix}>`, () => this.#arrive());
    if (isUnderWay) return;
    this.#stops.push(
      world.clock.after(noticedAfterMs, () => {
        this.#isDelivering = false;
        this.#deliver();
      }),
    );
  }

  #arrive(): void {
    const { world, prefix, stream, onLetter } = this.#options;
    this.#isDelivering = false;
    const log = world.stream(stream).partition(prefix);
    for (let handed = 0; handed < lettersPerDelivery && !this.#isClosed; handed += 1) {
      const letter = log.letters[log.indexOf(this.#position + 1)];
      if (letter === undefined) break;
      invariant(letter.sequence > this.#position, "M3: letters are handed over in order, each once");
      this.#position = letter.sequence;
      guarded(onLetter, letter);
    }
    this.#deliver();
  }
}
