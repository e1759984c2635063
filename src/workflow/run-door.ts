// A run as those see it that only tell it how an order ended: its tasks, and runs that are its children.

import { defineActor, handler } from "../actors/definition.ts";
import type { Schema } from "../core/schema.ts";
import type { Ended } from "./run.ts";
import { internalSchema } from "./task-order.ts";

export const endedSchema: Schema<Ended, Ended> = internalSchema<Ended>("path", "order", "attempt", "outcome");

/** Only its address and its method count: the state and what the method does are those of the run's own definition. */
export function runDoor(type: string, pool: string | undefined) {
  return defineActor(
    type,
    { state: endedSchema, initial: {} as Ended, ...(pool === undefined ? {} : { pool }) },
    { ended: handler(endedSchema, () => {}) },
  );
}
