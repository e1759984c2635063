// The activity of one activation, as it is told to who keeps the statuses of its worker. Only actors that are defined so have one.

import type { Activity, ActivityInput } from "../actors/activity.ts";
import { isBusy, nextActivity, resting } from "../actors/activity.ts";
import type { Cell } from "./cell.ts";
import type { StatusKeeper } from "./status-keeper.ts";

export class CellStatus {
  readonly #cell: Cell;
  readonly #keeper: StatusKeeper;
  #activity: Activity = resting;

  constructor(cell: Cell, keeper: StatusKeeper) {
    this.#cell = cell;
    this.#keeper = keeper;
  }

  /** Undefined for an actor whose status is not kept. */
  static of(cell: Cell): CellStatus | undefined {
    if (!cell.definition.keepsStatus) return undefined;
    const keeper = cell.host.memory.statuses;
    return keeper === undefined ? undefined : new CellStatus(cell, keeper);
  }

  apply(input: ActivityInput): void {
    const next = nextActivity(this.#activity, input);
    if (next === this.#activity) return;
    this.#activity = next;
    this.#keeper.note(this.#cell.key, this.#cell.host, next);
  }

  /** The turn waits for an answer. */
  async asking<Answered>(whom: string, asking: Promise<Answered>): Promise<Answered> {
    this.apply({ kind: "asking", whom });
    try {
      return await asking;
    } finally {
      this.apply({ kind: "answered" });
    }
  }

  /** The activation is at rest, or gone: in the middle of something, then, it is not ours any more. */
  rested(): void {
    if (this.#cell.isGone && isBusy(this.#activity)) this.#keeper.forget(this.#cell.key);
    else this.apply({ kind: "rested" });
  }
}
