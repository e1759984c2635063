// A state as it stands in the store: JSON that a person can read, status and data in front, what has its default left out.
//
//   {"status":"assigned","data":{"title":"no tea"},"event":"assign","actor":"desk.1","at":1795377467652,"n":2,"id":"x7Yw0AbCd1"}

import { decodeText, encodeText, type Json, printJson } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { Schema, Validation } from "../core/schema.ts";
import { printIssues, validate } from "../core/schema.ts";
import { traceIdForm } from "../core/trace.ts";
import { upcastTo } from "../core/upcast.ts";
import type { KvEntry, Revision } from "../kv/store.ts";
import { type AnyModel, type StateModel, stateIdOf } from "./state-model.ts";

/** A state of a model, and what is known of the change that led to it. */
export interface State<Status extends string = string, Data = unknown> {
  readonly model: string;
  readonly id: string;
  readonly status: Status;
  readonly data: Data;
  /** The event of the change; undefined when it was created in the initial status, or changed within its own. */
  readonly event: string | undefined;
  /** Id of the message, or name of whatever, that led to the change. */
  readonly cause: string | undefined;
  /** Who made it. */
  readonly actor: string | undefined;
  /** Trace id, 32 hex digits. */
  readonly trace: string | undefined;
  /** When it was made, by the clock of whoever made it. Unit: ms since the Unix epoch. */
  readonly changedAtMs: number;
  /** How many changes led to it: 1 for one that was just created. */
  readonly number: number;
  readonly revision: Revision;
  /** The model's version under which it is stored. */
  readonly version: number;
  readonly key: string;
}

export type StateOf<M> = M extends StateModel<infer Status, infer _Event, infer Data> ? State<Status, Data> : never;

/** What goes with a change. */
export interface Origin {
  /** Id of the message, or name of whatever, that led to it. 1 to 256 characters. */
  readonly cause?: string;
  /** Who makes it: an actor, a person, a job. 1 to 256 characters. Default: the store's `actor`. */
  readonly actor?: string;
  /** Trace id, 32 hex digits. Default: that of the span that is active. */
  readonly trace?: string;
}

/** A state's JSON. */
export interface StoredState {
  readonly status: string;
  readonly data?: Json;
  readonly event?: string;
  readonly cause?: string;
  readonly actor?: string;
  readonly trace?: string;
  readonly at: number;
  /** Number of the change. */
  readonly n: number;
  /** The model's version; absent for 1. */
  readonly v?: number;
  /** It was deleted by this change: the rest is what it was last. */
  readonly gone?: 1;
  /** Names the write. */
  readonly id: string;
}

/** What stands at a key. `stored` is undefined when the key does not exist, and has `gone` when the state was deleted. */
export interface Standing {
  readonly revision: Revision;
  readonly stored: StoredState | undefined;
}

export const nothingStands: Standing = { revision: 0, stored: undefined };

/** Codes of states that cannot be read however often it is tried. */
const unreadableCodes: ReadonlySet<string> = new Set([
  ...["STATE_UNREADABLE", "STATE_TOO_NEW", "STATE_TOO_OLD", "UPCAST_FAILED", "STATE_INVALID"],
]);

export function isUnreadable(thrown: unknown): thrown is TroupeError {
  return isTroupeError(thrown) && unreadableCodes.has(thrown.code);
}

export const originLengthMax = 256;

/** Rejects with OPTION_INVALID. */
export function checkOrigin({ cause, actor, trace }: Origin): void {
  checkOriginText("cause", cause);
  checkOriginText("actor", actor);
  if (trace !== undefined && !traceIdForm.test(trace)) {
    throw new TroupeError("OPTION_INVALID", `\`trace\` must be 32 hex digits, got ${JSON.stringify(trace)}`);
  }
}

function checkOriginText(name: string, text: string | undefined): void {
  if (text === undefined || (typeof text === "string" && text.length > 0 && text.length <= originLengthMax)) return;
  const bound = `a string of 1 to ${originLengthMax} characters`;
  throw new TroupeError("OPTION_INVALID", `\`${name}\` must be ${bound}, got ${JSON.stringify(text)}`);
}

/** Rejects with STATE_INVALID when JSON cannot carry the data. */
export function printState(stored: StoredState): Uint8Array {
  return encodeText(printJson(stored, "STATE_INVALID", "a state") ?? "");
}

/** Rejects with STATE_UNREADABLE. */
export function standingOf(key: string, entry: Pick<KvEntry, "value" | "revision"> | undefined): Standing {
  if (entry === undefined) return nothingStands;
  let raw: Partial<StoredState> | null;
  try {
    raw = JSON.parse(decodeText(entry.value)) as Partial<StoredState> | null;
  } catch (thrown) {
    throw unreadable(key, messageOf(thrown), thrown);
  }
  if (typeof raw !== "object" || raw === null || typeof raw.status !== "string" || typeof raw.id !== "string") {
    throw unreadable(key, "it has no `status` and `id`");
  }
  if (!Number.isSafeInteger(raw.n) || typeof raw.at !== "number") throw unreadable(key, "it has no `n` and `at`");
  return { revision: entry.revision, stored: raw as StoredState };
}

/** Whether a state stands there that was not deleted. */
export function exists(standing: Standing): standing is Standing & { readonly stored: StoredState } {
  return standing.stored !== undefined && standing.stored.gone === undefined;
}

/**
 * The state that is stored, led to the model's version and checked by its schema; undefined when none stands.
 * Rejects with STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, STATE_INVALID.
 */
export async function readState<Status extends string, Event extends string, Data>(
  model: StateModel<Status, Event, Data>,
  key: string,
  standing: Standing,
  id?: string,
): Promise<State<Status, Data> | undefined> {
  return readStateNow(model, key, standing, id);
}

/** The same at once when the schema answers at once: a query reads many. Throws and rejects as `readState`. */
export function readStateNow<Status extends string, Event extends string, Data>(
  model: StateModel<Status, Event, Data>,
  key: string,
  standing: Standing,
  id?: string,
): State<Status, Data> | undefined | Promise<State<Status, Data>> {
  if (!exists(standing)) return undefined;
  const { stored, revision } = standing;
  const form = { schema: model.version, upcasters: model.upcasters };
  const what = `the state ${key}`;
  const led = upcastTo(form, what, stored.v ?? 1, { status: stored.status, data: stored.data }) as {
    readonly status: Status;
    readonly data: unknown;
  };
  if (!Object.hasOwn(model.transitions, led.status)) {
    throw new TroupeError(
      "STATE_INVALID",
      `${what} has the status ${JSON.stringify(led.status)}, which ${model.name} lacks`,
    );
  }
  const toRead = (data: Data) =>
    toState(model as AnyModel, key, stored, { status: led.status, data }, revision, id) as State<Status, Data>;
  const validation = validate(model.schema, led.data);
  if (validation instanceof Promise) return validation.then((late) => toRead(validOf(what, late)));
  return toRead(validOf(what, validation));
}

/** A state as its readers see it. `form`: status and data of today; `id`: the key's, for those who know it. */
export function toState(
  model: AnyModel,
  key: string,
  stored: StoredState,
  form: { readonly status: string; readonly data: unknown },
  revision: Revision,
  id = stateIdOf(model, key) ?? "",
): State {
  return {
    ...{ model: model.name, id },
    ...{ status: form.status, data: form.data },
    ...{ event: stored.event, cause: stored.cause, actor: stored.actor, trace: stored.trace },
    ...{ changedAtMs: stored.at, number: stored.n, revision, version: stored.v ?? 1, key },
  };
}

/** What the schema makes of data. Rejects with STATE_INVALID. */
export async function checkData<Data>(
  model: { readonly schema: Schema<unknown, Data> },
  what: string,
  data: unknown,
): Promise<Data> {
  return validOf(what, await validate(model.schema, data));
}

function validOf<Data>(what: string, validation: Validation<Data>): Data {
  if (validation.kind === "valid") return validation.value;
  const { issues } = validation;
  throw new TroupeError("STATE_INVALID", `${what} is not what its schema says: ${printIssues(issues)}`, {
    data: { issues },
  });
}

function unreadable(key: string, why: string, cause?: unknown): TroupeError {
  return new TroupeError("STATE_UNREADABLE", `the value of ${key} is no state: ${why}`, { cause });
}
