// What a change makes of the state that stands: pure but for the user's functions and schemas, which may run again.

import type { Json } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import type { AnyModel, StateModel } from "./state-model.ts";
import { legalEvents, targetOf } from "./state-model.ts";
import type { Standing, State, StoredState } from "./state-value.ts";
import { checkData, exists, readState, toState } from "./state-value.ts";

/**
 * Makes the next data of those that stand: changes them in place, or returns others. Must return now, and have no other
 * effect: it runs again when somebody else was quicker.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that changes its argument in place returns nothing.
export type Edit<Status extends string, Data> = (data: Data, state: State<Status, Data>) => Data | void;

export type Created<S> =
  | { readonly kind: "created"; readonly state: S }
  /** One stands already: nothing was written. */
  | { readonly kind: "exists"; readonly state: S };

export type Updated<S> =
  | { readonly kind: "changed"; readonly state: S }
  /** The edit left the data as they were: nothing was written. */
  | { readonly kind: "unchanged"; readonly state: S }
  | { readonly kind: "missing" };

export type Transitioned<S, Event extends string> =
  | { readonly kind: "changed"; readonly state: S }
  /** The status that stands does not know the event (D2): nothing was written. `legal`: the events that it knows. */
  | { readonly kind: "illegal"; readonly state: S; readonly event: string; readonly legal: readonly Event[] }
  | { readonly kind: "missing" };

export type Deleted<S> =
  /** `state`: what it was last. */
  { readonly kind: "deleted"; readonly state: S } | { readonly kind: "missing" };

/** What is to be stored; who, when and under which number is added by whoever writes it. */
export type NextForm = Pick<StoredState, "status" | "event" | "gone"> & { readonly data: unknown };

export type Decision<Answer> =
  | {
      readonly kind: "write";
      readonly form: NextForm;
      readonly answer: (stored: StoredState, revision: number) => Answer;
    }
  | { readonly kind: "keep"; readonly answer: Answer };

/** A change of one state. Rejects with what the user's function throws, STATE_INVALID, and as `readState` does. */
export type Decide<Answer> = (standing: Standing) => Promise<Decision<Answer>>;

/** Reads and decides for one key of a model. */
export class StateChanges<Status extends string, Event extends string, Data> {
  readonly #model: StateModel<Status, Event, Data>;
  readonly #key: string;
  readonly #id: string | undefined;

  /** `id`: the key's; read out of the key when it is not given. */
  constructor(model: StateModel<Status, Event, Data>, key: string, id?: string) {
    this.#model = model;
    this.#key = key;
    this.#id = id;
  }

  create(data: unknown, through: readonly Event[] = []): Decide<Created<State<Status, Data>>> {
    const status = this.#statusAfter(through);
    const event = through.at(-1);
    return async (standing) => {
      const state = await this.#read(standing);
      if (state !== undefined) return { kind: "keep", answer: { kind: "exists", state } };
      const form: NextForm = { status, data: await this.#check(data), ...(event === undefined ? {} : { event }) };
      return this.#write(form, (written) => ({ kind: "created", state: written }));
    };
  }

  update(edit: Edit<Status, Data>): Decide<Updated<State<Status, Data>>> {
    return async (standing) => {
      const state = await this.#read(standing);
      if (state === undefined) return missing;
      const before = JSON.stringify(state.data);
      const data = await this.#check(edited(edit, state));
      const isSame = JSON.stringify(data) === before && state.version === this.#model.version;
      if (isSame) return { kind: "keep", answer: { kind: "unchanged", state } };
      return this.#write({ status: state.status, data }, (written) => ({ kind: "changed", state: written }));
    };
  }

  transition(event: Event, edit?: Edit<Status, Data>): Decide<Transitioned<State<Status, Data>, Event>> {
    return async (standing) => {
      const state = await this.#read(standing);
      if (state === undefined) return missing;
      const target = targetOf(this.#model as AnyModel, state.status, event);
      if (target === undefined) {
        const legal = legalEvents<Event>(this.#model, state.status);
        return { kind: "keep", answer: { kind: "illegal", state, event, legal } };
      }
      const data = await this.#check(edit === undefined ? state.data : edited(edit, state));
      return this.#write({ status: target, data, event }, (written) => ({ kind: "changed", state: written }));
    };
  }

  /** Also of a state that cannot be read. */
  delete(): Decide<Deleted<State<Status, Data> | undefined>> {
    return async (standing) => {
      if (!exists(standing)) return missing;
      const { status, data } = standing.stored;
      const state = await this.#read(standing).catch(() => undefined);
      const form: NextForm = { status, data, gone: 1 };
      return { kind: "write", form, answer: () => ({ kind: "deleted", state }) };
    };
  }

  /** Where these lead from the initial status. Throws OPTION_INVALID. */
  #statusAfter(events: readonly Event[]): Status {
    let status: string = this.#model.initial;
    for (const event of events) {
      const target = targetOf(this.#model as AnyModel, status, event);
      if (target === undefined) {
        const legal = legalEvents(this.#model, status).join(", ") || "none";
        const text = `\`through\`: ${status} of ${this.#model.name} knows no event ${event}; it knows ${legal}`;
        throw new TroupeError("OPTION_INVALID", text);
      }
      status = target;
    }
    return status as Status;
  }

  #read(standing: Standing): Promise<State<Status, Data> | undefined> {
    return readState(this.#model, this.#key, standing, this.#id);
  }

  #check(data: unknown): Promise<Data> {
    return checkData(this.#model, `the next state of ${this.#key}`, data);
  }

  #write<Answer>(form: NextForm, answer: (state: State<Status, Data>) => Answer): Decision<Answer> {
    const toAnswer = (stored: StoredState, revision: number) =>
      answer(toState(this.#model as AnyModel, this.#key, stored, form, revision, this.#id) as State<Status, Data>);
    return { kind: "write", form, answer: toAnswer };
  }
}

const missing = { kind: "keep", answer: { kind: "missing" } } as const;

/** The data after an edit. Rejects with OPTION_INVALID when it did not return now. */
export function edited<Status extends string, Data>(edit: Edit<Status, Data>, state: State<Status, Data>): unknown {
  const returned: unknown = edit(state.data, state);
  if (!(returned instanceof Promise)) return returned === undefined ? state.data : returned;
  returned.catch(() => undefined); // It is told of here, and nowhere else.
  throw new TroupeError(
    "OPTION_INVALID",
    `the function that changes ${state.key} returned a promise; it must return now`,
  );
}

/** Who makes a change, and when. */
export interface Stamp {
  readonly cause?: string | undefined;
  readonly actor?: string | undefined;
  readonly trace?: string | undefined;
  readonly at: number;
  /** Names the write. */
  readonly id: string;
}

/** The next value of a key, over what stands there. `version`: the model's. */
export function stampedState(form: NextForm, stamp: Stamp, standing: Standing, version: number): StoredState {
  const { cause, actor, trace, at, id } = stamp;
  // What is deleted stays in the form that it has: it may be one that cannot be read.
  const v = form.gone === 1 ? (standing.stored?.v ?? 1) : version;
  return {
    status: form.status,
    data: form.data as Json,
    ...(form.event === undefined ? {} : { event: form.event }),
    ...(cause === undefined ? {} : { cause }),
    ...(actor === undefined ? {} : { actor }),
    ...(trace === undefined ? {} : { trace }),
    ...{ at, n: (standing.stored?.n ?? 0) + 1 },
    ...(v === 1 ? {} : { v }),
    ...(form.gone === undefined ? {} : { gone: form.gone }),
    id,
  };
}
