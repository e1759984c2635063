// What the tests of watches, replicas and the follower of recall share: a memory on a server, what is written to a
// memory by hand, and changes in few words.

import { systemClock } from "../../src/core/clock.ts";
import type { Json } from "../../src/core/codec.ts";
import { encodeText } from "../../src/core/codec.ts";
import { callApi } from "../../src/kv/nats-api.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import type { Revision } from "../../src/kv/store.ts";
import type { NewEntry } from "../../src/memory/entry.ts";
import { printRecord, storedEntry } from "../../src/memory/entry.ts";
import { printFact, storedFact } from "../../src/memory/fact.ts";
import type { Head } from "../../src/memory/head.ts";
import { changeHead } from "../../src/memory/head.ts";
import type { MemoryChange, MemoryCursor } from "../../src/memory/memory-change.ts";
import { factKey, recordKey } from "../../src/memory/memory-keys.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { MemoryWatch } from "../../src/memory/memory-watch.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { scopeKey } from "../../src/memory/scope.ts";
import { openOnNats as openOnNatsStore } from "./kv-openers.ts";
import { within } from "./kv-support.ts";
import type { MemoryUnderTest } from "./memory-stores-support.ts";
import { memoryOver } from "./memory-stores-support.ts";

let apps = 0;

export interface NatsMemoryUnderTest extends MemoryUnderTest {
  readonly app: string;
  /** Deletes both buckets, as somebody with the `nats` command may. */
  removeBuckets(): Promise<void>;
}

interface NatsMemoryOptions {
  /** Default: one of its own. */
  readonly app?: string;
  readonly reconnectTimeWait?: number;
}

export async function openOnNats(url: string, options: NatsMemoryOptions = {}): Promise<NatsMemoryUnderTest> {
  const { app = `t${apps++}`, ...link } = options;
  const openBucket = (name: string) => openOnNatsStore(() => url, { bucket: `${app}_${name}`, ...link });
  const memory = await memoryOver(openBucket("memory"), openBucket("facts"))();
  const removeBuckets = async () => {
    await using link = await openLink({ servers: url });
    for (const bucket of ["memory", "facts"]) await callApi(link, `STREAM.DELETE.KV_${app}_${bucket}`, {});
  };
  return Object.assign(memory, { app, removeBuckets });
}

/** Writes a record of these texts, or entries; each text is its entry's id too. */
export async function addRecord(
  { entries }: MemoryStores,
  scope: Scope,
  record: number,
  given: readonly (string | NewEntry)[],
): Promise<Revision> {
  const stored = given.map((one) =>
    typeof one === "string" ? storedEntry({ text: one }, one, 1) : storedEntry(one, one.id ?? one.text, 1),
  );
  const write = await entries.create(recordKey(scope, record), encodeText(printRecord(stored)));
  if (write.kind !== "written") throw new Error(`record ${record} stands already`);
  return write.revision;
}

/** Takes the whole record out. */
export const emptyRecord = ({ entries }: MemoryStores, scope: Scope, record: number): Promise<Revision> =>
  entries.put(recordKey(scope, record), new Uint8Array(0), { ttlMs: 3_600_000 });

export const setHead = (stores: MemoryStores, scope: Scope, change: Partial<Head>) =>
  changeHead(stores.entries, scope, stores.clock, (head) => ({ ...head, ...change }));

export const setFact = ({ facts }: MemoryStores, scope: Scope, name: string, value: Json, ttlMs?: number) =>
  facts.put(
    factKey(scope, name),
    encodeText(printFact(storedFact(value, ttlMs === undefined ? {} : { ttlMs }, "w", 1, systemClock.now()))),
  );

/** A change in few words: `user.a +1000 hello`, `user.a name=1`, `(…)` in a snapshot, `current`. */
export function brief(change: MemoryChange): string {
  if (change.kind === "current") return change.kind;
  if (change.kind === "restarted") return `${change.kind} ${change.bucket}`;
  const what = `${scopeKey(change.scope)} ${briefOfKey(change)}`;
  return change.isSnapshot ? `(${what})` : what;
}

function briefOfKey(change: Exclude<MemoryChange, { kind: "current" | "restarted" }>): string {
  switch (change.kind) {
    case "entry-added":
      return `+${change.entry.position} ${change.entry.text}`;
    case "entries-removed":
      return `-${change.first}..${change.last}${change.left.map(({ text }) => ` but ${text}`).join("")}`;
    case "head-changed":
      return `head ${change.bucket} ${change.head.first}`;
    case "fact-set":
      return `${change.fact.name}=${JSON.stringify(change.fact.value)}`;
    case "fact-deleted":
      return `${change.name} deleted`;
    case "unreadable":
      return `unreadable ${change.code}`;
  }
}

/** Changes up to and with the first for which `isLast` holds. */
export function takeUntil(watch: MemoryWatch, isLast: (change: MemoryChange) => boolean): Promise<MemoryChange[]> {
  const iterator = watch[Symbol.asyncIterator]();
  const changes: MemoryChange[] = [];
  const collect = async () => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) throw new Error(`the watch ended after ${changes.map(brief).join(", ")}`);
      changes.push(value);
      if (isLast(value)) return changes;
    }
  };
  return within(20_000, "the change that was waited for", collect()).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}; seen: ${changes.slice(-20).map(brief).join(", ")}`, { cause: thrown });
  });
}

export const isCurrent = (change: MemoryChange): boolean => change.kind === "current";
export const isEntry = (text: string) => (change: MemoryChange) =>
  change.kind === "entry-added" && change.entry.text === text;
export const isFact = (name: string, value?: Json) => (change: MemoryChange) =>
  change.kind === "fact-set" &&
  change.fact.name === name &&
  (value === undefined || JSON.stringify(change.fact.value) === JSON.stringify(value));

/** As it is kept between two runs of a program. */
export const kept = (cursor: MemoryCursor): MemoryCursor => JSON.parse(JSON.stringify(cursor)) as MemoryCursor;
