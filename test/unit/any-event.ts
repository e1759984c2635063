// Any event that a process may tell of, with labels out of small sets, so that they meet.

import fc from "fast-check";
import type { RuntimeEvent } from "../../src/core/events.ts";

const type = fc.constantFrom("counter", "desk", "room");
const actor = fc.record({ type, id: fc.constantFrom("a", "b") });
const to = fc.record({ type, id: fc.constantFrom("a", "b") }).map(({ type: of, id }) => `${of}.${id}`);
const method = fc.constantFrom("add", "see");
const code = fc.constantFrom("HANDLER_FAILED", "ASK_TIMEOUT", "METHOD_UNKNOWN", "TYPE_UNKNOWN");
const durationMs = fc.oneof(
  fc.double({ min: 0, max: 200_000, noNaN: true }),
  fc.double({ min: -4, max: 12, noNaN: true }).map(Math.exp),
);
const pool = fc.constantFrom("main", "gpu");
const bucket = fc.constantFrom("state", "cluster", "memory", "facts", "central");
const ofMemory = fc.constantFrom("memory", "facts");
const text = fc.constant("text");
const whole = fc.nat({ max: 300 });

const event = <Kind extends RuntimeEvent["kind"]>(kind: Kind, fields: object, more: readonly string[] = []) =>
  fc
    .record({ kind: fc.constant(kind), ...fields } as Record<string, fc.Arbitrary<unknown>>, {
      requiredKeys: ["kind", ...Object.keys(fields).filter((name) => !more.includes(name))],
    })
    .map((made) => made as unknown as RuntimeEvent);

/** What a handler that there is comes to, and what a turn of an actor that there is. */
const ofRuns = fc.constantFrom("HANDLER_FAILED", "TURN_TIMEOUT");
const ofTurns = fc.constantFrom("HANDLER_FAILED", "METHOD_UNKNOWN");
const error = fc.record({ code: ofTurns, message: text });
const messageId = text;

/** What is told of a single message. */
const ofMessages = [
  event("told", { to, method, messageId, code }, ["code"]),
  event("asked", { to, method, durationMs, code }, ["code"]),
  event("sent", { actor, to, method, number: whole }),
  event("turn-ended", { actor, method, turn: fc.constantFrom("tell", "ask", "query"), messageId, durationMs, error }, [
    "error",
  ]),
  event("handled", { actor, method, turn: fc.constantFrom("tell", "ask", "query"), code: ofTurns }, ["code"]),
  event("committed", { actor, revision: whole, turns: whole, bytes: fc.nat({ max: 3_000_000 }), durationMs }),
  event("ask-withdrawn", { actor, method, messageId, was: fc.constantFrom("waiting", "running") }),
  event("turn-retried", { actor, method, messageId, attempt: whole, afterMs: whole, code: ofRuns, message: text }),
  event("dead-lettered", { actor, method, messageId, sequence: whole, code, message: text }),
  event("timer-fired", { actor, name: text, number: whole, method, lateMs: durationMs }),
];

const ofTheRest = [
  event("commit-refused", { actor, message: text }),
  event("commit-given-up", { actor }),
  event("mailbox-full", { actor, method, messageId }),
  event("superseded", { actor, revision: whole }),
  event("conflict", { bucket, of: type, key: text }),
  event("activated", { actor, revision: whole }),
  event("passivated", { actor, reason: fc.constantFrom("idle", "least-used", "over") }),
  event("partition-taken", { pool, partition: whole, epoch: whole, ownerlessMs: durationMs }, ["ownerlessMs"]),
  event("partition-given", { pool, partition: whole, epoch: whole }),
  event("ownership-lost", { worker: text, pool, partitions: whole, reason: text }),
  event("connection-lost", {}),
  event("connection-restored", {}),
  event("watch-seen", { bucket, lagMs: durationMs }),
  event("watch-restarted", { bucket, reason: text }),
  event("replica-seen", { bucket: ofMemory, lagMs: durationMs }),
  event("replica-restarted", { scope: text, bucket: ofMemory, reason: text }),
  event("recalled", { by: fc.constantFrom("client", "actor"), durationMs, hits: whole }),
  event("task-ended", { workflow: type, task: method, run: text, durationMs, code }, ["code"]),
  event("waiting-ended", { workflow: type, run: text, for: fc.constantFrom("signal", "sleep"), durationMs }),
  event("cursor-saved", { partition: whole, cursor: whole }),
  event("actor-stopped", { actor, reason: fc.constantFrom("failed", "told"), code, message: text }),
];

export const anyEvent: fc.Arbitrary<RuntimeEvent> = fc.oneof(...ofMessages, ...ofTheRest);
