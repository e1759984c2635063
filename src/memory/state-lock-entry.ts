// What stands at a lock's key, `_lock.<name>`:
//
//   {"holder":"desk.1","token":3,"ttlMs":10000,"keys":["ticket.t1"],"at":1795377467652,"id":"x7Yw0AbCd1"}

import { decodeText, encodeText } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import { escapeId } from "../core/ids.ts";
import type { KvEntry } from "../kv/store.ts";

export interface LockEntry {
  /** Who holds it, for people; absent when it is free. */
  readonly holder?: string;
  /** Grows by one with each holder. */
  readonly token: number;
  /** Whoever sees this entry unchanged for so long may take the lock over. */
  readonly ttlMs: number;
  /** Keys that the holder, or one before that did not give the lock back, may still be writing. */
  readonly keys: readonly string[];
  /** When this was written, by the holder's clock. */
  readonly at: number;
  /** Names the holding. */
  readonly id: string;
}

/** No model is called so: names start with a letter. */
export const lockPrefix = "_lock.";

/** Throws ID_INVALID. */
export const lockKey = (name: string): string => `${lockPrefix}${escapeId(name)}`;

export const printLock = (entry: LockEntry): Uint8Array => encodeText(JSON.stringify(entry));

/** Rejects with STATE_UNREADABLE. */
export function readLock({ key, value }: KvEntry): LockEntry {
  let raw: Partial<LockEntry> | null;
  try {
    raw = JSON.parse(decodeText(value)) as Partial<LockEntry> | null;
  } catch (thrown) {
    throw new TroupeError("STATE_UNREADABLE", `the value of ${key} is no lock: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  const isLock = raw !== null && typeof raw === "object" && Number.isSafeInteger(raw.token) && Array.isArray(raw.keys);
  if (!isLock || typeof raw?.ttlMs !== "number" || typeof raw.id !== "string") {
    throw new TroupeError(
      "STATE_UNREADABLE",
      `the value of ${key} is no lock: it has no \`token\`, \`keys\`, \`ttlMs\` and \`id\``,
    );
  }
  return raw as LockEntry;
}
