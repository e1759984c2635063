// What an agent is doing, as a state of the central store that anybody may look at: `agent-status.<type>=2E<id>`.

import type { ActorAddress } from "../core/ids.ts";
import { keyOf } from "../core/ids.ts";
import type { Schema } from "../core/schema.ts";
import { defineOwnState } from "./state-model.ts";

export interface AgentActivity {
  /** What it works on, waits for or failed at, in a few words. */
  readonly task?: string;
  /** Of one that has failed or was stopped, or waits to try again: the error's code and message. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** Of one whose status the runtime keeps: the number of the ownership under which it was written. */
  readonly epoch?: number;
}

const activity: Schema<unknown, AgentActivity> = {
  "~standard": {
    version: 1,
    vendor: "troupe",
    validate: (value) => {
      const message = faultOf(value);
      return message === undefined ? { value: value as AgentActivity } : { issues: [{ message }] };
    },
  },
};

/**
 * The status of an agent. `start`: it takes up a task; `finish`: the task is done; `wait` and `go_on`: for a person, a tool or another agent;
 * `fail`: its task has failed for good; `recover`: it is at hand again; `stop` and `resume`: it takes nothing, and takes what comes again.
 * One that waits as soon as it has begun may pass by `working`.
 */
export const agentStatus = defineOwnState("agent-status", {
  schema: activity,
  initial: "idle",
  transitions: {
    idle: { start: "working", wait: "waiting", fail: "failed", stop: "stopped" },
    working: { finish: "idle", wait: "waiting", fail: "failed", stop: "stopped" },
    waiting: { go_on: "working", finish: "idle", fail: "failed", stop: "stopped" },
    failed: { recover: "idle", start: "working", wait: "waiting", stop: "stopped" },
    stopped: { resume: "idle" },
  },
});

/** The id of an agent's status: `triage.t1`. Throws ID_INVALID, NAME_INVALID. */
export const agentStatusId = (agent: ActorAddress): string => keyOf(agent);

function faultOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be an object";
  const { task, failure, epoch } = value as Record<string, unknown>;
  if (task !== undefined && typeof task !== "string") return "`task` must be a string";
  if (epoch !== undefined && !Number.isSafeInteger(epoch)) return "`epoch` must be a whole number";
  if (failure === undefined) return undefined;
  const { code, message } = (failure ?? {}) as Record<string, unknown>;
  return typeof code === "string" && typeof message === "string" ? undefined : "`failure` must be { code, message }";
}
