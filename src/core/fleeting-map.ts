// A map, and a set, of what comes and goes: requests on their way, actors that are busy.
//
// V8 gives a `Map` that has been filled and emptied a new table now and then, and the old table points to the new one (OrderedHashTable,
// so that iterators find it). Once a full collection has moved one of these tables to the old generation, everything that any later table
// ever held survives every small collection until the next full one, though it is dead. A map of 64 entries that come and go kept 65 % of
// all that was allocated beside it alive in this way, and collections took 15 times as long. So this one is made anew before it has taken
// in so much that V8 would have to.
//
// As with a `Map`, but: what is set while somebody iterates may be missed, and what is deleted then may still come.

const renewAfterMin = 64;

export class FleetingMap<Key, Value> {
  #entries = new Map<Key, Value>();
  /** How many may still be set before it is made anew. */
  #left = renewAfterMin;

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  set(key: Key, value: Value): void {
    this.#left -= 1;
    if (this.#left < 0) this.#renew();
    this.#entries.set(key, value);
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries = new Map();
    this.#left = renewAfterMin;
  }

  keys(): MapIterator<Key> {
    return this.#entries.keys();
  }

  values(): MapIterator<Value> {
    return this.#entries.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.#entries[Symbol.iterator]();
  }

  #renew(): void {
    this.#entries = new Map(this.#entries);
    this.#left = Math.max(renewAfterMin, this.#entries.size);
  }
}

export class FleetingSet<Value> {
  readonly #values = new FleetingMap<Value, true>();

  get size(): number {
    return this.#values.size;
  }

  has(value: Value): boolean {
    return this.#values.has(value);
  }

  add(value: Value): void {
    this.#values.set(value, true);
  }

  delete(value: Value): boolean {
    return this.#values.delete(value);
  }

  clear(): void {
    this.#values.clear();
  }

  [Symbol.iterator](): MapIterator<Value> {
    return this.#values.keys();
  }
}
