// From what stands at a record's key to the entries that it holds: decoded, read, led to today's schema.

import type { KvEntry } from "../kv/store.ts";
import type { Entry, RecordPlace, StoredEntry } from "./entry.ts";
import { readRecord, toEntry } from "./entry.ts";
import type { EntrySchema } from "./log-schema.ts";
import { plainEntries, upcastEntry } from "./log-schema.ts";
import { positionOf } from "./memory-keys.ts";
import type { Scope } from "./scope.ts";
import type { ValueCodecs } from "./value-codec.ts";

/** How records are read. */
export interface RecordReading {
  readonly codecs: ValueCodecs;
  /** Default: entries as they are stored, all of schema number 1. */
  readonly schema?: EntrySchema;
}

/**
 * The entries of a record, as the memory bucket has it; none of a tombstone, and not those that were taken out.
 * Rejects with MEMORY_UNREADABLE, CODEC_UNKNOWN, STATE_TOO_NEW, STATE_TOO_OLD, UPCAST_FAILED, STATE_INVALID.
 */
export async function readEntriesAt(
  reading: RecordReading,
  kv: KvEntry,
  scope: Scope,
  record: number,
): Promise<readonly Entry[]> {
  const { key, revision, writtenAtMs } = kv;
  const place: RecordPlace = { scope, record, key, revision, writtenAtMs };
  const schema = reading.schema ?? plainEntries;
  const entries: Entry[] = [];
  for (const [index, stored] of (await readStored(reading.codecs, kv)).entries()) {
    if (stored.gone === 1) continue;
    const what = `entry ${positionOf(record, index)} of ${key}`;
    entries.push(toEntry(await upcastEntry(schema, what, stored), index, place));
  }
  return entries;
}

/** What is stored at a record's key; nothing at a tombstone, or where the key was deleted. */
export async function readStored(codecs: ValueCodecs, kv: KvEntry): Promise<readonly StoredEntry[]> {
  return kv.value.length === 0 ? [] : readRecord(kv.key, await codecs.decode(kv.key, kv.value));
}
