// Who changes the same key in one process takes turns, so that processes compete for a key and not all of their callers.

import { TroupeError } from "../core/errors.ts";
import { FleetingMap } from "../core/fleeting-map.ts";

/** Changes of one key that may wait. Beyond it: WRITE_CONTENDED. */
const waitingMax = 4_096;

interface Lane {
  waiting: number;
  last: Promise<unknown>;
}

export class StateLanes {
  readonly #lanes = new FleetingMap<string, Lane>();

  /** Runs `work` when all that was begun before on the key has ended. Rejects as it does, and with WRITE_CONTENDED. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const lane = this.#lanes.get(key) ?? { waiting: 0, last: Promise.resolve() };
    if (lane.waiting >= waitingMax) {
      throw new TroupeError("WRITE_CONTENDED", `${waitingMax} changes of ${key} wait in this process`);
    }
    this.#lanes.set(key, lane);
    lane.waiting += 1;
    const running = lane.last.then(work);
    lane.last = running.catch(() => undefined); // It is told to whoever waits for `running`.
    try {
      return await running;
    } finally {
      lane.waiting -= 1;
      if (lane.waiting === 0) this.#lanes.delete(key);
    }
  }
}
