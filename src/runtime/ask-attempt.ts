// What an ask waits for: the answer of the owner that it was sent to, and between two attempts the next one's time. Both
// end when the partition gets another owner.

import type { Clock } from "../core/clock.ts";
import { EpochWaiter } from "./epoch-ring.ts";
import type { RequestOutcome } from "./mail.ts";

/** How long an answer that was sent before its partition moved may still be under way. Unit: ms. */
const lateAnswerMsMax = 500;
const moved: RequestOutcome = { kind: "lost", reason: "the actor's partition has another owner" };

/** One attempt over the network, to the owner that the directory shows (Q3 of asker.ts). */
export class Attempt extends EpochWaiter {
  readonly outcome: Promise<RequestOutcome>;
  readonly #clock: Clock;
  readonly #isHarmless: boolean;
  #resolve: (outcome: RequestOutcome) => void = () => {};
  #cancelLate: (() => void) | undefined;

  constructor(request: Promise<RequestOutcome>, clock: Clock, isHarmless: boolean) {
    super();
    this.#clock = clock;
    this.#isHarmless = isHarmless;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      request.then(
        (outcome) => {
          this.#end();
          resolve(outcome);
        },
        (thrown: unknown) => {
          this.#end();
          reject(thrown);
        },
      );
    });
  }

  onNextEpoch(): void {
    if (this.#isHarmless) this.#resolve(moved);
    else this.#cancelLate = this.#clock.after(lateAnswerMsMax, () => this.#resolve(moved));
  }

  #end(): void {
    this.leave();
    this.#cancelLate?.();
  }
}

/** Ends a pause when the partition has another owner. */
export class Pause extends EpochWaiter {
  readonly onNextEpoch: () => void;

  constructor(onNextEpoch: () => void) {
    super();
    this.onNextEpoch = onNextEpoch;
  }
}
