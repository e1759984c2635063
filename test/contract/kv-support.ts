// What the tests of stores share: changes of a watcher, awaited with a deadline.

import type { KvChange, KvEntry, KvStore, KvWatcher } from "../../src/kv/store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (entry: KvEntry | undefined): string | undefined =>
  entry === undefined ? undefined : decoder.decode(entry.value);

/** A store to test, and the way to open another one on the same bucket. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: KvStore;
  /** Closed with this one. */
  openAnother(): Promise<KvStore>;
}

export interface BucketOptions {
  readonly history?: number;
  readonly markerTtlMs?: number;
}

export type OpenStore = (options?: BucketOptions) => Promise<StoreUnderTest>;

/** What a change is, in few words: `a=1`, `a!delete`, `(a=1)` in a snapshot, `current`, `restarted`. */
export function brief(change: KvChange): string {
  if (change.kind !== "entry") return change.kind;
  const { key, operation } = change.entry;
  const what = operation === "put" ? `${key}=${text(change.entry)}` : `${key}!${operation}`;
  return change.isSnapshot ? `(${what})` : what;
}

/** Rejects with what was waited for when `promise` takes longer. */
export async function within<Value>(deadlineMs: number, what: string, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Changes up to and with the first for which `isLast` holds. */
export async function changesUntil(
  watcher: KvWatcher,
  isLast: (change: KvChange) => boolean,
  deadlineMs = 20_000,
): Promise<KvChange[]> {
  const iterator = watcher[Symbol.asyncIterator]();
  const changes: KvChange[] = [];
  const collect = async () => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) throw new Error(`the watcher ended after ${changes.map(brief).join(", ")}`);
      changes.push(value);
      if (isLast(value)) return changes;
    }
  };
  return within(deadlineMs, "the change that was waited for", collect()).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}; seen: ${changes.slice(-20).map(brief).join(", ")}`, { cause: thrown });
  });
}

export const isCurrent = (change: KvChange): boolean => change.kind === "current";
export const isPutOf = (key: string, value?: string) => (change: KvChange) =>
  change.kind === "entry" &&
  change.entry.key === key &&
  change.entry.operation === "put" &&
  (value === undefined || text(change.entry) === value);

/** The state that a watcher's changes lead to. */
export function foldChanges(changes: readonly KvChange[]): Map<string, string> {
  const state = new Map<string, string>();
  for (const change of changes) {
    if (change.kind === "restarted") state.clear();
    if (change.kind !== "entry") continue;
    const { entry } = change;
    if (entry.operation === "put") state.set(entry.key, text(entry) ?? "");
    else state.delete(entry.key);
  }
  return state;
}
