// Several states changed together: all of them or none, on conditions that may speak of others too.
//
//   T1. What the function sees are the named states as of one moment. It counts only if all of them stand like that when it is
//       written, also those that it only looked at (K3); else it runs again on what stands then.
//   T2. Whatever one of its changes cannot be (illegal, missing, there already) refuses the whole: nothing is written.

import { TroupeError } from "../core/errors.ts";
import { traced } from "../core/trace.ts";
import type { KvEntry, KvOperationRequest, Revision } from "../kv/store.ts";
import { transactionOperationsMax } from "../kv/writes.ts";
import { transactionSpan } from "./memory-spans.ts";
import { type Edit, edited, type NextForm, stampedState } from "./state-change.ts";
import type { StateLock } from "./state-lock.ts";
import { type AnyModel, legalEvents, type StateModel, stateKey, targetOf } from "./state-model.ts";
import {
  checkData,
  printState,
  readState,
  type Standing,
  type State,
  type StoredState,
  standingOf,
} from "./state-value.ts";
import { checkAttempts, contended, type StateWriter, type WriteOptions } from "./state-writer.ts";

/** Names a state of a model. */
export interface StateRef<Status extends string = string, Event extends string = string, Data = unknown> {
  readonly model: StateModel<Status, Event, Data>;
  readonly id: string;
  readonly key: string;
}

/** Throws ID_INVALID. */
export function stateRef<Status extends string, Event extends string, Data>(
  model: StateModel<Status, Event, Data>,
  id: string,
): StateRef<Status, Event, Data> {
  return { model, id, key: stateKey(model, id) };
}

export interface TransactOptions extends WriteOptions {
  /** The transaction counts only while this lock is held: otherwise it rejects with LOCK_LOST and changes nothing. */
  readonly lock?: StateLock;
}

/** Why nothing was written (T2). */
export interface Refusal {
  readonly kind: "refused";
  readonly key: string;
  readonly why: "missing" | "exists" | "illegal";
  /** Of an illegal event: the status that stands, the event, and the events that are legal there. */
  readonly status?: string;
  readonly event?: string;
  readonly legal?: readonly string[];
}

export type Transacted<Value> =
  /** `revisions`: of the states that were written, by key. */
  | { readonly kind: "committed"; readonly value: Value; readonly revisions: ReadonlyMap<string, Revision> }
  /** It changed nothing: `value` comes of what stood at one moment. */
  | { readonly kind: "unchanged"; readonly value: Value }
  | Refusal;

interface Part {
  readonly model: AnyModel;
  readonly key: string;
  readonly standing: Standing;
  state: State | undefined;
  /** How it was read, to tell whether an edit changed it; undefined when there is none, or not any more. */
  before: string | undefined;
  next: NextForm | undefined;
}

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`${refusal.key}: ${refusal.why}`);
    this.refusal = refusal;
  }
}

/** What the function of a transaction is given. Every state that it names must be among those that were given to `transact`. */
export class StateTransaction {
  readonly #parts: ReadonlyMap<string, Part>;

  constructor(parts: ReadonlyMap<string, Part>) {
    this.#parts = parts;
  }

  /** The state, with what this transaction has changed so far; undefined when there is none. Throws OPTION_INVALID. */
  get<Status extends string, Event extends string, Data>(
    ref: StateRef<Status, Event, Data>,
  ): State<Status, Data> | undefined {
    return this.#part(ref).state as State<Status, Data> | undefined;
  }

  /** Makes the state; one that stands refuses the transaction. */
  create<Status extends string, Event extends string, Data>(
    ref: StateRef<Status, Event, Data>,
    data: NoInfer<Data>,
  ): void {
    const part = this.#part(ref);
    if (part.state !== undefined) throw new Refused({ kind: "refused", key: part.key, why: "exists" });
    this.#set(part, { status: ref.model.initial, data });
  }

  /** Changes the data. A state that is missing refuses the transaction. */
  update<Status extends string, Event extends string, Data>(
    ref: StateRef<Status, Event, Data>,
    edit: Edit<Status, Data>,
  ): void {
    const { part, state } = this.#standing(ref);
    const event = part.next?.event;
    const data = edited(edit, state);
    this.#set(part, { status: state.status, data, ...(event === undefined ? {} : { event }) });
  }

  /** Applies an event, and with it `edit` to the data. An illegal one refuses the transaction. */
  transition<Status extends string, Event extends string, Data>(
    ref: StateRef<Status, Event, Data>,
    event: Event,
    edit?: Edit<Status, Data>,
  ): void {
    const { part, state } = this.#standing(ref);
    const target = targetOf(part.model, state.status, event);
    if (target === undefined) {
      const legal = legalEvents(part.model, state.status);
      throw new Refused({ kind: "refused", key: part.key, why: "illegal", status: state.status, event, legal });
    }
    this.#set(part, { status: target, data: edit === undefined ? state.data : edited(edit, state), event });
  }

  /** Deletes the state. One that is missing refuses the transaction. */
  delete<Status extends string, Event extends string, Data>(ref: StateRef<Status, Event, Data>): void {
    const { part, state } = this.#standing(ref);
    part.next = { status: state.status, data: state.data, gone: 1 };
    part.state = undefined;
    part.before = undefined; // What is made in its place is new, whatever it holds.
  }

  #part(ref: { readonly key: string }): Part {
    const part = this.#parts.get(ref.key);
    if (part !== undefined) return part;
    throw new TroupeError("OPTION_INVALID", `${ref.key} is not among the states of this transaction`);
  }

  #standing<Status extends string, Event extends string, Data>(
    ref: StateRef<Status, Event, Data>,
  ): { readonly part: Part; readonly state: State<Status, Data> } {
    const part = this.#part(ref);
    if (part.state === undefined) throw new Refused({ kind: "refused", key: part.key, why: "missing" });
    return { part, state: part.state as State<Status, Data> };
  }

  #set(part: Part, next: NextForm): void {
    part.next = next;
    const blank: State = {
      ...{ model: part.model.name, id: "", key: part.key, revision: 0, number: 0, changedAtMs: 0 },
      ...{ version: part.model.version, status: "", data: undefined },
      ...{ event: undefined, cause: undefined, actor: undefined, trace: undefined },
    };
    part.state = { ...(part.state ?? blank), status: next.status, data: next.data, event: next.event };
  }
}

/** Rejects as `States` does. */
export async function transactStates<Value>(
  writer: StateWriter,
  refs: readonly StateRef[],
  run: (transaction: StateTransaction) => Value,
  options: TransactOptions,
): Promise<Transacted<Value>> {
  const models = new Map(refs.map(({ key, model }) => [key, model as unknown as AnyModel]));
  const most = transactionOperationsMax - (options.lock === undefined ? 0 : 1);
  if (models.size === 0 || models.size > most) {
    throw new TroupeError("OPTION_INVALID", `a transaction is on 1 to ${most} states, got ${models.size}`);
  }
  const attempt = new TransactionRun(writer, models, run, options);
  // In one order of the keys for all, so that no two wait for each other.
  const keys = [...models.keys()].sort();
  return traced(
    () => transactionSpan(writer.kv.bucket, keys),
    () => {
      const inTurn = keys.reduceRight(
        (work, key) => () => writer.lanes.run(key, work),
        () => attempt.untilDone(),
      );
      return inTurn();
    },
  );
}

class TransactionRun<Value> {
  readonly #writer: StateWriter;
  readonly #models: ReadonlyMap<string, AnyModel>;
  readonly #run: (transaction: StateTransaction) => Value;
  readonly #options: TransactOptions;

  constructor(
    writer: StateWriter,
    models: ReadonlyMap<string, AnyModel>,
    run: (transaction: StateTransaction) => Value,
    options: TransactOptions,
  ) {
    this.#writer = writer;
    this.#models = models;
    this.#run = run;
    this.#options = options;
  }

  async untilDone(): Promise<Transacted<Value>> {
    const attemptsMax = checkAttempts(this.#options.attemptsMax);
    const stamp = this.#writer.stampOf(this.#options);
    let conflict = { key: "", revision: 0 };
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      this.#options.signal?.throwIfAborted();
      const parts = await this.#look();
      let value: Value;
      try {
        value = this.#run(new StateTransaction(parts));
        checkNow(value);
      } catch (thrown) {
        if (thrown instanceof Refused) return thrown.refusal;
        throw thrown;
      }
      const writes = await this.#writes(parts, { ...stamp, at: this.#writer.clock.now() });
      if (writes.size === 0) return { kind: "unchanged", value };
      const outcome = await this.#write(parts, writes);
      if (outcome.kind === "written") return { kind: "committed", value, revisions: outcome.revisions };
      conflict = outcome;
      await this.#writer.waitALittle(attempt, this.#options.signal);
    }
    throw contended(conflict.key, attemptsMax, conflict.revision);
  }

  /** All states as of one moment. */
  async #look(): Promise<ReadonlyMap<string, Part>> {
    const entries: ReadonlyMap<string, KvEntry> = await this.#writer.kv.getMany([...this.#models.keys()]);
    const parts = new Map<string, Part>();
    for (const [key, model] of this.#models) {
      const standing = standingOf(key, entries.get(key));
      const state = await readState(model, key, standing);
      parts.set(key, { model, key, standing, state, before: JSON.stringify(state?.data), next: undefined });
    }
    return parts;
  }

  /** What is to be written, by key. */
  async #writes(
    parts: ReadonlyMap<string, Part>,
    stamp: Parameters<typeof stampedState>[1],
  ): Promise<ReadonlyMap<string, StoredState>> {
    const writes = new Map<string, StoredState>();
    for (const { key, model, standing, before, next } of parts.values()) {
      if (next === undefined) continue;
      const isEdit = next.gone === undefined && next.event === undefined;
      const data = next.gone === 1 ? next.data : await checkData(model, `the next state of ${key}`, next.data);
      if (isEdit && before !== undefined && JSON.stringify(data) === before) continue;
      writes.set(key, stampedState({ ...next, data }, stamp, standing, model.version));
    }
    return writes;
  }

  async #write(
    parts: ReadonlyMap<string, Part>,
    writes: ReadonlyMap<string, StoredState>,
  ): Promise<
    | { readonly kind: "written"; readonly revisions: ReadonlyMap<string, Revision> }
    | { readonly kind: "conflict"; readonly key: string; readonly revision: Revision }
  > {
    const operations: KvOperationRequest[] = [];
    for (const { key, standing } of parts.values()) {
      if (!writes.has(key)) operations.push({ kind: "check", key, expected: standing.revision });
    }
    for (const [key, stored] of writes) {
      const expected = parts.get(key)?.standing.revision ?? 0;
      operations.push({ kind: "put", key, value: printState(stored), expected });
    }
    const [first] = writes;
    if (first === undefined) return { kind: "written", revisions: new Map() };
    const { lock } = this.#options;
    const outcome = await this.#writer.settled(first[0], first[1], async () => {
      const transacted = await (lock === undefined ? this.#writer.kv.transact(operations) : lock.transact(operations));
      if (transacted.kind === "conflict") return transacted;
      return { kind: "written" as const, revision: transacted.revisions[0] ?? 0 };
    });
    if (outcome.kind === "conflict") return outcome;
    // Revisions are consecutive, in the order given (K3).
    return { kind: "written", revisions: new Map([...writes.keys()].map((key, at) => [key, outcome.revision + at])) };
  }
}

function checkNow(value: unknown): void {
  if (!(value instanceof Promise)) return;
  value.catch(() => undefined); // It is told of here, and nowhere else.
  throw new TroupeError("OPTION_INVALID", "the function of a transaction returned a promise; it must return now");
}
