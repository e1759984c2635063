// The states of one model: what a user reads and changes.

import type { Edit } from "./state-change.ts";
import { type Created, type Deleted, StateChanges, type Transitioned, type Updated } from "./state-change.ts";
import type { Seen } from "./state-door.ts";
import { nothingSupposed } from "./state-door.ts";
import type { StateLock } from "./state-lock.ts";
import { type StateModel, stateKey } from "./state-model.ts";
import { type Moment, readAt, readPast, type StateChange } from "./state-past.ts";
import { type StatePage, type StateQuery, StateScan } from "./state-query.ts";
import { type StateRef, stateRef } from "./state-transaction.ts";
import { readState, type State, standingOf } from "./state-value.ts";
import { type StateNews, type StateWatchOptions, watchStates } from "./state-watch.ts";
import type { StateWriter, WriteOptions } from "./state-writer.ts";

export interface ChangeOptions extends WriteOptions {
  /** The change counts only while this lock is held: otherwise it rejects with LOCK_LOST and changes nothing. */
  readonly lock?: StateLock;
}

/**
 * The states of one model, by id.
 *
 * Reads are answered by who leads the bucket: they see everything that was acknowledged before. Changes are compare-and-set
 * loops: they build on what stands when they are written, and what they answer is what stands then.
 *
 * All reject with ID_INVALID, SERVER_UNREACHABLE (nothing was written), STORE_FAILED, CLOSED; those that read states also with
 * STATE_UNREADABLE, STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, STATE_INVALID; those that write also with OPTION_INVALID,
 * PAYLOAD_TOO_LARGE, WRITE_CONTENDED (`data` is the last conflict), OUTCOME_UNKNOWN (it could not be found out within 15 s
 * whether it stands), LOCK_LOST, and with what a function of the caller throws (nothing was written).
 */
export class States<Status extends string, Event extends string, Data> {
  readonly model: StateModel<Status, Event, Data>;
  readonly #writer: StateWriter;

  constructor(model: StateModel<Status, Event, Data>, writer: StateWriter) {
    this.model = model;
    this.#writer = writer;
  }

  /** Names a state, for `transact`. */
  ref(id: string): StateRef<Status, Event, Data> {
    return stateRef(this.model, id);
  }

  /** The state; undefined when there is none. */
  async get(id: string): Promise<State<Status, Data> | undefined> {
    const key = stateKey(this.model, id);
    const entry = await this.#writer.kv.get(key);
    return readState(this.model, key, standingOf(key, entry));
  }

  /** Those of the states that exist, by id. As of one moment for up to 500. */
  async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, State<Status, Data>>> {
    const keys = new Map(ids.map((id) => [id, stateKey(this.model, id)]));
    const entries = await this.#writer.kv.getMany([...keys.values()]);
    const states = new Map<string, State<Status, Data>>();
    for (const [id, key] of keys) {
      const state = await readState(this.model, key, standingOf(key, entries.get(key)));
      if (state !== undefined) states.set(id, state);
    }
    return states;
  }

  /**
   * Makes a state in the model's initial status; or in the one that the events of `through` lead to from there, of which the last is
   * the event of this change: for what has come so far elsewhere.
   */
  async create(
    id: string,
    data: NoInfer<Data>,
    options: ChangeOptions & { readonly through?: readonly Event[] } = {},
  ): Promise<Created<State<Status, Data>>> {
    const { through, ...more } = options;
    const key = stateKey(this.model, id);
    const supposed = more.lock === undefined ? nothingSupposed : undefined;
    return this.#change(key, this.#changes(key, id).create(data, through), more, supposed);
  }

  /**
   * Changes the data within the status: `edit` changes them in place, or returns others. It must return now, and runs again
   * when somebody else was quicker. Data that it leaves as they were are not written.
   */
  update(id: string, edit: Edit<Status, Data>, options: ChangeOptions = {}): Promise<Updated<State<Status, Data>>> {
    const key = stateKey(this.model, id);
    return this.#change(key, this.#changes(key, id).update(edit), options);
  }

  /** Sets these members of the data; those that are undefined are taken away. */
  patch(
    id: string,
    members: Data extends object ? { readonly [Member in keyof Data]?: Data[Member] | undefined } : never,
    options: ChangeOptions = {},
  ): Promise<Updated<State<Status, Data>>> {
    return this.update(id, (data) => ({ ...data, ...members }), options);
  }

  /** Applies an event, and with it `edit` to the data. An event that is not legal changes nothing and answers with those that are. */
  transition(
    id: string,
    event: Event,
    options: ChangeOptions & { readonly edit?: Edit<Status, Data> } = {},
  ): Promise<Transitioned<State<Status, Data>, Event>> {
    const key = stateKey(this.model, id);
    return this.#change(key, this.#changes(key, id).transition(event, options.edit), options);
  }

  /**
   * Deletes the state. Who did it and why stays in the history, as a value that says so, until `StateStore.sweep`. Deletes what cannot
   * be read too: `state` is undefined then.
   */
  delete(id: string, options: ChangeOptions = {}): Promise<Deleted<State<Status, Data> | undefined>> {
    const key = stateKey(this.model, id);
    return this.#change(key, this.#changes(key, id).delete(), options);
  }

  /**
   * A page of the states that match. Misses nothing that was acknowledged before the call, on any number of replicas: it is over only when
   * the copy of the bucket that is read is as far as the leader was (K4). States that are changed while it runs are given as they were or as they are
   * then; several of them need not be of one moment, as with `getMany`.
   */
  async query(query: StateQuery<State<Status, Data>> = {}): Promise<StatePage<State<Status, Data>>> {
    return new StateScan(this.#writer.kv, this.model, query).run();
  }

  /**
   * What stands now, then each change, for ever. All that was acknowledged before the call comes before `current`. Goes on by itself after a break; beyond what the bucket keeps of a key it may miss what
   * was overwritten meanwhile, never the last. A change may come more than once (transactions, a lock that was taken over).
   */
  watch(options: StateWatchOptions = {}): AsyncIterable<StateNews<State<Status, Data>>> {
    return watchStates(this.#writer.kv, this.model, options);
  }

  /** The changes that the bucket keeps (by default the last 8), oldest first. */
  async history(id: string): Promise<readonly StateChange<State<Status, Data>>[]> {
    return readPast(this.#writer.kv, this.model, stateKey(this.model, id), id);
  }

  /** The state as it stood at a revision or a time; undefined when there was none. Rejects with HISTORY_GONE when that is not kept. */
  async at(id: string, moment: Moment): Promise<State<Status, Data> | undefined> {
    return readAt(this.#writer.kv, this.model, stateKey(this.model, id), moment);
  }

  #changes(key: string, id: string): StateChanges<Status, Event, Data> {
    return new StateChanges(this.model, key, id);
  }

  async #change<Answer>(
    key: string,
    decide: Parameters<StateWriter["change"]>[2],
    options: ChangeOptions,
    supposed?: Seen,
  ): Promise<Answer> {
    const { lock, ...writeOptions } = options;
    const version = this.model.version;
    return (await this.#writer.change(key, version, decide, writeOptions, lock?.door, supposed)) as Answer;
  }
}
