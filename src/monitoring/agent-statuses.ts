// What agents are doing, as the central state store has it: by actor, from the watch of its bucket.

import { decodeText } from "../core/codec.ts";
import { unescapeId } from "../core/ids.ts";
import type { KvChange } from "../kv/store.ts";
import { agentStatus } from "../memory/state-agent.ts";

const prefix = `${agentStatus.name}.`;
/** Of more agents it knows no more. */
const agentsMax = 500_000;

export class AgentStatuses {
  /** By the actor's key. */
  readonly #statuses = new Map<string, string>();
  /** Those that have not been told again since a start over; undefined while nothing is compared. */
  #missing: Set<string> | undefined;

  take(change: KvChange): void {
    if (change.kind === "restarted") this.#missing = new Set(this.#statuses.keys());
    else if (change.kind === "current") {
      for (const key of this.#missing ?? []) this.#statuses.delete(key);
      this.#missing = undefined;
    } else {
      const { key, operation, value } = change.entry;
      const actor = key.startsWith(prefix) ? unescapeId(key.slice(prefix.length)) : undefined;
      if (actor === undefined) return;
      this.#missing?.delete(actor);
      const status = operation === "put" ? statusIn(value) : undefined;
      if (status === undefined) this.#statuses.delete(actor);
      else if (this.#statuses.size < agentsMax || this.#statuses.has(actor)) this.#statuses.set(actor, status);
    }
  }

  /** `key`: the actor's. Null: none is kept. */
  of(key: string): string | null {
    return this.#statuses.get(key) ?? null;
  }
}

/** Undefined for what is no value of ours. */
function statusIn(value: Uint8Array): string | undefined {
  try {
    const { status } = JSON.parse(decodeText(value)) as { status?: unknown };
    return typeof status === "string" ? status : undefined;
  } catch {
    // Whatever stands there, it says nothing about an agent.
    return undefined;
  }
}
