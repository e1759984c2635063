// What every store checks before it writes: the same refusals, whatever stands behind.

import { TroupeError } from "../core/errors.ts";
import { checkKey } from "./keys.ts";
import type { KvEntry, KvOperationRequest, KvTransaction, KvWrite, Revision } from "./store.ts";

/** Most operations of one transaction. */
export const transactionOperationsMax = 500;

/** Room that headers take from a message of the server's `max_payload`. Unit: bytes. */
export const headerBytesMax = 512;

/** Largest value where nothing else is said: what a NATS server takes by default. Unit: bytes. */
export const valueBytesMaxDefault = 1_048_576 - headerBytesMax;

/** How long a deletion by time is remembered where nothing else is said. Unit: ms. */
export const markerTtlMsDefault = 3_600_000;

/** Most entries of a key that a bucket keeps: NATS' own bound. */
export const historyMax = 64;

const bucketForm = /^[A-Za-z0-9_-]{1,200}$/;

/** Returns the name. Rejects with OPTION_INVALID. */
export function checkBucket(bucket: string): string {
  if (typeof bucket === "string" && bucketForm.test(bucket)) return bucket;
  throw new TroupeError("OPTION_INVALID", `\`bucket\` must be of [A-Za-z0-9_-], got ${JSON.stringify(bucket)}`);
}

export function checkWhole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new TroupeError("OPTION_INVALID", `\`${name}\` must be a whole number from ${least} to ${most}, got ${value}`);
}

/** Whole seconds: the server cuts off the rest. */
export function checkMarkerTtl(markerTtlMs = markerTtlMsDefault): number {
  return checkWhole("markerTtlMs / 1000", markerTtlMs / 1_000, 1, 2 ** 31) * 1_000;
}

export function checkExpected(expected: Revision): void {
  if (!Number.isSafeInteger(expected) || expected < 0) {
    throw new TroupeError(
      "OPTION_INVALID",
      `\`expected\` must be a revision, a whole number of 0 or more, got ${expected}`,
    );
  }
}

export function checkValue(key: string, value: Uint8Array, bytesMax: number): void {
  if (value.length <= bytesMax) return;
  throw new TroupeError("PAYLOAD_TOO_LARGE", `${key}: ${value.length} bytes, and a value may hold ${bytesMax}`);
}

/**
 * Only buckets without history take a time to live. With history NATS raises a shorter time to that of its markers, and
 * when the newest entry of a key expires, the one before it comes back as if it were the last.
 */
export function checkTtl(ttlMs: number | undefined, history: number): void {
  if (ttlMs === undefined) return;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1_000 || ttlMs % 1_000 !== 0) {
    throw new TroupeError("OPTION_INVALID", `\`ttlMs\` must be whole seconds, at least 1,000 ms, got ${ttlMs}`);
  }
  if (history !== 1) {
    throw new TroupeError(
      "OPTION_INVALID",
      `\`ttlMs\` needs a bucket with history 1, this one keeps ${history} entries`,
    );
  }
}

/** Checks a whole transaction, so that nothing of a bad one is sent. */
export function checkTransaction(operations: readonly KvOperationRequest[], bytesMax: number, history: number): void {
  if (operations.length > transactionOperationsMax) {
    const text = `a transaction holds at most ${transactionOperationsMax} operations, got ${operations.length}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  const keys = new Set<string>();
  for (const operation of operations) {
    keys.add(checkKey(operation.key));
    if (operation.expected !== undefined) checkExpected(operation.expected);
    if (operation.kind !== "put") continue;
    checkValue(operation.key, operation.value, bytesMax);
    checkTtl(operation.ttlMs, history);
  }
  if (keys.size < operations.length)
    throw new TroupeError("OPTION_INVALID", "a transaction names each key at most once");
}

type Standing = Pick<KvEntry, "operation" | "revision"> | undefined;

/** The revision that a key has for whoever expects one: 0 when it does not exist, or is deleted. */
export function liveRevision(standing: Standing): Revision {
  return standing?.operation === "put" ? standing.revision : 0;
}

/** Whether an expectation holds. The revision of a deletion may be expected too, as watchers and histories show it. */
export function holds(standing: Standing, expected: Revision): boolean {
  return expected === 0 ? liveRevision(standing) === 0 : standing?.revision === expected;
}

/** The first operation whose expectation does not hold. */
export function firstConflict(
  operations: readonly KvOperationRequest[],
  standing: { get(key: string): Standing },
): { readonly key: string; readonly revision: Revision } | undefined {
  for (const { key, expected } of operations) {
    if (expected === undefined) continue;
    const entry = standing.get(key);
    if (!holds(entry, expected)) return { key, revision: liveRevision(entry) };
  }
  return undefined;
}

/** The outcome of a transaction that held one write. */
export function singleWrite(outcome: KvTransaction): KvWrite {
  if (outcome.kind === "conflict") return { kind: "conflict", revision: outcome.revision };
  return { kind: "written", revision: outcome.revisions[0] ?? 0 };
}

export function closedError(bucket: string): TroupeError {
  return new TroupeError("CLOSED", `the store of ${bucket} is closed`);
}
