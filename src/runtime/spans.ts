// The spans of a worker, by OpenTelemetry's messaging and database conventions. Names hold an actor's type and method,
// which are closed sets, never an id.

import type { Span } from "@opentelemetry/api";
import type { Message } from "../actors/message.ts";
import type { ActorAddress } from "../core/ids.ts";
import { printAddress } from "../core/ids.ts";
import type { Traceparent } from "../core/trace.ts";
import { isTracing, startSpan } from "../core/trace.ts";

/** `process type.method`: a turn. Its parent is the message's creation context: messages are handled one by one. */
export function startProcess(message: Message, self: ActorAddress): Span | undefined {
  if (message.trace === undefined && !isTracing()) return undefined;
  const destination = `${self.type}.${message.method}`;
  return startSpan({
    name: `process ${destination}`,
    kind: "consumer",
    parent: message.trace,
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.template": destination,
      "messaging.destination.name": printAddress(self),
      "messaging.message.id": message.messageId,
      "troupe.actor.type": self.type,
      "troupe.actor.id": self.id,
      "troupe.turn.kind": message.kind,
      ...(message.kind === "tell" ? { "troupe.mail.sequence": message.sequence } : {}),
    },
  });
}

/** `commit type`: one write for the turns of a batch; child of the first traced turn, linked to the others. */
export function startCommit(self: ActorAddress, turns: number, causes: readonly Traceparent[]): Span | undefined {
  const [parent, ...links] = causes;
  if (parent === undefined) return undefined;
  return startSpan({
    name: `commit ${self.type}`,
    kind: "internal",
    parent,
    links,
    attributes: {
      "troupe.actor.type": self.type,
      "troupe.actor.id": self.id,
      "messaging.batch.message_count": turns,
    },
  });
}

/** `update bucket`: the compare-and-set write itself. */
export function startUpdate(bucket: string, parent: Traceparent | undefined): Span | undefined {
  if (parent === undefined) return undefined;
  return startSpan({
    name: `update ${bucket}`,
    kind: "client",
    parent,
    attributes: {
      "db.system.name": "nats.kv",
      "db.collection.name": bucket,
      "db.operation.name": "update",
    },
  });
}
