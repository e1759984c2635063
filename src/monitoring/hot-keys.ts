// The keys that are written most, of any number of them in bounded memory.
//
//   H1. While at most `keysMax` keys are written within a slot of the ring, every count is exact.
//   H2. Beyond that a count is never too high, and too low by at most the slot's writes divided by `keysMax`: so a key that
//       is written more often than that is among them.
//
// How: counters of the keys, and when there are twice too many, the `keysMax`-th largest is taken from all, and those that come to
// nothing go (Misra and Gries, 1982, many at once). So a write costs one look into a map, most of the time.

import { Foremost } from "./foremost.ts";

export interface HotKey<Name extends string = string> {
  readonly bucket: Name;
  readonly key: string;
  readonly writes: number;
  /** Of the last value. */
  readonly bytes: number;
}

export interface HotKeysOptions {
  /** Keys that each slot counts. Default 1,024. */
  readonly keysMax?: number;
  /** Default 12. */
  readonly slots?: number;
  /** Unit: ms. Default 5,000: with 12 slots the last 55 to 60 s. */
  readonly slotMs?: number;
}

interface Counter {
  writes: number;
  bytes: number;
}

/** Counts of one stretch of time, by bucket and key. */
type Slot = Map<string, Counter>;

const hotter = ([a, one]: readonly [string, Counter], [b, other]: readonly [string, Counter]): number =>
  other.writes - one.writes || (a < b ? -1 : 1);

export class HotKeys<Name extends string = string> {
  readonly #keysMax: number;
  readonly #slotMs: number;
  readonly #ring: { number: number; readonly counters: Slot }[];

  constructor({ keysMax = 1_024, slots = 12, slotMs = 5_000 }: HotKeysOptions = {}) {
    this.#keysMax = keysMax;
    this.#slotMs = slotMs;
    this.#ring = Array.from({ length: slots }, () => ({ number: -1, counters: new Map() }));
  }

  /** A key was written. `nowMs` may not run backwards. */
  write(bucket: Name, key: string, bytes: number, nowMs: number): void {
    const { counters } = this.#slotAt(nowMs);
    const name = `${bucket} ${key}`;
    const counter = counters.get(name);
    if (counter !== undefined) {
      counter.writes += 1;
      counter.bytes = bytes;
      return;
    }
    counters.set(name, { writes: 1, bytes });
    if (counters.size >= 2 * this.#keysMax) this.#reduce(counters);
  }

  /** The hottest of all slots that are not over, the hottest first; of equal ones by name. */
  hottest(most: number, nowMs: number): readonly HotKey<Name>[] {
    const now = this.#numberAt(nowMs);
    const sums = new Map<string, Counter>();
    for (const { number, counters } of this.#ring.toSorted((one, other) => one.number - other.number)) {
      if (number <= now - this.#ring.length) continue;
      for (const [name, { writes, bytes }] of counters) {
        const sum = sums.get(name);
        if (sum === undefined) sums.set(name, { writes, bytes });
        else {
          sum.writes += writes;
          sum.bytes = bytes;
        }
      }
    }
    const first = new Foremost<readonly [string, Counter]>(most, hotter);
    for (const each of sums) first.offer(each);
    return first.list().map(([name, { writes, bytes }]) => {
      const cut = name.indexOf(" ");
      return { bucket: name.slice(0, cut) as Name, key: name.slice(cut + 1), writes, bytes };
    });
  }

  #numberAt(nowMs: number): number {
    return Math.floor(nowMs / this.#slotMs);
  }

  #slotAt(nowMs: number): { readonly counters: Slot } {
    const number = this.#numberAt(nowMs);
    const slot = this.#ring[number % this.#ring.length] as { number: number; readonly counters: Slot };
    if (slot.number !== number) {
      slot.number = number;
      slot.counters.clear();
    }
    return slot;
  }

  /** H2: what is taken from each counter was written to `keysMax` keys at least. */
  #reduce(counters: Slot): void {
    const all = Float64Array.from(counters.values(), ({ writes }) => writes).sort();
    const less = all[all.length - this.#keysMax] ?? 0;
    for (const [name, counter] of counters) {
      counter.writes -= less;
      if (counter.writes <= 0) counters.delete(name);
    }
  }
}
