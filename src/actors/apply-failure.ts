// What supervision makes of the snapshot before it: pure, as in `apply-turn.ts`.

import { TroupeError } from "../core/errors.ts";
import type { ActorAddress } from "../core/ids.ts";
import type { TellMessage } from "./message.ts";
import { decodeInput } from "./method-input.ts";
import type { OutboxDead, OutboxEntry, OutboxTell, Parent, Snapshot, Stopped } from "./snapshot.ts";
import { isErrand, withoutSteps, withSeen } from "./snapshot.ts";
import type { ChildFailure } from "./supervision.ts";
import { timerOf, withoutFired } from "./timer.ts";

/** Longest reason that is kept of what failed. Unit: characters. */
const reasonLengthMax = 1_024;
/** Longest argument that a parent is told of. Unit: bytes of JSON. */
const inputBytesMax = 16_384;

/**
 * After a tell that was given up on: it counts as applied, changed nothing, and is a dead letter when this is committed,
 * and only then (P7).
 */
export function applyGivenUp(before: Snapshot, message: TellMessage, error: TroupeError): Snapshot {
  const { method, sequence: seq, attempts } = message;
  const reason = error.message.slice(0, reasonLengthMax);
  const trace = message.turnTrace ?? message.trace;
  const input = message.timer === undefined ? undefined : timerOf(before.timers, message.timer.name)?.inputText;
  const dead = { seq, method, code: error.code, reason, attempts };
  const entry: OutboxDead = {
    n: before.sent + 1,
    dead: input === undefined ? dead : { ...dead, input: JSON.parse(input) as unknown },
    trace,
  };
  return {
    ...passed(before, message),
    outbox: [...before.outbox, entry],
    sent: entry.n,
    guard: Math.max(before.guard, seq),
  };
}

/** The same, and the parent is told of it. */
export function applyEscalated(
  before: Snapshot,
  message: TellMessage,
  error: TroupeError,
  child: ActorAddress,
  parent: Parent & { readonly method: string },
): Snapshot {
  const next = applyGivenUp(before, message, error);
  const { method, messageId, attempts, payload } = message;
  const isShort = payload !== undefined && payload.length <= inputBytesMax;
  const failure: ChildFailure = {
    ...{ child, method, messageId, code: error.code, message: error.message.slice(0, reasonLengthMax), attempts },
    data: error.data,
    input: isShort ? inputOf(message, child) : undefined,
  };
  const entry: OutboxTell = {
    n: next.sent + 1,
    to: parent.key,
    pool: parent.pool,
    method: parent.method,
    inputText: JSON.stringify(failure),
    trace: message.turnTrace ?? message.trace,
  };
  return { ...next, outbox: [...next.outbox, entry], sent: entry.n };
}

/** The actor takes nothing from here on. The message that it failed at is not applied: it waits, with all that follow. */
export function applyFailedStop(before: Snapshot, message: TellMessage, error: TroupeError, nowMs: number): Snapshot {
  const text = error.message.slice(0, reasonLengthMax);
  const at = new Date(nowMs).toISOString();
  return { ...before, stopped: { code: error.code, message: text, at, seq: message.sequence } };
}

/** The same for an errand. What is not applied waits: `settledUpTo` is the mail sequence up to which nothing does. */
export function applyErrandStop(
  before: Snapshot,
  errand: number,
  { code, message }: TroupeError,
  settledUpTo: number,
  nowMs: number,
): Snapshot {
  const text = message.slice(0, reasonLengthMax);
  const at = new Date(nowMs).toISOString();
  const seq = Math.max(before.inbox.seq, settledUpTo) + 1;
  return { ...before, stopped: { code, message: text, at, seq, errand } };
}

/** An errand that its actor has stopped for is given up: it ends with what it was stopped for. */
export function applyErrandSkipped(before: Snapshot, errand: number, { code, message }: Stopped): Snapshot {
  const skip = (entry: OutboxEntry) =>
    isErrand(entry) && entry.n === errand ? { ...entry, fault: { code, message } } : entry;
  return { ...before, outbox: before.outbox.map(skip) };
}

/** The actor was told to stop: what comes behind that waits. */
export function applyToldStop(before: Snapshot, message: TellMessage, nowMs: number): Snapshot {
  const { reason = "" } = ownInput(message, ["reason"]);
  const at = new Date(nowMs).toISOString();
  const stopped = { code: "STOPPED", message: reason.slice(0, reasonLengthMax), at, seq: message.sequence + 1 };
  return { ...passed(before, message), stopped };
}

/** The sender is the actor's parent now. */
export function applySpawned(before: Snapshot, message: TellMessage): Snapshot {
  const { method, pool } = ownInput(message, ["method", "pool"]);
  if (message.from === undefined) return before;
  const parent: Parent = {
    key: message.from,
    ...(pool === undefined ? {} : { pool }),
    ...(method === undefined ? {} : { method }),
  };
  return { ...passed(before, message), parent };
}

function passed(before: Snapshot, message: TellMessage): Snapshot {
  const inbox = withSeen(before.inbox, message.sequence, message.from, message.number);
  const steps = withoutSteps(before.steps, message.messageId);
  return { ...before, inbox, steps, timers: withoutFired(before.timers, message.timer) };
}

/** The argument of a message that Troupe itself sends, and that whoever may publish can send too: texts. Throws INPUT_INVALID. */
function ownInput<Name extends string>(message: TellMessage, names: readonly Name[]): Partial<Record<Name, string>> {
  const input = (decodeInput(message.payload, "every actor", message.method) ?? {}) as Partial<Record<Name, unknown>>;
  const texts: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = input[name];
    if (typeof value === "string") texts[name] = value;
    else if (value !== undefined)
      throw new TroupeError("INPUT_INVALID", `${message.method}: \`${name}\` must be a text`);
  }
  return texts;
}

function inputOf(message: TellMessage, child: ActorAddress): unknown {
  try {
    return decodeInput(message.payload, child.type, message.method);
  } catch {
    // Not JSON: the dead letter has it as it was.
    return undefined;
  }
}
