// What a turn makes of the snapshot before it: pure, so that a batch of turns is a fold (P2, P3).

import type { Answer, Message } from "./message.ts";
import type { OutboxEntry, Snapshot } from "./snapshot.ts";
import { hasSeen, withoutSteps, withReply, withSeen, withStep } from "./snapshot.ts";
import type { TurnOutcome } from "./turn.ts";

export interface Applied {
  readonly next: Snapshot;
  /** Whether there is something to commit. */
  readonly isDirty: boolean;
}

/** Why a message needs no turn: it was applied before; undefined when it needs one. */
export function findRepeat(snapshot: Snapshot, message: Message): "applied" | "kept-reply" | undefined {
  if (message.kind === "ask") {
    const key = message.idempotencyKey;
    return key !== undefined && snapshot.replies.some((reply) => reply.key === key) ? "kept-reply" : undefined;
  }
  if (message.sequence <= snapshot.inbox.seq) return "applied";
  const { from, number } = message;
  if (from === undefined || number === undefined) return undefined;
  return hasSeen(snapshot.inbox, from, number) ? "applied" : undefined;
}

/** After a turn that succeeded. A tell that changed nothing and sent nothing leaves nothing to commit. */
export function applyDone(before: Snapshot, message: Message, outcome: TurnOutcome & { kind: "done" }): Applied {
  const { sendings, isChanged, state, resultText } = outcome;
  const key = message.kind === "ask" ? message.idempotencyKey : undefined;
  if (!isChanged && sendings.length === 0 && key === undefined) return { next: before, isDirty: false };
  let { inbox, outbox, sent, guard, replies } = before;
  if (message.kind === "tell") {
    inbox = withSeen(inbox, message.sequence, message.from, message.number);
    if (sendings.length > 0) guard = Math.max(guard, message.sequence);
  }
  if (sendings.length > 0) {
    const entries = sendings.map(
      (sending, at): OutboxEntry => ({ n: sent + at + 1, ...sending, trace: sending.trace ?? message.turnTrace }),
    );
    outbox = [...outbox, ...entries];
    sent += entries.length;
  }
  if (key !== undefined)
    replies = withReply(replies, { key, ok: resultText === undefined ? undefined : JSON.parse(resultText) });
  const steps = withoutSteps(before.steps, message.messageId);
  return { next: { ...before, state, inbox, outbox, sent, guard, replies, steps }, isDirty: true };
}

/** The answer that was kept for an ask's idempotency key. */
export function findKeptAnswer(snapshot: Snapshot, message: Message): Answer | undefined {
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
