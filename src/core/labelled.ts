// What is counted apart by up to four labels: a cell for each set of their values, found without making a string of them.
//
//   L1. Bounded: beyond `cellsMax` sets of values what is new is counted under `other`, whatever somebody makes a label of. Labels whose
//       values only Troupe chooses (an outcome, a kind of turn) stay as they are until there are twice as many.

export const cellsMax = 256;
/** What somebody else has named: actors and their methods, workflows and their tasks, models. */
const named: ReadonlySet<string> = new Set(["type", "method", "workflow", "task", "of"]);
const other = "other";

/** A cell below as many levels as there are labels. */
type Node = Map<string, unknown>;

export class Labelled<Cell> {
  readonly #make: () => Cell;
  readonly #labels: readonly string[];
  readonly #depth: number;
  readonly #root: Node = new Map();
  #size = 0;
  /** The last values and their cell: what comes next is often of the same. */
  #values: readonly [string, string, string, string] | undefined;
  #last: Cell | undefined;

  constructor(labels: readonly string[], make: () => Cell) {
    this.#labels = labels;
    this.#depth = labels.length;
    this.#make = make;
  }

  /** The cell of these values, of which there are as many as labels; made when it is not there. */
  at(first = "", second = "", third = "", fourth = ""): Cell {
    const values = this.#values;
    if (
      this.#last !== undefined &&
      values?.[0] === first &&
      values[1] === second &&
      values[2] === third &&
      values[3] === fourth
    ) {
      return this.#last;
    }
    const cell = this.#find(first, second, third, fourth);
    this.#values = [first, second, third, fourth];
    this.#last = cell;
    return cell;
  }

  #find(first: string, second: string, third: string, fourth: string): Cell {
    const depth = this.#depth;
    let found = this.#root.get(first);
    if (depth > 1 && found !== undefined) found = (found as Node).get(second);
    if (depth > 2 && found !== undefined) found = (found as Node).get(third);
    if (depth > 3 && found !== undefined) found = (found as Node).get(fourth);
    return found === undefined ? this.#add([first, second, third, fourth].slice(0, depth)) : (found as Cell);
  }

  /** Each cell with the values of its labels. */
  *cells(): Generator<readonly [readonly string[], Cell], void, undefined> {
    yield* this.#below(this.#root, []);
  }

  *#below(node: Node, values: readonly string[]): Generator<readonly [readonly string[], Cell], void, undefined> {
    for (const [value, found] of node) {
      const all = [...values, value];
      if (all.length >= this.#depth) yield [all.slice(0, this.#depth), found as Cell];
      else yield* this.#below(found as Node, all);
    }
  }

  #bounded(value: string, at: number): string {
    return this.#size < 2 * cellsMax && !named.has(this.#labels[at] ?? "") ? value : other;
  }

  #add(wanted: readonly string[]): Cell {
    const values = this.#size < cellsMax ? wanted : wanted.map((value, at) => this.#bounded(value, at)); // L1
    let node = this.#root;
    for (const value of values.slice(0, -1)) {
      const next = (node.get(value) ?? new Map<string, unknown>()) as Node;
      node.set(value, next);
      node = next;
    }
    const last = values.at(-1) ?? "";
    const known = node.get(last);
    if (known !== undefined) return known as Cell;
    const made = this.#make();
    node.set(last, made);
    this.#size += 1;
    return made;
  }
}
