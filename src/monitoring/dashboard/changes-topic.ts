// Actors whose committed value has changed, for pages that show them: the latest of each, not each change.
//
//   C1. At most four times a second, and at most `rowsMax` actors each time: what came besides is counted, and said to be left
//       out (`isSampled`). So 10,000 changes a second cost a page no more than 800.

import type { Clock } from "../../core/clock.ts";
import { matcherOf } from "../../kv/keys.ts";
import type { ActorIndex, IndexedActor } from "../actor-index.ts";
import type { ActorRow } from "./api/actors.ts";
import type { ChangesView } from "./api/live.ts";
import type { LiveTopic } from "./live-topic.ts";

export const rowsMax = 200;
const everyMs = 250;

export interface ChangesOptions {
  readonly index: ActorIndex;
  readonly clock: Clock;
  readonly rowOf: (actor: IndexedActor) => ActorRow;
}

export function changesTopic(options: ChangesOptions): LiveTopic<ChangesView> {
  return { merge: mergeChanges, open: (publish, pattern) => follow(options, publish, pattern) };
}

function follow(
  { index, clock, rowOf }: ChangesOptions,
  publish: (changes: ChangesView) => void,
  pattern: string | undefined,
): () => void {
  const matches = quickMatcherOf(pattern);
  const keys = new Set<string>();
  let changed = 0;
  let isSampled = false;
  let cancel: (() => void) | undefined;
  const tell = () => {
    cancel = undefined;
    // As they are now: of one that is gone meanwhile there is nothing to show.
    const rows = [...keys].flatMap((key) => index.get(key) ?? []).map(rowOf);
    const view = { rows, changed, isSampled };
    keys.clear();
    changed = 0;
    isSampled = false;
    publish(view);
  };
  const stop = index.onChange(({ key }) => {
    if (!matches(key)) return;
    changed += 1;
    if (keys.size < rowsMax) keys.add(key);
    else isSampled ||= !keys.has(key); // C1
    cancel ??= clock.after(everyMs, tell);
  });
  return () => {
    stop();
    cancel?.();
  };
}

/** The latest of each actor, those that changed last when there are too many. */
export function mergeChanges(older: ChangesView, newer: ChangesView): ChangesView {
  const rows = new Map<string, ActorRow>();
  for (const row of [...older.rows, ...newer.rows]) {
    const key = `${row.type}/${row.id}`;
    rows.delete(key);
    rows.set(key, row);
  }
  const kept = [...rows.values()].slice(-rowsMax);
  return {
    rows: kept,
    changed: older.changed + newer.changed,
    isSampled: older.isSampled || newer.isSampled || kept.length < rows.size,
  };
}

/** Most pages ask for one actor, or for those of one type: that takes no taking apart of 10,000 keys a second. */
function quickMatcherOf(pattern: string | undefined): (key: string) => boolean {
  if (pattern === undefined || pattern === ">") return () => true;
  if (!/[*>]/.test(pattern)) return (key) => key === pattern;
  const type = /^([\w-]+)\.[*>]$/.exec(pattern)?.[1];
  return type === undefined ? matcherOf(pattern) : (key) => key.startsWith(`${type}.`);
}
