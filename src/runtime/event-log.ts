// The events of a worker as log lines: short lower-case text plus fields.

import type { EventStream, RuntimeEvent } from "../core/events.ts";
import { printAddress } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";

/** Logs what an operator wants to know; single turns and commits are for traces and metrics. */
export function logEvents(events: EventStream, log: Logger): () => boolean {
  return events.listenToNotable((event) => logEvent(event, log));
}

function logEvent(event: RuntimeEvent, log: Logger): void {
  const { kind, ...fields } = event;
  const actor = "actor" in event ? { ...fields, actor: printAddress(event.actor) } : fields;
  switch (kind) {
    case "worker-started":
    case "worker-drained":
    case "worker-waiting":
    case "connection-restored":
      return log.info(actor, kind.replace("-", " "));
    case "ownership-lost":
    case "connection-lost":
    case "superseded":
    case "commit-refused":
    case "turn-retried":
      return log.warn(actor, kind.replace("-", " "));
    case "dead-lettered":
      return log.error(actor, "dead lettered");
    case "turn-ended":
    case "activated":
    case "passivated":
    case "committed":
    case "sent":
    case "cursor-saved":
      return;
  }
}
