// What the run of a workflow tells the actor of one of its tasks, and what that keeps.

import type { Schema } from "../core/schema.ts";
import type { Place } from "./node.ts";

export interface TaskOrder {
  /** The run's id. */
  readonly run: string;
  readonly version: number;
  readonly hash: string;
  readonly path: string;
  readonly order: number;
  readonly attempt: number;
  readonly place: Place;
  /** The run's state when it gave the order. */
  readonly state: unknown;
  /** What was done is to be compensated; `result` is what the task had returned. */
  readonly compensates?: boolean;
  readonly result?: unknown;
}

export interface TaskState {
  /** Results of the steps of an order whose last run failed. */
  steps?: { readonly of: number; readonly done: Readonly<Record<string, unknown>> };
}

/** A schema of what only Troupe itself sends: whether it is an object that has these. */
export function internalSchema<T>(...names: readonly (keyof T & string)[]): Schema<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "troupe",
      validate: (value) => {
        const isOne = typeof value === "object" && value !== null && names.every((name) => name in value);
        return isOne ? { value: value as T } : { issues: [{ message: `this is no message with ${names.join(", ")}` }] };
      },
    },
  };
}
