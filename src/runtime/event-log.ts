// The events of a worker as log lines: short lower-case text plus fields. A line about a message has the same three
// fields as those that a handler writes with `ctx.log`: `actor`, `message` (its id) and `trace`.

import type { EventStream, RuntimeEvent } from "../core/events.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";

/** Logs what an operator wants to know; single turns and commits are for traces and metrics. */
export function logEvents(events: EventStream, log: Logger): () => boolean {
  return events.listenToNotable((event) => logEvent(event, log));
}

type Level = "info" | "warn" | "error";

const levels: { readonly [K in RuntimeEvent["kind"]]: Level | undefined } = {
  "worker-started": "info",
  "worker-drained": "info",
  "member-joined": "info",
  "member-left": "info",
  "connection-restored": "info",
  "actor-resumed": "info",
  "watch-restarted": "info",
  "ownership-lost": "warn",
  "connection-lost": "warn",
  superseded: "warn",
  "commit-refused": "warn",
  "turn-retried": "warn",
  "activations-exceeded": "warn",
  escalated: "warn",
  "replica-lagged": "warn",
  "replica-restarted": "warn",
  "dead-lettered": "error",
  "actor-stopped": "error",
  "timer-refused": "error",
  "memory-refused": "error",
  told: undefined,
  asked: undefined,
  "turn-ended": undefined,
  handled: undefined,
  "commit-given-up": undefined,
  "mailbox-full": undefined,
  "ask-withdrawn": undefined,
  activated: undefined,
  passivated: undefined,
  committed: undefined,
  conflict: undefined,
  sent: undefined,
  remembered: undefined,
  recalled: undefined,
  "timer-set": undefined,
  "timer-cancelled": undefined,
  "timer-fired": undefined,
  "cursor-saved": undefined,
  "partition-taken": undefined,
  "partition-given": undefined,
  "watch-seen": undefined,
  "replica-seen": undefined,
  "task-ended": undefined,
  "waiting-ended": undefined,
};

/** What an operator wants to know of, and how urgently; undefined: it is for traces and metrics. */
export function levelOf({ kind }: RuntimeEvent): Level | undefined {
  return levels[kind];
}

function logEvent(event: RuntimeEvent, log: Logger): void {
  const level = levelOf(event);
  if (level !== undefined) log[level](fieldsOf(event), event.kind.replace("-", " "));
}

const fieldNames: Readonly<Record<string, string>> = { messageId: "message", message: "reason" };

function fieldsOf(event: RuntimeEvent): object {
  const { kind: _kind, ...values } = event;
  const fields = Object.entries(values).map(([name, value]) => [fieldNames[name] ?? name, value] as const);
  return { ...Object.fromEntries(fields), ...("actor" in event ? { actor: printAddress(event.actor) } : {}) };
}
