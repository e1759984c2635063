// The events of a worker as log lines: short lower-case text plus fields. A line about a message has the same three
// fields as those that a handler writes with `ctx.log`: `actor`, `message` (its id) and `trace`.

import type { EventStream, RuntimeEvent } from "../core/events.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";

/** Logs what an operator wants to know; single turns and commits are for traces and metrics. */
export function logEvents(events: EventStream, log: Logger): () => boolean {
  return events.listenToNotable((event) => logEvent(event, log));
}

function logEvent(event: RuntimeEvent, log: Logger): void {
  const { kind } = event;
  switch (kind) {
    case "worker-started":
    case "worker-drained":
    case "member-joined":
    case "member-left":
    case "connection-restored":
    case "actor-resumed":
      return log.info(fieldsOf(event), kind.replace("-", " "));
    case "ownership-lost":
    case "connection-lost":
    case "superseded":
    case "commit-refused":
    case "turn-retried":
    case "activations-exceeded":
    case "escalated":
    case "replica-lagged":
    case "replica-restarted":
      return log.warn(fieldsOf(event), kind.replace("-", " "));
    case "dead-lettered":
    case "actor-stopped":
    case "timer-refused":
    case "memory-refused":
      return log.error(fieldsOf(event), kind.replace("-", " "));
    case "turn-ended":
    case "ask-withdrawn":
    case "activated":
    case "passivated":
    case "committed":
    case "sent":
    case "remembered":
    case "timer-set":
    case "timer-cancelled":
    case "timer-fired":
    case "cursor-saved":
    case "partition-taken":
    case "partition-given":
      return;
  }
}

const fieldNames: Readonly<Record<string, string>> = { messageId: "message", message: "reason" };

function fieldsOf(event: RuntimeEvent): object {
  const { kind: _kind, ...values } = event;
  const fields = Object.entries(values).map(([name, value]) => [fieldNames[name] ?? name, value] as const);
  return { ...Object.fromEntries(fields), ...("actor" in event ? { actor: printAddress(event.actor) } : {}) };
}
