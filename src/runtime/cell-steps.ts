// The life of one activation as it is lived: each input is stepped (src/actors/activation.ts), and what that decides is performed
// before the next.
//
//   S1. It never runs inside itself: what comes in while something is performed is stepped afterwards, in order.
//   S2. Nothing stays half done. What throws here is a bug of ours, and nothing further is performed: the activation is over,
//       and `onFault`, which is told of it, ends what it held.

import type { Activation, ActivationEffect, ActivationInput } from "../actors/activation.ts";
import { newActivation, step } from "../actors/activation.ts";

export interface CellStepsOptions {
  readonly perform: (effect: ActivationEffect) => void;
  /** All that came in has been stepped. */
  readonly onSettled: () => void;
  readonly onFault: (thrown: unknown) => void;
}

export class CellSteps {
  readonly #options: CellStepsOptions;
  #now: Activation = newActivation;
  #inputs: ActivationInput[] | undefined;

  constructor(options: CellStepsOptions) {
    this.#options = options;
  }

  get now(): Activation {
    return this.#now;
  }

  /** Something is being performed: what it has decided must not change meanwhile. */
  get isStepping(): boolean {
    return this.#inputs !== undefined;
  }

  apply(input: ActivationInput): void {
    if (this.#inputs !== undefined) {
      this.#inputs.push(input); // S1
      return;
    }
    const inputs = [input];
    this.#inputs = inputs;
    try {
      for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
        const { next: after, effects } = step(this.#now, next);
        this.#now = after;
        for (const effect of effects) this.#options.perform(effect);
      }
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#inputs = undefined;
    }
    this.#options.onSettled();
  }

  /** Goes on with what comes of a promise, under the same law (S2). `otherwise`: what is due when it rejects. */
  follow<Value>(promise: Promise<Value>, then: (value: Value) => void, otherwise = () => {}): void {
    const guard = (act: () => void) => {
      try {
        act();
      } catch (thrown) {
        this.#fail(thrown);
      }
    };
    const failed = (thrown: unknown) => {
      this.#fail(thrown);
      guard(otherwise);
    };
    void promise.then((value) => guard(() => then(value)), failed);
  }

  #fail(thrown: unknown): void {
    this.#now = { phase: "gone", why: "unreadable" };
    this.#options.onFault(thrown);
  }
}
