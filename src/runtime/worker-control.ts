// A worker's answers on its control subject (`control.ts` says what it is asked).

import type { Clock } from "../core/clock.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import type { FiguresSnapshot } from "../core/figures.ts";
import type { Control } from "./control.ts";
import { encodeFigures, readControl } from "./control.ts";
import type { ControlAnswer, Mail } from "./mail.ts";
import { encodeError } from "./wire-error.ts";
import { WorkerFeed } from "./worker-feed.ts";

export interface WorkerControlOptions {
  readonly worker: string;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly events: EventStream;
  /** Begins to end; does not wait for it. */
  readonly drain: () => void;
  readonly figures: () => FiguresSnapshot;
}

const nothing = new Uint8Array(0);

export class WorkerControl {
  readonly #options: WorkerControlOptions;
  readonly #feed: WorkerFeed;

  constructor(options: WorkerControlOptions) {
    this.#options = options;
    this.#feed = new WorkerFeed(options);
  }

  /** Never throws. */
  answer(payload: Uint8Array): ControlAnswer {
    try {
      return { payload: this.#answer(readControl(payload)) };
    } catch (thrown) {
      const text = `the worker could not answer: ${messageOf(thrown)}`;
      const error = isTroupeError(thrown) ? thrown : new TroupeError("HANDLER_FAILED", text, { cause: thrown });
      return { payload: encodeError(error), errorCode: error.code };
    }
  }

  /** Nothing is told any more. */
  close(): void {
    this.#feed.close();
  }

  #answer(control: Control): Uint8Array {
    switch (control.kind) {
      case "drain":
        this.#options.drain();
        return nothing;
      case "figures":
        return encodeFigures(this.#options.figures(), control.from, this.#options.mail.payloadBytesMax);
      case "feed":
        this.#feed.want(control.wish);
        return nothing;
    }
  }
}
