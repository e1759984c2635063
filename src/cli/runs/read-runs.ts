// The runs of workflows that an app has, from their committed values, some hundred at a time.

import type { Snapshot } from "../../actors/snapshot.ts";
import { readSnapshot } from "../../actors/snapshot.ts";
import { isTroupeError } from "../../core/errors.ts";
import { addressOf, checkName } from "../../core/ids.ts";
import type { KvEntry } from "../../kv/store.ts";
import type { Troupe } from "../../runtime/client.ts";
import type { Run } from "../../workflow/run.ts";

export interface StoredRun {
  readonly key: string;
  readonly workflow: string;
  readonly id: string;
  readonly run: Run;
  readonly snapshot: Snapshot;
  readonly revision: number;
  /** Unit: ms since the epoch. */
  readonly writtenAtMs: number;
}

/** Values in one answer of the server. */
const readAtOnce = 500;

const typePrefix = "workflow-";
export const runTypeOf = (name: string): string => `${typePrefix}${checkName("a workflow", name)}`;
/** What else is called so: the tasks of workflows that have a pool for them. */
export const taskTypeOf = (name: string): string => `${runTypeOf(name)}-task`;

/** Those of one workflow, or of all. Actors that are called like runs and are none are left out. */
export async function* readRuns(troupe: Troupe, name: string | undefined): AsyncGenerator<readonly StoredRun[]> {
  const all = await troupe.list(name === undefined ? ">" : `${runTypeOf(name)}.*`);
  const keys = all.filter((key) => key.startsWith(typePrefix) && !/^[^.]*-task\./.test(key));
  for (let at = 0; at < keys.length; at += readAtOnce) {
    const entries = await troupe.ports.state.getMany(keys.slice(at, at + readAtOnce));
    yield [...entries.values()].flatMap((entry) => readStoredRun(entry) ?? []);
  }
}

/** Undefined for a value that is none of a run. */
export function readStoredRun(entry: KvEntry): StoredRun | undefined {
  const { key, revision, writtenAtMs } = entry;
  const address = addressOf(key);
  const snapshot = tryRead(entry);
  if (address === undefined || snapshot === undefined || !isRun(snapshot.state)) return undefined;
  const workflow = address.type.slice(typePrefix.length);
  return { key, workflow, id: address.id, run: snapshot.state, snapshot, revision, writtenAtMs };
}

export function tryRead({ key, value }: KvEntry): Snapshot | undefined {
  try {
    return readSnapshot(key, value, Number.MAX_SAFE_INTEGER);
  } catch (thrown) {
    if (isTroupeError(thrown)) return undefined;
    throw thrown;
  }
}

function isRun(state: unknown): state is Run {
  const { phase, marks } = (state ?? {}) as Partial<Run>;
  return typeof phase === "string" && typeof marks === "object" && marks !== null;
}
