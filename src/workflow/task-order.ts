// What the run of a workflow wants done of one of its tasks, by its own worker or by an actor of the task's own.

import type { Schema } from "../core/schema.ts";
import type { Place } from "./node.ts";
import type { KeptSteps } from "./run.ts";

/** As the run's own worker is given it: the run itself is at hand there. */
export interface OwnOrder {
  readonly path: string;
  readonly order: number;
  readonly attempt: number;
  readonly place: Place;
  /** What was done is to be compensated; `result` is what the task had returned. */
  readonly compensates?: boolean;
  readonly result?: unknown;
  /** What the steps of the attempts before have kept. */
  readonly steps?: KeptSteps;
}

/** As another actor is told it. */
export interface TaskOrder extends OwnOrder {
  /** The run's id. */
  readonly run: string;
  readonly version: number;
  readonly hash: string;
  /** The run's state when it gave the order. */
  readonly state: unknown;
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
