// The ids of a log's last entries, so that an entry which stands already is not written again.

import type { AppendedEntry } from "./log-calls.ts";

/** An entry's id and where it stands. */
export type IdPlace = Omit<AppendedEntry, "isDuplicate">;

export class KnownIds {
  readonly #max: number;
  readonly #places = new Map<string, IdPlace>();
  #upTo: number | undefined;

  /** `max`: entries whose ids are kept. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The last record whose ids are known; undefined before any is. */
  get upTo(): number | undefined {
    return this.#upTo;
  }

  placeOf(id: string): AppendedEntry | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : { ...place, isDuplicate: true };
  }

  /** Adds the entries of the records behind `upTo`, up to and with `record`, in order. */
  add(record: number, places: readonly IdPlace[]): void {
    this.#upTo = record;
    for (const place of places) this.#places.set(place.id, place);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= this.#max) break;
      this.#places.delete(oldest);
    }
  }

  forget(): void {
    this.#places.clear();
    this.#upTo = undefined;
  }
}
