// What a turn makes of the snapshot before it: pure, so that a batch of turns is a fold (P2, P3).
//
//   F1. A firing of a timer that does not stand in the snapshot under its number has no effect: the timer was replaced,
//       cancelled, or has fired. A timer that fires once is over with the turn of its firing, also when that is buried.
//   F2. A timer that is replaced or cancelled is cancelled on the server by its number, so that this can come late, or
//       twice, and never touches the one that took its place.

import type { Answer, Message } from "./message.ts";
import type { OutboxEntry, Snapshot } from "./snapshot.ts";
import { hasSeen, isErrand, isMirror, withoutSteps, withReply, withSeen, withStep } from "./snapshot.ts";
import { isCurrent, timerOf, withoutFired, withoutTimer, withTimer } from "./timer.ts";
import type { Sending, TurnOutcome } from "./turn.ts";

export interface Applied {
  readonly next: Snapshot;
  /** Whether there is something to commit. */
  readonly isDirty: boolean;
}

/** Why a message needs no turn: it was applied before; undefined when it needs one. */
export function findRepeat(snapshot: Snapshot, message: Message): "applied" | "stale" | "kept-reply" | undefined {
  if (message.kind === "ask") {
    if (message.errand !== undefined) return hasErrand(snapshot, message.errand.number) ? undefined : "applied"; // E2
    const key = message.idempotencyKey;
    return key !== undefined && snapshot.replies.some((reply) => reply.key === key) ? "kept-reply" : undefined;
  }
  if (message.sequence <= snapshot.inbox.seq) return "applied";
  const { from, number, timer } = message;
  if (timer !== undefined && !isCurrent(snapshot.timers, timer)) return "stale"; // F1
  if (from === undefined || number === undefined) return undefined;
  return hasSeen(snapshot.inbox, from, number) ? "applied" : undefined;
}

/**
 * After a turn that succeeded. A tell that changed nothing and sent nothing leaves nothing to commit. `isMirrored`: what the state
 * shows is to be written elsewhere too.
 */
export function applyDone(
  before: Snapshot,
  message: Message,
  outcome: TurnOutcome & { kind: "done" },
  isMirrored = false,
): Applied {
  const { isChanged, state, resultText } = outcome;
  const errand = message.kind === "ask" ? message.errand : undefined;
  const sendings = errand === undefined ? outcome.sendings : [...errand.sendings, ...outcome.sendings];
  const key = message.kind === "ask" ? message.idempotencyKey : undefined;
  const fired = withoutFired(before.timers, message.kind === "tell" ? message.timer : undefined); // F1
  const hasEffect =
    isChanged || sendings.length > 0 || key !== undefined || errand !== undefined || fired !== before.timers;
  if (!hasEffect) return { next: before, isDirty: false };
  let { inbox, guard, replies } = before;
  const isShown = isMirrored && isChanged;
  if (message.kind === "tell") {
    inbox = withSeen(inbox, message.sequence, message.from, message.number);
    if (sendings.length > 0 || isShown) guard = Math.max(guard, message.sequence);
  }
  const standing = errand === undefined ? before.outbox : withoutErrand(before.outbox, errand.number); // E2
  const told = withSendings({ outbox: standing, timers: fired, sent: before.sent }, message, sendings);
  const { outbox, timers, sent } = isShown ? withMirror(told, message) : told;
  if (key !== undefined)
    replies = withReply(replies, { key, ok: resultText === undefined ? undefined : JSON.parse(resultText) });
  const steps = withoutSteps(before.steps, message.messageId);
  return { next: { ...before, state, inbox, outbox, timers, sent, guard, replies, steps }, isDirty: true };
}

/** What is to be sent, set and cancelled goes into the outbox in the order in which the handler said so. */
function withSendings(before: Sent, message: Message, sendings: readonly Sending[]): Sent {
  if (sendings.length === 0) return before;
  const entries: OutboxEntry[] = [];
  let { timers, sent } = before;
  for (const sending of sendings) {
    if ("memory" in sending) {
      sent += 1;
      entries.push({ n: sent, memory: sending.memory, trace: message.turnTrace });
      continue;
    }
    const trace = sending.trace ?? message.turnTrace;
    if ("errand" in sending) {
      sent += 1;
      entries.push({ n: sent, errand: sending.errand, inputText: sending.inputText, trace });
      continue;
    }
    if (sending.timer === undefined) {
      sent += 1;
      entries.push({ n: sent, ...sending, trace });
      continue;
    }
    const name = sending.timer;
    const replaced = timerOf(timers, name);
    if (replaced !== undefined) {
      sent += 1;
      entries.push({ n: sent, timer: name, cancels: replaced.n, trace }); // F2
      timers = withoutTimer(timers, name);
    }
    if (sending.sets === undefined) continue;
    sent += 1;
    entries.push({ n: sent, timer: name, cancels: undefined, trace });
    timers = withTimer(timers, name, { n: sent, ...sending.sets });
  }
  return { outbox: entries.length === 0 ? before.outbox : [...before.outbox, ...entries], timers, sent };
}

type Sent = Pick<Snapshot, "outbox" | "timers" | "sent">;

/** One entry is enough, the newest: what is written is the state that is committed then. */
function withMirror({ outbox, timers, sent }: Sent, { messageId, turnTrace: trace }: Message): Sent {
  const n = sent + 1;
  const entry = { n, mirror: messageId, ...(trace === undefined ? {} : { trace }) };
  return { outbox: [...outbox.filter((each) => !isMirror(each)), entry], timers, sent: n };
}

export function hasErrand({ outbox }: Snapshot, number: number): boolean {
  return outbox.some((entry) => isErrand(entry) && entry.n === number);
}

const withoutErrand = (outbox: Snapshot["outbox"], number: number) =>
  outbox.filter((entry) => !(isErrand(entry) && entry.n === number));

/** The answer that was kept for an ask's idempotency key. An errand whose end was taken has nothing to hear. */
export function findKeptAnswer(snapshot: Snapshot, message: Message): Answer | undefined {
  if (message.kind === "ask" && message.errand !== undefined) return { kind: "ok", text: undefined };
  const key = message.kind === "ask" ? message.idempotencyKey : undefined;
  const kept = key === undefined ? undefined : snapshot.replies.find((reply) => reply.key === key);
  if (kept === undefined) return undefined;
  return { kind: "ok", text: kept.ok === undefined ? undefined : JSON.stringify(kept.ok) };
}

/** With the result of a step kept for the message that is being handled. */
export function applyStep(before: Snapshot, message: Message, name: string, text: string): Snapshot {
  return { ...before, steps: withStep(before.steps, message.messageId, name, JSON.parse(text)) };
}

/** The kept result of a step, as JSON. */
export function findStep(snapshot: Snapshot, message: Message, name: string): string | undefined {
  const done = snapshot.steps.find(({ of }) => of === message.messageId)?.done;
  return done !== undefined && Object.hasOwn(done, name) ? JSON.stringify(done[name]) : undefined;
}
