// The first few of many by an order, without sorting the many.

export class Foremost<Item> {
  readonly #most: number;
  readonly #order: (one: Item, other: Item) => number;
  #kept: Item[] = [];
  /** The last that would still be among them; undefined while there are too few. */
  #bar: Item | undefined;

  /** `order`: below 0 when `one` comes before `other`. */
  constructor(most: number, order: (one: Item, other: Item) => number) {
    this.#most = most;
    this.#order = order;
  }

  offer(item: Item): void {
    if (this.#bar !== undefined && this.#order(item, this.#bar) >= 0) return;
    this.#kept.push(item);
    if (this.#kept.length >= 2 * this.#most + 64) this.#trim();
  }

  /** In their order. */
  list(): readonly Item[] {
    this.#trim();
    return this.#kept;
  }

  #trim(): void {
    this.#kept.sort(this.#order);
    if (this.#kept.length <= this.#most) return;
    this.#kept.length = this.#most;
    this.#bar = this.#kept.at(-1);
  }
}
