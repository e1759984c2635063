// What must hold between one committed value of an actor and the next, whoever wrote them: one history, that only grows.

import type { OutboxEntry, Snapshot } from "../../src/actors/snapshot.ts";
import { isMirror, keptRepliesMax } from "../../src/actors/snapshot.ts";
import { idsOf } from "./ledger.ts";

/** `isStored`: the mail stream has this sender's message of this number. Faults begin with the promise that is broken. */
export function faultsBetween(
  key: string,
  before: Snapshot | undefined,
  after: Snapshot,
  isStored: (from: string, number: number) => boolean,
): readonly string[] {
  const faults = outboxFaults(key, before, after, isStored);
  if (before === undefined) return faults;
  const [old, now] = [idsOf(before), idsOf(after)];
  const lost = old.findIndex((id, at) => now[at] !== id);
  if (lost >= 0) faults.push(`P1: ${key} has lost ${old[lost]} (of ${old.length}, now ${now.length})`);
  if (foreignOf(after) < foreignOf(before)) faults.push(`P1: ${key} has lost what another wrote`);
  if (after.epoch < before.epoch) faults.push(`P1: ${key} went from epoch ${before.epoch} to ${after.epoch}`);
  if (after.inbox.seq < before.inbox.seq) faults.push(`P2: the inbox of ${key} went back to ${after.inbox.seq}`);
  for (const [sender, number] of Object.entries(before.inbox.from)) {
    const next = after.inbox.from[sender] ?? 0;
    if (next < number) faults.push(`P5: the inbox of ${key} went from number ${number} of ${sender} to ${next}`);
  }
  const kept = new Set(after.replies.map((reply) => reply.key));
  const forgotten = before.replies.find((reply) => !kept.has(reply.key));
  if (forgotten !== undefined && after.replies.length < keptRepliesMax) {
    faults.push(`P2: ${key} has forgotten its reply for ${forgotten.key}`);
  }
  return faults;
}

function outboxFaults(
  key: string,
  before: Snapshot | undefined,
  after: Snapshot,
  isStored: (from: string, number: number) => boolean,
): string[] {
  const faults: string[] = [];
  const numbers = after.outbox.map(({ n }) => n);
  const isInOrder = numbers.every((n, at) => at === 0 || n > (numbers[at - 1] ?? 0));
  if (!isInOrder || (numbers.at(-1) ?? 0) > after.sent) faults.push(`P3: the outbox of ${key} holds ${numbers.join()}`);
  if (before === undefined) return faults;
  if (after.sent < before.sent) faults.push(`P3: the outbox numbers of ${key} went back to ${after.sent}`);
  const standing = new Set(numbers);
  // What is to be shown gives way to what is to be shown after it.
  const shown = after.outbox.find(isMirror)?.n ?? 0;
  for (let n = before.sent + 1; n <= after.sent; n += 1) {
    if (!standing.has(n) && n > shown) faults.push(`P3: number ${n} of ${key} was given and is in no outbox`);
  }
  // Whether a timer was set shows when it rings, or does not.
  // Whether a dead letter is kept is looked at in the end (P7).
  // Whether an errand has ended, and a state is shown, is looked at in the run, and in the central store.
  const isMail = (entry: OutboxEntry) => entry.timer === undefined && "to" in entry;
  for (const { n } of before.outbox.filter(isMail)) {
    if (!standing.has(n) && !isStored(key, n)) faults.push(`P3: ${key} let go of ${n}, which the mail does not have`);
  }
  return faults;
}

const foreignOf = ({ state }: Snapshot) => (state as { readonly foreign: number }).foreign;
