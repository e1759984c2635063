// What is told of a change of the memory, and how it is read out of what the two buckets tell.
//
//   G1. Every write of the scopes that are watched is told, each entry of it by itself, in the order of the bucket's
//       revisions. The two buckets have revisions of their own: between them there is no order.
//   G2. A cursor says how far one has been told, to the entry. Whoever goes on from it is told what comes after it, once.
//   G3. What this code cannot read is told as that, and what comes after it is told as ever.

import { isTroupeError, messageOf } from "../core/errors.ts";
import type { JsonPatch } from "../core/json-patch.ts";
import type { KvEntry, Revision } from "../kv/store.ts";
import type { Entry } from "./entry.ts";
import { toEntry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import { readFact, toFact } from "./fact.ts";
import type { Head } from "./head.ts";
import { firstHead, parseHead } from "./head.ts";
import { readStored } from "./log-record.ts";
import type { EntrySchema } from "./log-schema.ts";
import { plainEntries, upcastEntry } from "./log-schema.ts";
import type { MemoryPlace } from "./memory-keys.ts";
import { lastOfRecord, placeOf, positionOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";

/** "memory": heads and logs. "facts": heads and facts. */
export type MemoryBucketName = "memory" | "facts";

/** How far a watch has been told. JSON, to be kept and given back as `from`; whoever takes it apart needs no more than this. */
export interface MemoryCursor {
  /** Everything up to this revision of the memory's bucket. Absent: nothing yet, a watch begins with a snapshot. */
  readonly memory?: Revision;
  /** And of the next write there, which has this revision, so many entries. */
  readonly partly?: { readonly revision: Revision; readonly entries: number };
  /** Everything up to this revision of the facts' bucket. Absent: nothing yet. */
  readonly facts?: Revision;
  /** As of when. An old one cannot be gone on from, what was removed since may have left no trace. Unit: ms since the Unix epoch. */
  readonly atMs?: number;
}

/** What all changes of a key have. */
export interface ToldOfKey {
  readonly bucket: MemoryBucketName;
  readonly scope: Scope;
  readonly key: string;
  readonly revision: Revision;
  /** When the store wrote it, by its clock. Unit: ms since the Unix epoch. */
  readonly writtenAtMs: number;
  /** True for what stood when the watch began, or began again. */
  readonly isSnapshot: boolean;
}

/** Without its cursor, which the watch knows. */
export type KeyChange =
  | (ToldOfKey & {
      readonly kind: "entry-added";
      readonly entry: Entry;
      readonly cause: string | undefined;
      readonly trace: string | undefined;
    })
  /**
   * Of the log nothing is left from position `first` to `last` but `left`, which was told before unless the watch was away:
   * truncated, let go by retention, or erased. May be told of what was never told to be there.
   */
  | (ToldOfKey & {
      readonly kind: "entries-removed";
      readonly first: number;
      readonly last: number;
      readonly left: readonly Entry[];
    })
  /** Pins, summary, forks, retention, where the log begins (what lies before record `first` is gone), erasures. */
  | (ToldOfKey & { readonly kind: "head-changed"; readonly head: Head })
  | (ToldOfKey & {
      readonly kind: "fact-set";
      readonly fact: Fact;
      readonly cause: string | undefined;
      readonly trace: string | undefined;
      /** With `as: "patches"`: from the value before (RFC 6902), from nothing when there was none. */
      readonly patch?: JsonPatch;
      /** The revision of that value; 0 for nothing. */
      readonly patchFrom?: Revision;
    })
  | (ToldOfKey & { readonly kind: "fact-deleted"; readonly name: string })
  /** What stands there is none of ours, newer than this code, or was written with a codec that is not here. */
  | (ToldOfKey & { readonly kind: "unreadable"; readonly code: string; readonly reason: string });

/**
 * A change as a watch hands it out. A fact whose time to live ends is not told of: `fact.expiresAtMs` says when that is.
 * Entries that a fork shares with its base are told of in the base's scope alone.
 */
export type MemoryChange =
  | (KeyChange & { readonly cursor: MemoryCursor })
  /** All that stood in both buckets has been told: what follows is news. Comes once after each (re)start. */
  | { readonly kind: "current"; readonly cursor: MemoryCursor }
  /** The place in this bucket is lost: what stands there follows as a snapshot. What was known of it and does not come again is gone. */
  | {
      readonly kind: "restarted";
      readonly bucket: MemoryBucketName;
      readonly reason: string;
      readonly cursor: MemoryCursor;
    };

export type FactSet = Extract<KeyChange, { kind: "fact-set" }>;

/** In what part of a watch an entry came: only news is sure to follow what was told of the key before. */
export type WatchPhase = "snapshot" | "catching-up" | "news";

/** How what is stored is read. */
export interface MemoryReading {
  readonly stores: MemoryStores;
  /** Default: entries as they are stored, all of schema number 1. */
  readonly entrySchema?: EntrySchema | undefined;
  /** Leads a fact to today's schema and checks it. Default: as it is stored. */
  readonly readFact?: ((fact: Fact) => Fact | Promise<Fact>) | undefined;
}

/** What a bucket's entry tells. Empty for what is none of the memory's, and for what a snapshot has no need to say. */
export async function readChange(
  reading: MemoryReading,
  bucket: MemoryBucketName,
  entry: KvEntry,
  phase: WatchPhase,
): Promise<readonly KeyChange[]> {
  const place = placeOf(entry.key);
  if (place === undefined) return [];
  const { key, revision, writtenAtMs } = entry;
  const told = { bucket, scope: place.scope, key, revision, writtenAtMs, isSnapshot: phase === "snapshot" };
  try {
    switch (place.kind) {
      case "head":
        return [{ ...told, kind: "head-changed", head: isPut(entry) ? parseHead(key, entry.value) : firstHead }];
      case "fact":
        return await readFactChange(reading, entry, place.name, told);
      case "record":
        return await readRecordChange(reading, entry, place, told, phase);
    }
  } catch (thrown) {
    // G3.
    const code = isTroupeError(thrown) ? thrown.code : "MEMORY_UNREADABLE";
    return [{ ...told, kind: "unreadable", code, reason: messageOf(thrown) }];
  }
}

async function readFactChange(
  { stores, readFact: lead }: MemoryReading,
  entry: KvEntry,
  name: string,
  told: ToldOfKey,
): Promise<readonly KeyChange[]> {
  if (!isPut(entry)) return told.isSnapshot ? [] : [{ ...told, kind: "fact-deleted", name }];
  const { scope, key, revision, writtenAtMs } = told;
  const stored = readFact(key, await stores.codecs.decode(key, entry.value));
  const fact = toFact(stored, { scope, name, key, revision, writtenAtMs });
  if (fact.expiresAtMs === 0) return told.isSnapshot ? [] : [{ ...told, kind: "fact-deleted", name }];
  const led = lead === undefined ? fact : await lead(fact);
  return [{ ...told, kind: "fact-set", fact: led, cause: fact.cause, trace: fact.trace }];
}

async function readRecordChange(
  { stores, entrySchema = plainEntries }: MemoryReading,
  entry: KvEntry,
  { record }: Extract<MemoryPlace, { kind: "record" }>,
  told: ToldOfKey,
  phase: WatchPhase,
): Promise<readonly KeyChange[]> {
  const { scope, key, revision, writtenAtMs } = told;
  const removed = {
    ...told,
    kind: "entries-removed",
    first: positionOf(record, 0),
    last: lastOfRecord(record),
  } as const;
  if (!isPut(entry) || entry.value.length === 0) {
    // A tombstone's own end is no news to whoever was told of the tombstone.
    return phase === "snapshot" || (phase === "news" && !isPut(entry)) ? [] : [{ ...removed, left: [] }];
  }
  const stored = await readStored(stores.codecs, entry);
  const place = { scope, record, key, revision, writtenAtMs };
  const left: Entry[] = [];
  for (const [index, one] of stored.entries()) {
    if (one.gone === 1) continue;
    const what = `entry ${positionOf(record, index)} of ${key}`;
    left.push(toEntry(await upcastEntry(entrySchema, what, one), index, place));
  }
  if (left.length < stored.length && phase !== "snapshot") return [{ ...removed, left }];
  return left.map((one) => ({ ...told, kind: "entry-added", entry: one, cause: one.cause, trace: one.trace }));
}

const isPut = (entry: KvEntry): boolean => entry.operation === "put";
