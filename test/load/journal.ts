// What the writers' journals say, compared with what stands in the store.

/** What became of one writer's updates of one key. */
interface Account {
  readonly acknowledged: Set<number>;
  /** Begun, and nothing is known of the end. */
  readonly doubtful: Set<number>;
}

export interface JournalCounts {
  acknowledged: number;
  doubtful: number;
  transfers: number;
  sums: number;
  locked: number;
}

export class Journals {
  readonly broken: string[] = [];
  readonly counts: JournalCounts = { acknowledged: 0, doubtful: 0, transfers: 0, sums: 0, locked: 0 };
  readonly #accounts = new Map<string, Account>();

  /** The last line of a process that was killed may be torn. */
  read(text: string): void {
    for (const line of text.split("\n").slice(0, -1)) {
      const [word = "", key = "", name = "", number = ""] = line.split(" ");
      if (word === "BROKEN") this.broken.push(line);
      else if (word === "transfer" && key === "acknowledged") this.counts.transfers += 1;
      else if (word === "sum") this.counts.sums += 1;
      else if (word === "locked") this.counts.locked += 1;
      if (name === "" || word === "BROKEN") continue;
      const account = this.#accountOf(`${key} ${name}`);
      const n = Number(number);
      if (word === "begin") account.doubtful.add(n);
      else if (word !== "unknown") account.doubtful.delete(n);
      if (word === "acknowledged") account.acknowledged.add(n);
    }
  }

  /** `standing`: count, sum, last and faults of each writer, by `key name`. */
  compare(standing: ReadonlyMap<string, readonly [number, number, number, number]>): void {
    for (const [place, { acknowledged, doubtful }] of this.#accounts) {
      this.counts.acknowledged += acknowledged.size;
      this.counts.doubtful += doubtful.size;
      const [count, sum, , faults] = standing.get(place) ?? [0, 0, 0, 0];
      if (faults > 0) this.broken.push(`${place}: ${faults} updates came in twice or out of order`);
      const more = count - acknowledged.size;
      const rest = sum - [...acknowledged].reduce((all, n) => all + n, 0);
      if (!isSumOf([...doubtful], more, rest)) {
        const said = `${acknowledged.size} were acknowledged and ${doubtful.size} are in doubt`;
        this.broken.push(`${place}: ${count} updates are in, ${said}, and the sums differ by ${rest}`);
      }
    }
    for (const place of standing.keys()) {
      if (!this.#accounts.has(place)) this.broken.push(`${place}: nobody has begun what is in`);
    }
  }

  #accountOf(place: string): Account {
    const account = this.#accounts.get(place) ?? { acknowledged: new Set(), doubtful: new Set() };
    this.#accounts.set(place, account);
    return account;
  }
}

/** Whether `count` of the numbers add up to `sum`. */
export function isSumOf(numbers: readonly number[], count: number, sum: number): boolean {
  if (count === 0) return sum === 0;
  if (count < 0 || count > numbers.length) return false;
  const [first = 0, ...others] = numbers;
  return isSumOf(others, count - 1, sum - first) || isSumOf(others, count, sum);
}
