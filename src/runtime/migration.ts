// Reads all stored states of some types as the code of today would, and writes those that are old under today's number,
// or only tells which they are. Nobody needs it to be right: an actor does the same for its own state (evolution.ts).
//
//   Y1. A check writes nothing.
//   Y2. A state is written only over the revision at which it was read, so no worker's commit is lost; an actor that is
//       active loads what was written (`superseded`) and goes on from there.
//   Y3. What else the value holds stays: inbox, outbox, replies, steps, and what this code knows nothing of. The commit's
//       id is its own, so that no worker takes this for a commit of its own whose outcome it does not know.
//   Y4. Repeating it does no harm: a state with today's number is left alone.
//   Y5. In memory are the keys and one page of values, whose number follows their size.

import type { AnyActor } from "../actors/definition.ts";
import { readState, upcast } from "../actors/evolution.ts";
import { readSnapshot, replaceState } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import { addressOf } from "../core/ids.ts";
import type { KvEntry, KvStore } from "../kv/store.ts";
import { doubtOf } from "./cell-ended.ts";
import { Committer } from "./committer.ts";

export interface MigrationOptions {
  readonly state: KvStore;
  readonly clock: Clock;
  readonly actors: readonly AnyActor[];
  /** Writes nothing (Y1). */
  readonly isCheck: boolean;
  /** States that cannot be read and are listed by key and reason; all are counted. Default: all. */
  readonly failuresMax?: number;
  /** Ends it between two pages. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What became of the states of one type. */
export interface TypeReport {
  readonly type: string;
  /** Today's schema number. */
  readonly schema: number;
  readonly actors: number;
  /** How many were stored under which number. */
  readonly stored: Readonly<Record<number, number>>;
  /** Old ones that today's code can read: written, or with a check to be written. */
  readonly upcast: number;
  readonly failed: number;
}

export interface StateFailure {
  readonly key: string;
  readonly code: string;
  readonly reason: string;
}

export interface MigrationReport {
  readonly types: readonly TypeReport[];
  /** Actors of types that are not among those given, by type. */
  readonly unknown: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly failures: readonly StateFailure[];
}

/** What one entry is. */
type Judged =
  | { readonly kind: "current" | "old"; readonly stored: number }
  /** Deleted meanwhile. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly stored: number | undefined; readonly code: string; readonly reason: string };

/** Values of a page: as many as fit, to go by those before. */
const pageBytes = 4_194_304;
const pageMin = 16;
const pageMax = 500;
/** States that are judged and written at once. */
const atOnce = 64;
/** After that a write whose outcome nobody tells is given up. Unit: ms. */
const writeMsMax = 30_000;
/** Writes of one state that others get ahead of before it is given up. */
const attemptsMax = 10;

/** Rejects with SERVER_UNREACHABLE, STORE_FAILED when the states cannot be listed or read. */
export async function migrateStates(options: MigrationOptions): Promise<MigrationReport> {
  const { state, signal, onProgress } = options;
  const tally = new Tally(options);
  const keys = (await state.list(">")).filter((key) => tally.isWanted(key));
  let size = pageMin;
  for (let at = 0; at < keys.length && signal?.aborted !== true; ) {
    const page = await state.getMany(keys.slice(at, at + size));
    at += size;
    const entries = [...page.values()];
    for (let first = 0; first < entries.length; first += atOnce) {
      const some = entries.slice(first, first + atOnce);
      await Promise.all(some.map(async (entry) => tally.count(entry.key, await settle(options, tally, entry))));
    }
    onProgress?.(Math.min(at, keys.length), keys.length);
    const bytes = entries.reduce((sum, { value }) => sum + value.length, 0);
    size = Math.max(pageMin, Math.min(pageMax, Math.floor((pageBytes * entries.length) / Math.max(1, bytes)))); // Y5
  }
  return tally.report();
}

/** Judges one state, and writes it when it is old and this is no check. */
async function settle(options: MigrationOptions, tally: Tally, first: KvEntry): Promise<Judged> {
  const { state, clock, isCheck } = options;
  const definition = tally.definitionOf(first.key);
  const committer = new Committer(state, clock);
  let entry = first;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const judged = await judge(definition, entry);
    if (isCheck || judged.kind !== "old") return judged; // Y1, Y4
    const { key, revision } = entry;
    const commitId = `migrate-${clock.uniqueId().slice(0, 10)}`;
    const led = upcast(definition, key, readSnapshot(key, entry.value, Number.MAX_SAFE_INTEGER));
    const value = replaceState(entry.value, led, definition.schema, commitId); // Y3
    const lost = new AbortController();
    const cancel = clock.after(writeMsMax, () => lost.abort());
    const outcome = await committer.commit({ key, value, expected: revision, commitId, lost: lost.signal }); // Y2
    cancel();
    if (outcome.kind === "stands") return judged;
    if (outcome.kind === "refused") return failedAs(outcome.error, judged.stored);
    if (outcome.kind === "given-up") return failedAs(doubtOf(key), judged.stored);
    const next = await state.get(key);
    if (next === undefined) return { kind: "gone" };
    entry = next;
  }
  const text = `${first.key} is written by others again and again; does a worker with older code still run?`;
  return failedAs(new TroupeError("COMMIT_REFUSED", text), undefined);
}

async function judge(definition: AnyActor, { key, value }: KvEntry): Promise<Judged> {
  let stored: number | undefined;
  try {
    const snapshot = readSnapshot(key, value, Number.MAX_SAFE_INTEGER);
    stored = snapshot.schema;
    await readState(definition, key, snapshot);
    return { kind: stored === definition.schema ? "current" : "old", stored };
  } catch (thrown) {
    return failedAs(thrown, stored);
  }
}

function failedAs(thrown: unknown, stored: number | undefined): Judged {
  const code = isTroupeError(thrown) ? thrown.code : "STATE_INVALID";
  return { kind: "failed", stored, code, reason: messageOf(thrown) };
}

interface Counts {
  readonly definition: AnyActor;
  actors: number;
  readonly stored: Record<number, number>;
  upcast: number;
  failed: number;
}

class Tally {
  readonly #types: ReadonlyMap<string, Counts>;
  readonly #unknown = new Map<string, number>();
  readonly #failures: StateFailure[] = [];
  readonly #failuresMax: number;

  constructor({ actors, failuresMax = Infinity }: MigrationOptions) {
    this.#failuresMax = failuresMax;
    this.#types = new Map(
      actors.map((definition) => [definition.type, { definition, actors: 0, stored: {}, upcast: 0, failed: 0 }]),
    );
  }

  /** Whether the key's type is known; one of an unknown type is counted here. */
  isWanted(key: string): boolean {
    const type = addressOf(key)?.type ?? key;
    if (this.#types.has(type)) return true;
    this.#unknown.set(type, (this.#unknown.get(type) ?? 0) + 1);
    return false;
  }

  definitionOf(key: string): AnyActor {
    return this.#countsOf(key).definition;
  }

  count(key: string, judged: Judged): void {
    if (judged.kind === "gone") return;
    const counts = this.#countsOf(key);
    counts.actors += 1;
    if (judged.stored !== undefined) counts.stored[judged.stored] = (counts.stored[judged.stored] ?? 0) + 1;
    if (judged.kind === "old") counts.upcast += 1;
    if (judged.kind !== "failed") return;
    counts.failed += 1;
    const { code, reason } = judged;
    if (this.#failures.length < this.#failuresMax) this.#failures.push({ key, code, reason });
  }

  report(): MigrationReport {
    const counts = [...this.#types.values()];
    return {
      types: counts.map(({ definition, ...rest }) => ({ type: definition.type, schema: definition.schema, ...rest })),
      unknown: Object.fromEntries(this.#unknown),
      failed: counts.reduce((sum, { failed }) => sum + failed, 0),
      failures: this.#failures,
    };
  }

  #countsOf(key: string): Counts {
    const counts = this.#types.get(addressOf(key)?.type ?? key);
    if (counts === undefined) throw new Error(`${key} was not wanted`);
    return counts;
  }
}
