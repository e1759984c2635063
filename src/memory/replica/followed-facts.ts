// A live copy of a scope's facts. Pure: changes come in, facts stand.
//
//   C1. It is what the bucket held at some moment, and never an earlier one than before; a start over is another bucket's
//       beginning. What that does not bring again is gone when it is current.
//   C2. A fact whose time to live is over is absent, whatever was told of it.

import type { Clock } from "../../core/clock.ts";
import type { Fact } from "../fact.ts";
import { isExpired } from "../fact.ts";
import type { MemoryChange } from "../memory-change.ts";

const unreadableMax = 1_000;

export class FollowedFacts {
  readonly #clock: Clock;
  readonly #facts = new Map<string, Fact>();
  /** By key what cannot be read; not all of it when that is much. */
  readonly unreadable = new Map<string, string>();
  /** After a start over: what was known and has not come again. */
  #missing: Set<string> | undefined;
  #inOrder: readonly Fact[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A hot path: for a fact that does not expire, one look into a map. */
  get(name: string): Fact | undefined {
    const fact = this.#facts.get(name);
    if (fact === undefined || fact.expiresAtMs === undefined) return fact;
    return isExpired(fact, this.#clock.now()) ? undefined : fact;
  }

  /** By name. */
  get all(): readonly Fact[] {
    this.#inOrder ??= [...this.#facts.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
    const nowMs = this.#clock.now();
    return this.#inOrder.some((fact) => isExpired(fact, nowMs))
      ? this.#inOrder.filter((fact) => !isExpired(fact, nowMs))
      : this.#inOrder;
  }

  apply(change: MemoryChange): void {
    switch (change.kind) {
      case "fact-set":
        this.#missing?.delete(change.fact.name);
        this.#facts.set(change.fact.name, change.fact);
        this.unreadable.delete(change.key);
        break;
      case "fact-deleted":
        this.#forget(change.name, change.key);
        break;
      case "unreadable": {
        // What stood there before does not any more.
        const known = [...this.#facts.values()].find(({ key }) => key === change.key);
        if (known !== undefined) this.#forget(known.name, known.key);
        if (this.unreadable.size < unreadableMax) this.unreadable.set(change.key, change.reason);
        break;
      }
      case "restarted":
        this.startOver();
        return;
      case "current":
        for (const name of this.#missing ?? []) this.#facts.delete(name); // C1
        this.#missing = undefined;
        break;
      case "entry-added":
      case "entries-removed":
      case "head-changed":
        return;
    }
    this.#inOrder = undefined;
  }

  /** What stands now comes again. */
  startOver(): void {
    this.#missing = new Set(this.#facts.keys());
    this.unreadable.clear();
  }

  #forget(name: string, key: string): void {
    this.#missing?.delete(name);
    this.#facts.delete(name);
    this.unreadable.delete(key);
  }
}
