// What a user says of a kind of state: what it holds, which statuses it goes through, and by which events. Pure.
//
//   D1. A state is a status and data. The status changes by an event of the table alone; the data changes within a status,
//       or together with an event.
//   D2. An event that the table does not name for the status that stands changes nothing, and is answered with those that
//       it does name.
//   D3. Whatever is written passes the schema; what the schema makes of it (defaults, say) is what is stored.

import { TroupeError } from "../core/errors.ts";
import { checkName, escapeId, unescapeId } from "../core/ids.ts";
import type { Schema } from "../core/schema.ts";
import type { Upcasters } from "../core/upcast.ts";
import { upcastersFault } from "../core/upcast.ts";

/** Status to event to the status that the event leads to. A status without events is final. */
export type TransitionTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A table whose events lead to statuses of its own. */
export type Closed<Table> = { readonly [S in keyof Table]: Readonly<Record<string, keyof Table & string>> };

export type StatusOf<Table> = keyof Table & string;
export type EventOf<Table> = { [S in keyof Table]: keyof Table[S] }[keyof Table] & string;

export interface ModelOptions<Table, Data> {
  /** Any Standard Schema (zod, valibot, ...) of the data. Checked when a state is read and before it is written. */
  readonly schema: Schema<unknown, Data>;
  /** The status that a state is created in. */
  readonly initial: NoInfer<StatusOf<Table>>;
  /** Which event leads from which status to which: `{ open: { assign: "assigned" }, assigned: { close: "closed" }, closed: {} }`. */
  readonly transitions: Table;
  /** Number of the form of `{ status, data }`, stored with each state. Raise it by one when the form changes. Default 1. */
  readonly version?: number;
  /**
   * Lead `{ status, data }` that older code has stored to today's form: upcaster n from version n to n + 1, from the lowest
   * that may be stored up to `version`. Write the type of what each takes.
   */
  readonly upcasters?: Upcasters;
}

/** A model, as `defineState` makes it. */
export interface StateModel<Status extends string = string, Event extends string = string, Data = unknown> {
  readonly name: string;
  readonly schema: Schema<unknown, Data>;
  readonly initial: Status;
  readonly transitions: { readonly [S in Status]: { readonly [E in Event]?: Status } };
  readonly version: number;
  readonly upcasters: Upcasters;
}

/** A model whose statuses and data do not matter. */
export type AnyModel = StateModel<string, string, unknown>;

/** The one status of models without transitions. */
export type PlainStatus = "present";
const plainTable = { present: {} } as const;

/**
 * Defines a kind of state. `name`, statuses and events start with a letter and hold letters, digits, `_` and `-`, at most 64.
 * Without `transitions` a state is data alone: its status is always "present". `workflow` and `agent-status` are taken. Throws
 * NAME_INVALID or DEFINITION_INVALID.
 */
export function defineState<Data>(
  name: string,
  options: Omit<ModelOptions<never, Data>, "initial" | "transitions"> & { readonly transitions?: undefined },
): StateModel<PlainStatus, never, Data>;
export function defineState<const Table extends Closed<Table>, Data>(
  name: string,
  options: ModelOptions<Table, Data>,
): StateModel<StatusOf<Table>, EventOf<Table>, Data>;
export function defineState(name: string, options: LooseOptions): AnyModel {
  if (Object.hasOwn(ownModels, name)) {
    const text = `state model ${name}: the runtime keeps its own under this name; read them by \`${ownModels[name]}\``;
    throw new TroupeError("DEFINITION_INVALID", text);
  }
  return modelOf(name, options);
}

type LooseOptions = Omit<ModelOptions<never, unknown>, "initial" | "transitions"> & {
  readonly initial?: string | undefined;
  readonly transitions?: TransitionTable | undefined;
};

/** What the runtime itself keeps, by name: what a user wrote there would be overwritten, and the other way round. */
const ownModels: Readonly<Record<string, string>> = { workflow: "workflowProgress", "agent-status": "agentStatus" };

/** For the runtime's own models. */
export const defineOwnState = modelOf as typeof defineState;

function modelOf(name: string, options: LooseOptions): AnyModel {
  checkName("a state model", name);
  const { schema, transitions = plainTable, version = 1, upcasters = {} } = options;
  const refuse = (what: string): never => {
    throw new TroupeError("DEFINITION_INVALID", `state model ${name}: ${what}`);
  };
  if (!isSchema(schema)) refuse("`schema` must be a Standard Schema");
  if (!Number.isSafeInteger(version) || version < 1) {
    refuse(`\`version\` must be a whole number of 1 or more, got ${String(version)}`);
  }
  const initial = options.initial ?? (options.transitions === undefined ? "present" : "");
  if (!Object.hasOwn(transitions, initial)) {
    refuse(`\`initial\` must be one of ${Object.keys(transitions).join(", ")}, got ${JSON.stringify(options.initial)}`);
  }
  for (const [status, events] of Object.entries(transitions as TransitionTable)) {
    checkName(`a status of ${name}`, status);
    for (const [event, target] of Object.entries(events)) {
      checkName(`an event of ${name}`, event);
      if (!Object.hasOwn(transitions, target)) refuse(`${event} leads from ${status} to ${target}, which is no status`);
    }
  }
  const fault = upcastersFault({ schema: version, upcasters });
  if (fault !== undefined) refuse(fault.replaceAll("`schema`", "`version`"));
  return Object.freeze({
    ...{ name, schema, initial, version },
    transitions: structuredClone(transitions) as AnyModel["transitions"],
    upcasters: Object.freeze({ ...upcasters }),
  });
}

/** The events that lead on from a status, in the order of the table; none from one that the table lacks. */
export function legalEvents<Event extends string>(
  { transitions }: { readonly transitions: { readonly [status: string]: { readonly [E in Event]?: string } } },
  status: string,
): readonly Event[] {
  return Object.keys(transitions[status] ?? {}) as Event[];
}

/** Where an event leads from a status; undefined when the table does not name it there (D2). */
export function targetOf(model: AnyModel, status: string, event: string): string | undefined {
  const events = Object.hasOwn(model.transitions, status) ? model.transitions[status] : undefined;
  return events !== undefined && Object.hasOwn(events, event) ? events[event] : undefined;
}

/** The key of a state: `ticket.t1`. Throws ID_INVALID. */
export function stateKey(model: { readonly name: string }, id: string): string {
  return `${model.name}.${escapeId(id)}`;
}

/** The id of a key of the model; undefined when it is none. */
export function stateIdOf(model: { readonly name: string }, key: string): string | undefined {
  const prefix = `${model.name}.`;
  return key.startsWith(prefix) ? unescapeId(key.slice(prefix.length)) : undefined;
}

function isSchema(value: unknown): value is Schema {
  const isHolder = (typeof value === "object" && value !== null) || typeof value === "function";
  return isHolder && "~standard" in value;
}
