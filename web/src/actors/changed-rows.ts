// Rows of a list that is on the screen, with what has changed put in its place.

import type { ActorRow } from "../../../src/monitoring/dashboard/api/actors.ts";

const sameActor = (one: ActorRow) => `${one.type}/${one.id}`;

/** `rows` with those of `changes` in their places, the highest revision of each; the same array when none of them is in it. */
export function withChanges(rows: readonly ActorRow[], changes: readonly ActorRow[]): readonly ActorRow[] {
  const latest = new Map<string, ActorRow>();
  for (const row of changes) {
    const before = latest.get(sameActor(row));
    if (before === undefined || before.revision < row.revision) latest.set(sameActor(row), row);
  }
  let isSame = true;
  const next = rows.map((row) => {
    const fresh = latest.get(sameActor(row));
    if (fresh === undefined || fresh.revision <= row.revision) return row;
    isSame = false;
    return fresh;
  });
  return isSame ? rows : next;
}
