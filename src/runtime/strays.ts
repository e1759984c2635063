// The messages of a partition that no actor takes: left to a worker that may take them after all, else kept as dead letters.
// Until one or the other is done they hold the cursor (H1 of `partition-host.ts`).

import type { TroupeError } from "../core/errors.ts";
import { messageOf } from "../core/errors.ts";
import type { BurialPlace } from "./burial.ts";
import { buryLetter, waitAgain } from "./burial.ts";
import type { Letter } from "./mail.ts";

export interface StrayDoors {
  /** Brings what is known of an actor type up to date. Rejects as a store's `get` does. */
  lookUpType(type: string): Promise<void>;
  /** Leaves the letter to another worker (H2 of `partition-host.ts`); false when none may take it. */
  tryLeave(letter: Letter): boolean;
}

export class Strays {
  readonly #place: BurialPlace;
  readonly #doors: StrayDoors;
  readonly #sequences = new Set<number>();

  constructor(place: BurialPlace, doors: StrayDoors) {
    this.#place = place;
    this.#doors = doors;
  }

  /** The lowest sequence; Infinity when there is none. */
  get oldest(): number {
    let oldest = Infinity;
    for (const sequence of this.#sequences) if (sequence < oldest) oldest = sequence;
    return oldest;
  }

  /** `error`: why no actor takes it. Resolves when it is left or kept, or ownership is lost. */
  async add(letter: Letter, { code, message }: TroupeError): Promise<void> {
    const { sequence, key } = letter;
    this.#sequences.add(sequence);
    if (code === "TYPE_UNKNOWN") await this.#lookUpType(key.slice(0, key.indexOf(".")));
    const isDone =
      this.#doors.tryLeave(letter) || (await buryLetter(this.#place, letter, { code, message, attempts: 0 }));
    if (isDone) this.#sequences.delete(sequence);
  }

  /** It may just have been registered, and our copy of what is known of types may not have heard of it. */
  async #lookUpType(type: string): Promise<void> {
    const { log, lost } = this.#place;
    for (let attempt = 0; !lost.aborted; attempt += 1) {
      try {
        return await this.#doors.lookUpType(type);
      } catch (thrown) {
        log.warn({ type, error: messageOf(thrown) }, "an actor type could not be looked up, trying again");
        await waitAgain(this.#place, attempt);
      }
    }
  }
}
