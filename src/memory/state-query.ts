// Looking for states: a page at a time, and never more in memory than a page and what the watcher holds.
//
//   Q1. Without `orderBy` states come in the order of their last change. A page then costs what it reads and not what the
//       model holds, and its cursor is a revision: whoever follows the cursors sees every state that stood all the while, once,
//       and one that is changed meanwhile once more as it is then.
//   Q2. With `orderBy` every page reads all states of the model once and keeps the best `limit` of them. Equal ones are in
//       the order of their ids, so that no two are equal to a cursor.
//   Q3. What is given is what stood at one moment during the query. A state that has changed or gone since the scan passed
//       it is not given as it was: pages without `orderBy` are compared with the store before they are given.

import { TroupeError } from "../core/errors.ts";
import type { KvEntry, KvStore } from "../kv/store.ts";
import type { StateModel } from "./state-model.ts";
import { stateIdOf } from "./state-model.ts";
import type { State } from "./state-value.ts";
import { isUnreadable, readStateNow, standingOf } from "./state-value.ts";

/** What states are ordered by. Of mixed kinds: absent and null first, then false, true, numbers, strings. */
export type OrderValue = string | number | boolean | null | undefined;

export interface OrderBy<S> {
  /** Must answer now. */
  readonly by: (state: S) => OrderValue;
  /** Default "ascending". */
  readonly direction?: "ascending" | "descending";
}

export interface StateQuery<S> {
  /** Only states whose id begins so. Default: all. */
  readonly prefix?: string;
  /** Only states in one of these statuses. Default: all. */
  readonly status?: S extends State<infer Status, infer _Data> ? Status | readonly Status[] : never;
  /** Only states for which this holds. Must answer now. */
  readonly where?: (state: S) => boolean;
  /** Default: the order of the last change (Q1). */
  readonly orderBy?: OrderBy<S>;
  /** States of one page. 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** Of the page before. With the same `orderBy`, or none. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

export interface StatePage<S> {
  readonly states: readonly S[];
  /** For the next page; undefined when this was the last one. */
  readonly cursor: string | undefined;
  /** Keys among those that were read whose value is no state, or none that this code can read. At most 100 are named. */
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[];
}

const limitMax = 1_000;
const unreadableMax = 100;
/** Candidates that are compared with the store in one go. */
const comparedMax = 500;

/** One query of a model's states. */
export class StateScan<Status extends string, Event extends string, Data> {
  readonly #kv: KvStore;
  readonly #model: StateModel<Status, Event, Data>;
  readonly #query: StateQuery<State<Status, Data>>;
  readonly #statuses: ReadonlySet<string> | undefined;
  readonly #limit: number;
  readonly #unreadable: { key: string; reason: string }[] = [];

  /** Throws OPTION_INVALID. */
  constructor(kv: KvStore, model: StateModel<Status, Event, Data>, query: StateQuery<State<Status, Data>>) {
    this.#kv = kv;
    this.#model = model;
    this.#query = query;
    const { limit = 100, status } = query;
    if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= limitMax)) {
      throw invalid(`\`limit\` must be a whole number from 1 to ${limitMax}, got ${limit}`);
    }
    this.#limit = limit;
    const statuses = status === undefined ? undefined : typeof status === "string" ? [status] : status;
    this.#statuses = statuses === undefined ? undefined : new Set(statuses as readonly string[]);
    const strange = [...(this.#statuses ?? [])].find((one) => !Object.hasOwn(model.transitions, one));
    if (strange !== undefined) throw invalid(`\`status\`: ${model.name} has no status ${JSON.stringify(strange)}`);
  }

  async run(): Promise<StatePage<State<Status, Data>>> {
    const { orderBy } = this.#query;
    return orderBy === undefined ? this.#byChange() : this.#byOrder(orderBy);
  }

  /** Q1. */
  async #byChange(): Promise<StatePage<State<Status, Data>>> {
    const { cursor, signal } = this.#query;
    const from = cursor === undefined ? 1 : readRevision(cursor) + 1;
    const watchOptions = { from, ...(signal === undefined ? {} : { signal }) };
    await using watcher = await this.#kv.watch(`${this.#model.name}.*`, watchOptions);
    const page: State<Status, Data>[] = [];
    /** By key, in the order of revision: a later change of a key takes the place of an earlier one. */
    const candidates = new Map<string, State<Status, Data>>();
    for await (const change of watcher) {
      if (change.kind === "restarted") throw invalid("the bucket was made anew since the cursor was given");
      if (change.kind === "entry") {
        candidates.delete(change.entry.key);
        const read = change.entry.operation === "put" ? this.#match(change.entry) : undefined;
        const state = read instanceof Promise ? await read : read;
        if (state !== undefined) candidates.set(state.key, state);
      }
      const isCurrent = change.kind === "current";
      const wanted = this.#limit - page.length;
      if (!isCurrent && candidates.size < Math.min(wanted, comparedMax)) continue;
      page.push(...(await this.#standing(candidates)));
      candidates.clear();
      if (isCurrent) return { states: page, cursor: undefined, unreadable: this.#unreadable };
      if (page.length >= this.#limit) break;
    }
    signal?.throwIfAborted();
    const last = page.at(-1);
    return { states: page, cursor: last === undefined ? undefined : `r${last.revision}`, unreadable: this.#unreadable };
  }

  /** Those of the candidates that stand as they were read (Q3). Any other is met again at its new revision, or gone. */
  async #standing(candidates: ReadonlyMap<string, State<Status, Data>>): Promise<State<Status, Data>[]> {
    if (candidates.size === 0) return [];
    const entries = await this.#kv.getMany([...candidates.keys()]);
    return [...candidates.values()].filter(({ key, revision }) => entries.get(key)?.revision === revision);
  }

  /** Q2. */
  async #byOrder(orderBy: OrderBy<State<Status, Data>>): Promise<StatePage<State<Status, Data>>> {
    const { cursor, signal } = this.#query;
    const sign = orderBy.direction === "descending" ? -1 : 1;
    const after = cursor === undefined ? undefined : readPlace(cursor);
    const best = new BestPlaces<State<Status, Data>>(this.#limit + 1, sign);
    await using watcher = await this.#kv.watch(`${this.#model.name}.*`, signal === undefined ? {} : { signal });
    for await (const change of watcher) {
      if (change.kind === "current") break;
      if (change.kind === "restarted") best.clear();
      if (change.kind !== "entry" || change.entry.operation !== "put") continue;
      const read = this.#match(change.entry);
      const state = read instanceof Promise ? await read : read;
      if (state === undefined) continue;
      const place: Place = [plain(orderBy.by(state)), state.id];
      if (after === undefined || comparePlaces(place, after) * sign > 0) best.add(place, state);
    }
    signal?.throwIfAborted();
    const found = best.sorted();
    const states = found.slice(0, this.#limit).map(({ value }) => value);
    const last = found.length > this.#limit ? found[this.#limit - 1]?.place : undefined;
    return { states, cursor: last === undefined ? undefined : printPlace(last), unreadable: this.#unreadable };
  }

  /** The state if it matches: at once when the schema answers at once. */
  #match(entry: KvEntry): State<Status, Data> | undefined | Promise<State<Status, Data> | undefined> {
    const id = stateIdOf(this.#model, entry.key);
    if (id === undefined || !id.startsWith(this.#query.prefix ?? "")) return undefined;
    try {
      const read = readStateNow(this.#model, entry.key, standingOf(entry.key, entry));
      if (!(read instanceof Promise)) return this.#chosen(read);
      return read.then(
        (state) => this.#chosen(state),
        (thrown: unknown) => this.#note(entry.key, thrown),
      );
    } catch (thrown) {
      return this.#note(entry.key, thrown);
    }
  }

  #chosen(state: State<Status, Data> | undefined): State<Status, Data> | undefined {
    if (state === undefined || this.#statuses?.has(state.status) === false) return undefined;
    return this.#query.where === undefined || this.#query.where(state) ? state : undefined;
  }

  #note(key: string, thrown: unknown): undefined {
    if (!isUnreadable(thrown)) throw thrown;
    if (this.#unreadable.length < unreadableMax) this.#unreadable.push({ key, reason: thrown.message });
  }
}

type Place = readonly [OrderValue, string];

/** The best `count` of all that are added, sorted. */
class BestPlaces<Value> {
  readonly #count: number;
  readonly #sign: number;
  #kept: { readonly place: Place; readonly value: Value }[] = [];

  constructor(count: number, sign: number) {
    this.#count = count;
    this.#sign = sign;
  }

  add(place: Place, value: Value): void {
    this.#kept.push({ place, value });
    // Sorted when twice as many are there: cheaper than a place for each, and bounded all the same.
    if (this.#kept.length >= this.#count * 2 + 64) this.#kept = this.#best();
  }

  clear(): void {
    this.#kept = [];
  }

  sorted(): readonly { readonly place: Place; readonly value: Value }[] {
    return this.#best();
  }

  #best(): { readonly place: Place; readonly value: Value }[] {
    return this.#kept.sort((a, b) => comparePlaces(a.place, b.place) * this.#sign).slice(0, this.#count);
  }
}

function comparePlaces([a, aId]: Place, [b, bId]: Place): number {
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank;
  const byValue = compare(a, b);
  return byValue === 0 ? compare(aId, bId) : byValue;
}

const ranks: Readonly<Record<string, number>> = { boolean: 1, number: 2, string: 3 };
const rankOf = (value: OrderValue): number => ranks[typeof value] ?? 0;

function compare<Value extends OrderValue>(a: Value, b: Value): number {
  if (a === b || a === null || a === undefined || b === null || b === undefined) return 0;
  return a < b ? -1 : 1;
}

/** Rejects with OPTION_INVALID what has no order. */
function plain(value: unknown): OrderValue {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (value === undefined || value === null || Number.isNaN(value)) return null;
  if (typeof value === "number") return value;
  throw invalid(`\`orderBy.by\` must answer a string, a number or a boolean, got ${typeof value}`);
}

const printPlace = (place: Place): string => `o${Buffer.from(JSON.stringify(place)).toString("base64url")}`;

function readPlace(cursor: string): Place {
  try {
    if (!cursor.startsWith("o")) throw new SyntaxError("it is of a query without `orderBy`");
    const [value, id] = JSON.parse(Buffer.from(cursor.slice(1), "base64url").toString()) as unknown[];
    if (typeof id === "string") return [plain(value), id];
    throw new SyntaxError("it has no id");
  } catch (thrown) {
    throw new TroupeError("OPTION_INVALID", `\`cursor\` is none of an ordered query: ${String(thrown)}`, {
      cause: thrown,
    });
  }
}

function readRevision(cursor: string): number {
  const revision = /^r([1-9]\d{0,15})$/.exec(cursor)?.[1];
  if (revision === undefined) throw invalid("`cursor` is none of a query without `orderBy`");
  return Number(revision);
}

function invalid(what: string): TroupeError {
  return new TroupeError("OPTION_INVALID", what);
}
