// The spans of the runtime, by OpenTelemetry's messaging and database conventions. Names hold an actor's type and method,
// which are closed sets, never an id. `messaging.destination.name` is the receiver's key, as it stands in subjects and in
// the state bucket. `server.address` is left out: the client moves between the servers of a cluster as it sees fit, and
// the ports above it do not know where it is.

import type { Span } from "@opentelemetry/api";
import type { Message } from "../actors/message.ts";
import type { OutboxMemory } from "../actors/snapshot.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { Traceparent } from "../core/trace.ts";
import { isSampled, isTracing, madeFirst, startSpan } from "../core/trace.ts";
import type { MailAddress } from "./mail.ts";

/** `ask type.method`: from the call to the answer, with all its attempts. */
export function startAsk(to: MailAddress, parent: Traceparent | "active" | undefined): Span | undefined {
  const destination = destinationOf(to);
  return startSpan({ name: `ask ${destination}`, kind: "client", parent, attributes: () => toward(to, "ask") });
}

/** `send type.method`: until the server has the message, with all its attempts. What handles it is its child. */
export function startSend(
  to: MailAddress,
  messageId: string,
  parent: Traceparent | "active" | undefined,
): Span | undefined {
  const destination = destinationOf(to);
  const attributes = () => ({ ...toward(to, "send"), "messaging.message.id": messageId });
  return startSpan({ name: `send ${destination}`, kind: "producer", parent, attributes });
}

/** `bury type.method`: a message that was given up on goes to the dead letters. */
export function startBury(to: MailAddress, messageId: string, parent: Traceparent | undefined): Span | undefined {
  if (!isTracing()) return undefined;
  const destination = destinationOf(to);
  const attributes = { ...toward(to, "bury"), "messaging.message.id": messageId };
  return startSpan({ name: `bury ${destination}`, kind: "producer", parent, attributes });
}

function destinationOf({ key, method }: MailAddress): string {
  return `${key.slice(0, key.indexOf("."))}.${method}`;
}

function toward(to: MailAddress, operation: string) {
  return {
    "messaging.system": "nats",
    "messaging.operation.name": operation,
    "messaging.operation.type": "send",
    "messaging.destination.template": destinationOf(to),
    "messaging.destination.name": to.key,
    "messaging.destination.partition.id": String(to.partition),
  };
}

/**
 * `process type.method`: a turn. Its parent is the message's creation context, not a link to it: messages are handled one
 * by one, and one trace from the caller to everything that it caused is what is looked for.
 */
export function startProcess(message: Message, self: ActorAddress, key: string, partition: number): Span | undefined {
  if (!isTracing()) return undefined;
  // A trace that every firing of a timer joins would never end: each is a trace of its own, linked to where it was set.
  const isRepeating = message.kind === "tell" && message.timer?.nextMs !== undefined;
  const isOfMade = isSampled(message.trace);
  if (!isOfMade && !isRepeating) return undefined;
  const destination = `${self.type}.${message.method}`;
  return startSpan({
    name: `process ${destination}`,
    kind: "consumer",
    parent: isRepeating ? undefined : message.trace,
    links: isRepeating && isOfMade && message.trace !== undefined ? [message.trace] : [],
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.template": destination,
      "messaging.destination.name": key,
      "messaging.destination.partition.id": String(partition),
      "messaging.message.id": message.messageId,
      "troupe.actor.type": self.type,
      "troupe.actor.id": self.id,
      "troupe.turn.kind": message.kind,
      ...(message.kind === "tell" ? { "troupe.mail.sequence": message.sequence } : {}),
    },
  });
}

/**
 * `commit type`: one compare-and-set write to `bucket` for the turns of a batch, until its outcome is known. Child of the first
 * cause, whose trace id stands in the value, linked to the others.
 */
export function startCommit(
  self: ActorAddress,
  turns: number,
  bucket: string,
  causes: readonly Traceparent[],
): Span | undefined {
  const [parent, ...others] = causes;
  if (parent === undefined) return undefined;
  return startSpan({
    name: `commit ${self.type}`,
    kind: "client",
    parent,
    links: others.filter(isSampled),
    attributes: {
      "db.system.name": "nats.kv",
      "db.collection.name": bucket,
      "db.operation.name": "update",
      "troupe.actor.type": self.type,
      "troupe.actor.id": self.id,
      ...(turns > 1 ? { "messaging.batch.message_count": turns } : {}),
    },
  });
}

/**
 * `remember memory`: what turns have left for one scope is written there, with all attempts. Child of the first turn, linked to
 * the others.
 */
export function startRemember(entries: readonly OutboxMemory[]): Span | undefined {
  const [parent, ...others] = madeFirst(entries.flatMap(({ trace }) => trace ?? []));
  const [first] = entries;
  if (parent === undefined || first === undefined) return undefined;
  return startSpan({
    name: "remember memory",
    kind: "internal",
    parent,
    links: others.filter(isSampled),
    attributes: {
      "db.operation.name": "remember",
      "troupe.memory.scope": first.memory.in,
      ...(entries.length > 1 ? { "db.operation.batch.size": entries.length } : {}),
    },
  });
}
