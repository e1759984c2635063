// A transaction as an atomic batch of the server: which messages, under which expectations.
//
//   T1. A message carries one expectation, on its own key or on another one. An expectation on a key must stand before or
//       on the first message that writes the key. (The server refuses it otherwise.)
//   T2. The messages of the writes stand last, in the order of the operations: their sequences are consecutive.
//   T3. A check is carried by a write that expects nothing. When there are not enough of these, one of the writes is sent
//       more than once, the same each time; watchers and history may then show it more than once. A purge is followed by
//       plain deletions: the server takes a rollup of a key only with the batch's first message on it.
//   T4. A single message is published alone: a batch costs many times as much where there is one replica.

import { type Clock, delay } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { outcomeOf, type PublishOutcome } from "./nats-acks.ts";
import { rawHeaders } from "./nats-link.ts";
import { type ReadFrom, readMany } from "./nats-reads.ts";
import type { KvOperationRequest, KvTransaction, Revision } from "./store.ts";
import { firstConflict } from "./writes.ts";

export interface Fence {
  readonly key: string;
  readonly sequence: Revision;
}

export interface PlannedMessage {
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: readonly string[];
  readonly fence: Fence | undefined;
}

const nothing = new Uint8Array(0);

/** Headers of a deletion and of a purge, as every KV client writes them. */
export const deletionHeaders: readonly string[] = ["KV-Operation: DEL"];
export const purgeHeaders: readonly string[] = ["KV-Operation: PURGE", "Nats-Rollup: sub"];
export const ttlHeader = (ttlMs: number): string => `Nats-TTL: ${ttlMs / 1_000}s`;
export const expectationHeader = (sequence: Revision): string => `Nats-Expected-Last-Subject-Sequence: ${sequence}`;

/** `sequences`: for keys that are expected not to exist, the sequence of the deletion that stands there. */
export function planTransaction(
  operations: readonly KvOperationRequest[],
  sequences: ReadonlyMap<string, Revision>,
): readonly PlannedMessage[] {
  const fenceOf = ({ key, expected }: KvOperationRequest): Fence | undefined => {
    if (expected === undefined) return undefined;
    return { key, sequence: expected === 0 ? (sequences.get(key) ?? 0) : expected };
  };
  const checks: Fence[] = [];
  const messages: PlannedMessage[] = [];
  for (const operation of operations) {
    const fence = fenceOf(operation);
    if (operation.kind === "check") {
      if (fence !== undefined) checks.push(fence);
    } else if (operation.kind === "delete") {
      messages.push({ key: operation.key, value: nothing, headers: deletionHeaders, fence });
    } else if (operation.kind === "purge") {
      messages.push({ key: operation.key, value: nothing, headers: purgeHeaders, fence });
    } else {
      const headers = operation.ttlMs === undefined ? [] : [ttlHeader(operation.ttlMs)];
      messages.push({ key: operation.key, value: operation.value, headers, fence });
    }
  }
  const fenced = messages.map((message) => (message.fence ? message : { ...message, fence: checks.shift() }));
  return checks.length === 0 ? fenced : repeatSmallest(fenced, checks);
}

/** Sends the smallest write once more for each check that found no carrier (T3). Here every write has a fence. */
function repeatSmallest(messages: readonly PlannedMessage[], checks: readonly Fence[]): readonly PlannedMessage[] {
  const smallest = messages.reduce((least, message) => (message.value.length < least.value.length ? message : least));
  const fences = [smallest.fence, ...checks];
  const again = smallest.headers === purgeHeaders ? { ...smallest, headers: deletionHeaders } : smallest;
  const repeats = checks.map((_, at) => ({ ...(at === 0 ? smallest : again), fence: fences[at] }));
  return [...repeats, ...messages.map((one) => (one === smallest ? { ...again, fence: fences.at(-1) } : one))];
}

/** How often a transaction that lost a race or met a busy server is tried again. */
const triesMax = 12;
const waitMsMax = 100;

export async function runTransaction(
  from: ReadFrom,
  operations: readonly KvOperationRequest[],
  timeoutMs: number,
): Promise<KvTransaction> {
  const expecting = operations.filter(({ expected }) => expected !== undefined).map(({ key }) => key);
  const writes = operations.filter(({ kind }) => kind !== "check").length;
  let sequences: ReadonlyMap<string, Revision> = new Map();
  for (let tries = 0; tries < triesMax; tries += 1) {
    if (writes > 0) {
      const outcome = await publishBatch(from, planTransaction(operations, sequences), timeoutMs);
      if (outcome.kind === "stored") return { kind: "written", revisions: lastRevisions(outcome.sequence, writes) };
      if (outcome.kind === "failed") throw outcome.error;
    }
    const standing = await readMany(from, expecting);
    const conflict = firstConflict(operations, standing);
    if (conflict !== undefined) return { kind: "conflict", ...conflict };
    if (writes === 0) return { kind: "written", revisions: [] };
    // Every expectation holds. Either a deletion's own sequence has to be named, or another write was still under way.
    sequences = new Map([...standing].map(([key, entry]) => [key, entry.revision]));
    if (tries > 0) await waitALittle(from.clock, tries);
  }
  throw new TroupeError("STORE_FAILED", `a transaction on ${from.bucket.stream} was overtaken ${triesMax} times`);
}

export function waitALittle(clock: Clock, tries: number): Promise<void> {
  return delay(clock, Math.min(waitMsMax, 2 ** tries) * (0.5 + clock.random() / 2));
}

function lastRevisions(last: Revision, count: number): readonly Revision[] {
  return Array.from({ length: count }, (_, at) => last - count + 1 + at);
}

function publishBatch(
  { link, bucket, clock }: ReadFrom,
  messages: readonly PlannedMessage[],
  timeoutMs: number,
): Promise<PublishOutcome> {
  const id = clock.uniqueId();
  const what = `a transaction on ${bucket.stream}`;
  return new Promise((resolve) => {
    if (!link.isConnected) {
      setImmediate(resolve, outcomeOf({ kind: "unsent", reason: "not connected to NATS" }, what)); // L4 of the link
      return;
    }
    messages.forEach((message, at) => {
      const lines = [...message.headers];
      if (message.fence !== undefined) {
        lines.push(expectationHeader(message.fence.sequence));
        if (message.fence.key !== message.key) {
          lines.push(`Nats-Expected-Last-Subject-Sequence-Subject: ${bucket.prefix}${message.fence.key}`);
        }
      }
      const isLast = at === messages.length - 1;
      if (messages.length > 1) lines.push(`Nats-Batch-Id: ${id}`, `Nats-Batch-Sequence: ${at + 1}`); // T4
      if (messages.length > 1 && isLast) lines.push("Nats-Batch-Commit: 1");
      const headers = lines.length === 0 ? undefined : rawHeaders(lines);
      const subject = bucket.prefix + message.key;
      if (isLast) link.send(subject, message.value, headers, timeoutMs, (answer) => resolve(outcomeOf(answer, what)));
      else link.publish(subject, message.value, headers === undefined ? {} : { headers });
    });
  });
}
