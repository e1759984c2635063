// Says when a number of told messages is committed, for the sides whose worker sees each acknowledgement itself.

import { sharedNowMs } from "./clock.ts";
import { toError } from "./side.ts";

/** Counts the told messages whose commit was acknowledged. */
export class CommitCount {
  #count = 0;
  #failure: Error | undefined;
  #waiting: { readonly total: number; readonly done: PromiseWithResolvers<number> } | undefined;

  add(): void {
    this.#count += 1;
    if (this.#count === this.#waiting?.total) this.#waiting.done.resolve(sharedNowMs());
  }

  fail(thrown: unknown): void {
    this.#failure = toError(thrown);
    this.#waiting?.done.reject(this.#failure);
  }

  /** Resolves to the moment when `total` messages were committed. */
  reached(total: number): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = Promise.withResolvers<number>();
    this.#waiting = { total, done };
    if (this.#count >= total) done.resolve(sharedNowMs());
    return done.promise;
  }
}
