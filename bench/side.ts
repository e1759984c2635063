// What each side of the comparison can do, so that one load and one way of measuring serve all three.
//
// `ours` is Troupe; `raw` is the same work by hand with the official client's plain calls; `limit` is the same work by
// hand, as tight as the official connection allows. Operations answer through a callback: a promise for each of them
// would be a cost of the bench, which the leanest side would feel most.

import type { Observe } from "./observe.ts";

export type SideName = "ours" | "raw" | "limit";

export const sideNames: readonly SideName[] = ["ours", "raw", "limit"];

export type Done = (failure: Error | undefined, value: number) => void;

/** Where a side works: one server, one app. */
export interface Place {
  readonly servers: string;
  readonly app: string;
  /** What Troupe's own processes see of themselves. Default: what they do anyway. */
  readonly observe?: Observe;
}

/** Actors `<prefix><first>` to `<prefix><first + count - 1>`. */
export interface IdRange {
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
}

export const idsOf = (range: IdRange): string[] =>
  Array.from({ length: range.count }, (_, at) => `${range.prefix}${range.first + at}`);

export interface Asker {
  /** Adds `n` to the counter; answers with the count, after its commit was acknowledged. */
  ask(id: string, n: number, done: Done): void;
  /** Answers with the committed count. */
  query(id: string, done: Done): void;
}

export interface CallerSide extends Asker {
  /** Adds `n` to the counter later; answered when the server has stored the message. */
  tell(id: string, n: number, done: Done): void;
  close(): Promise<void>;
}

/** `ask` and `query` here are those of a caller in the owner's own process. */
export interface WorkerSide extends Asker {
  /**
   * Resolves when the committed counts of these actors add up to `total`: to the moment of it, on the shared clock.
   * Every turn since this worker's start must have added 1 to one of these actors, which started at 0.
   */
  whenCommitted(ids: readonly string[], total: number): Promise<number>;
  close(): Promise<void>;
}

export interface StoreSide {
  /** Writes if the key stands where this side saw it last. A key is updated by one writer, one update at a time. */
  update(key: string, value: string, done: Done): void;
  /** Calls `onValue` for each change of the bucket from now on. */
  watch(onValue: (value: Uint8Array) => void): Promise<void>;
  close(): Promise<void>;
}

export interface LogSide {
  /** Appends a turn to the log of this name; answers with the record that it is in. */
  append(log: string, text: string, done: Done): void;
  /** Reads the last `count` turns; answers with how many came. */
  readLast(log: string, count: number, done: Done): void;
  /** Reads all turns, oldest first; resolves to how many came. */
  readAll(log: string): Promise<number>;
  close(): Promise<void>;
}

export interface ProberSide {
  /** Adds 1 to the counter; answers with the process that the actor lives in, after the commit was acknowledged. */
  touch(id: string): Promise<{ readonly by: number; readonly failure?: string }>;
  /** Answers with the committed count. */
  total(id: string): Promise<number>;
  close(): Promise<void>;
}

/** States that many share, each with a balance. */
export interface CentralSide {
  fill(count: number): Promise<void>;
  /** Adds 1 to the balance of what stands. */
  update(id: string, done: Done): void;
  /** Adds 1 to every other balance of these and takes 1 from the rest, all or nothing. */
  transact(ids: readonly string[], done: Done): void;
  /** The 10 highest balances of one owner, of whom there are 100; answers with how many were found. */
  query(matches: number, done: Done): void;
  sum(keys: number): Promise<number>;
  close(): Promise<void>;
}

/** Runs of workflows; operations answer with how many steps they took. */
export interface WorkflowSide {
  /** A run of five tasks, to its committed end. */
  run(id: string, done: Done): void;
  /** Starts a run that waits for a signal. */
  wait(id: string, done: Done): void;
  /** Signals it; answered when it is over. */
  wake(id: string, done: Done): void;
  /** Of the app's buckets on the server. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

/** A process that writes facts of one scope, or holds replicas of it. */
export interface MemorySide {
  set(name: string, value: { readonly write: number }, done: Done): void;
  /**
   * Opens replicas of the scope; `onValue` runs when a write can be read in one of them. Not shared: as if each were in a
   * process of its own.
   */
  openReplicas(count: number, isShared: boolean, onValue: (write: number) => void): Promise<void>;
  closeReplicas(): Promise<void>;
  /** Reads a fact of a replica so many times. */
  read(name: string, times: number): void;
  close(): Promise<void>;
}

/** What the file `bench/<side>/<role>.ts` exports. */
export interface Openers {
  caller(place: Place): Promise<CallerSide>;
  worker(place: Place): Promise<WorkerSide>;
  store(place: Place): Promise<StoreSide>;
  log(place: Place): Promise<LogSide>;
  prober(place: Place): Promise<ProberSide>;
  central(place: Place): Promise<CentralSide>;
  memory(place: Place): Promise<MemorySide>;
  workflow(place: Place): Promise<WorkflowSide>;
}
export type Role = keyof Openers;

/** Loads one side's part alone: a side is not to pay for another's code, and runs while another is broken. */
export async function loadOpener<R extends Role>(side: SideName, role: R): Promise<Openers[R]> {
  const loaded = (await import(`./${side}/${role}.ts`)) as { readonly open: Openers[R] };
  return loaded.open;
}

/** Answers through `done` with what a promise comes to. */
export function settle(work: Promise<number>, done: Done): void {
  work.then(
    (value) => done(undefined, value),
    (thrown) => done(toError(thrown), 0),
  );
}

export const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
