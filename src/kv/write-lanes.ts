// Which transactions of a store may be under way at once.
//
//   W1. Of those that expect something of the same key one is under way at a time, in the order in which they came. Servers
//       with replicas refuse an expectation on a key while another write that expects something of it is on its way.
//   W2. No more than `openMax` are under way in all: a server takes 50 open batches for a stream, from all its clients.

import { FleetingMap } from "../core/fleeting-map.ts";

/** Three stores of one bucket reach the server's bound together; what goes beyond it is tried again. */
const openMax = 16;

export class WriteLanes {
  /** The last work that was given to each lane that is in use. */
  readonly #tails = new FleetingMap<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  /** Runs `work` when it is its turn in the lanes of all these keys. Rejects as it does. */
  async run<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const before = keys.map((key) => this.#tails.get(key));
    const { promise: done, resolve: leave } = Promise.withResolvers<void>();
    for (const key of keys) this.#tails.set(key, done);
    await Promise.all(before);
    if (this.#open < openMax) this.#open += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Who waits takes over the place that is left.
      const next = this.#waiting.shift();
      if (next === undefined) this.#open -= 1;
      else next();
      for (const key of keys) if (this.#tails.get(key) === done) this.#tails.delete(key);
      leave();
    }
  }
}
