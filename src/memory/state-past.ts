// What was: the changes of a state that the bucket still keeps.

import { TroupeError } from "../core/errors.ts";
import type { KvEntry, KvStore, Revision } from "../kv/store.ts";
import type { StateModel } from "./state-model.ts";
import type { Standing, State } from "./state-value.ts";
import { readState, standingOf } from "./state-value.ts";

/** A change of a state, as it is kept. */
export type StateChange<S> =
  | { readonly kind: "changed"; readonly state: S }
  | {
      readonly kind: "deleted";
      readonly key: string;
      readonly id: string;
      readonly cause: string | undefined;
      readonly actor: string | undefined;
      readonly trace: string | undefined;
      /** Unit: ms since the Unix epoch. */
      readonly changedAtMs: number;
      readonly revision: Revision;
    };

/** A moment: a revision of the bucket, or a time. Unit: ms since the Unix epoch, by the clocks of those who made the changes. */
export type Moment = { readonly revision: Revision } | { readonly timeMs: number };

/** The writes of a key that are kept, oldest first. What is none of ours is left out. */
export async function readWrites(
  kv: KvStore,
  key: string,
): Promise<readonly { readonly id: string; readonly n: number; readonly revision: Revision }[]> {
  const entries = await kv.history(key);
  return entries.flatMap((entry) => {
    if (entry.operation !== "put") return [];
    const { stored } = standingOf(key, entry);
    return stored === undefined ? [] : [{ id: stored.id, n: stored.n, revision: entry.revision }];
  });
}

/** Rejects as `readState` does. */
export async function toChange<Status extends string, Event extends string, Data>(
  model: StateModel<Status, Event, Data>,
  id: string,
  entry: KvEntry,
): Promise<StateChange<State<Status, Data>>> {
  const standing = entry.operation === "put" ? standingOf(entry.key, entry) : undefined;
  const state = standing === undefined ? undefined : await readState(model, entry.key, standing);
  if (state !== undefined) return { kind: "changed", state };
  const stored = standing?.stored;
  return {
    kind: "deleted",
    ...{ key: entry.key, id, revision: entry.revision },
    ...{ cause: stored?.cause, actor: stored?.actor, trace: stored?.trace },
    changedAtMs: stored?.at ?? entry.writtenAtMs,
  };
}

/** The changes that are kept, oldest first. A write that the store holds more than once is one change. Rejects as `readState`. */
export async function readPast<Status extends string, Event extends string, Data>(
  kv: KvStore,
  model: StateModel<Status, Event, Data>,
  key: string,
  id: string,
): Promise<readonly StateChange<State<Status, Data>>[]> {
  const changes: StateChange<State<Status, Data>>[] = [];
  let before: Standing["stored"];
  for (const entry of await kv.history(key)) {
    const stored = entry.operation === "put" ? standingOf(key, entry).stored : undefined;
    // A deletion that only sweeps away what was marked as deleted is none.
    if (stored === undefined && before?.gone === 1) continue;
    if (stored !== undefined && stored.id === before?.id) changes.pop();
    changes.push(await toChange(model, id, entry));
    before = stored;
  }
  return changes;
}

/** The state as it stood at a moment; undefined when there was none. Rejects with HISTORY_GONE, and as `readState`. */
export async function readAt<Status extends string, Event extends string, Data>(
  kv: KvStore,
  model: StateModel<Status, Event, Data>,
  key: string,
  moment: Moment,
): Promise<State<Status, Data> | undefined> {
  const entries = await kv.history(key);
  const standings = entries.map((entry) => ({
    entry,
    standing: entry.operation === "put" ? standingOf(key, entry) : undefined,
  }));
  const isBy = ({ entry, standing }: (typeof standings)[number]): boolean =>
    "revision" in moment
      ? entry.revision <= moment.revision
      : (standing?.stored?.at ?? entry.writtenAtMs) <= moment.timeMs;
  const found = standings.findLast(isBy);
  if (found !== undefined) return found.standing === undefined ? undefined : readState(model, key, found.standing);
  const [oldest] = standings;
  if (oldest === undefined || oldest.standing?.stored?.n === 1) return undefined;
  const when = "revision" in moment ? `revision ${moment.revision}` : new Date(moment.timeMs).toISOString();
  const text = `${key}: what stood at ${when} is not kept; the oldest change that is has revision ${oldest.entry.revision}`;
  throw new TroupeError("HISTORY_GONE", text);
}
