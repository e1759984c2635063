// The changes of a model's states as they come.

import type { KvStore, KvWatchOptions } from "../kv/store.ts";
import type { StateModel } from "./state-model.ts";
import { stateIdOf, stateKey } from "./state-model.ts";
import type { StateChange } from "./state-past.ts";
import { toChange } from "./state-past.ts";
import type { State } from "./state-value.ts";
import { isUnreadable } from "./state-value.ts";

export type StateNews<S> =
  /** What stood when the watch began (`isSnapshot`), or has changed since. */
  | (StateChange<S> & { readonly isSnapshot: boolean })
  /** The snapshot is complete: what follows is news. */
  | { readonly kind: "current"; readonly revision: number }
  /** The place where the watcher was is gone; a new snapshot follows. States that it lacks are gone. */
  | { readonly kind: "restarted"; readonly reason: string }
  /** A value that is no state of the model, or that this code cannot read. */
  | { readonly kind: "unreadable"; readonly key: string; readonly revision: number; readonly reason: string };

export interface StateWatchOptions extends KvWatchOptions {
  /** Only this state. */
  readonly id?: string;
  /** Only states whose id begins so. */
  readonly prefix?: string;
}

/** Ends with its signal, by leaving the loop, or with an error; never in silence. */
export async function* watchStates<Status extends string, Event extends string, Data>(
  kv: KvStore,
  model: StateModel<Status, Event, Data>,
  options: StateWatchOptions,
): AsyncGenerator<StateNews<State<Status, Data>>, void, undefined> {
  const { id: wanted, prefix = "", ...watchOptions } = options;
  const pattern = wanted === undefined ? `${model.name}.*` : stateKey(model, wanted);
  await using watcher = await kv.watch(pattern, watchOptions);
  for await (const change of watcher) {
    if (change.kind !== "entry") {
      yield change;
      continue;
    }
    const { entry, isSnapshot } = change;
    const id = stateIdOf(model, entry.key);
    if (id === undefined || !id.startsWith(prefix)) continue;
    try {
      yield { ...(await toChange(model, id, entry)), isSnapshot };
    } catch (thrown) {
      if (!isUnreadable(thrown)) throw thrown;
      yield { kind: "unreadable", key: entry.key, revision: entry.revision, reason: thrown.message };
    }
  }
}
