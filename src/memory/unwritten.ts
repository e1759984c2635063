// What has been written and is not in the store yet, laid over what the store holds. Pure.
//
//   U1. What the store has got meanwhile is not shown twice: an entry is known by its id, a fact by the id of its write.
//       Writes of one scope come to the store in their order: what stands before one that is there is there too.
//   U2. What is not in the store yet stands behind everything that is, in the order in which it was written, with the
//       revision 0 and no key.

import type { Entry } from "./entry.ts";
import { storedEntry, toEntry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import { storedFact, toFact } from "./fact.ts";
import { mergeValues } from "./fact-policy.ts";
import { recordOf } from "./memory-keys.ts";
import type { FactWrite, NamedWrite } from "./memory-write.ts";
import { isEntryWrite } from "./memory-write.ts";
import type { Scope } from "./scope.ts";
import { parseScope } from "./scope.ts";

/**
 * The entries of a scope that are not in the store, as they will be there. `stored`: ids of the newest that are;
 * `lastPosition`: of what the store holds.
 */
export function unwrittenEntries(
  scope: string,
  writes: readonly NamedWrite[],
  stored: ReadonlySet<string>,
  lastPosition = 0,
): readonly Entry[] {
  const place = { scope: parseScope(scope), record: recordOf(lastPosition) + 1, key: "", revision: 0 };
  const entries: Entry[] = [];
  for (const { id, write } of writes.slice(writes.findLastIndex(({ id }) => stored.has(id)) + 1)) {
    if (write.in !== scope || !isEntryWrite(write)) continue;
    const { entry } = write;
    entries.push(toEntry(storedEntry(entry, id, 1), entries.length, { ...place, writtenAtMs: entry.atMs ?? 0 }));
  }
  return entries;
}

/** The names of the facts of a scope that writes are about. */
export function unwrittenNames(scope: string, writes: readonly NamedWrite[]): readonly string[] {
  return writes.flatMap(({ write }) => (write.in === scope && !isEntryWrite(write) ? [write.fact] : []));
}

/** What a fact will be; undefined when there will be none. */
export async function unwrittenFact(
  place: { readonly scope: Scope; readonly text: string; readonly name: string },
  stored: Fact | undefined,
  writes: readonly NamedWrite[],
  nowMs: number,
): Promise<Fact | undefined> {
  const mine = writes.flatMap(({ id, write }) =>
    write.in === place.text && !isEntryWrite(write) && write.fact === place.name ? [{ id, write }] : [],
  );
  const at = mine.findLastIndex(({ id }) => id === stored?.writeId);
  let fact = stored;
  for (const { id, write } of mine.slice(at + 1)) fact = await changed(place, fact, id, write, nowMs);
  return fact;
}

async function changed(
  { scope, name }: { readonly scope: Scope; readonly name: string },
  present: Fact | undefined,
  id: string,
  { change }: FactWrite,
  nowMs: number,
): Promise<Fact | undefined> {
  if (change.kind === "delete") return undefined;
  try {
    const value = change.kind === "set" ? change.value : await mergeValues(change.policy, present?.value, change.value);
    if (value === undefined) return present;
    const stands = storedFact(value, change.options ?? {}, id, 1, nowMs);
    return toFact(stands, { scope, name, key: "", revision: 0, writtenAtMs: nowMs });
  } catch {
    // What does not fit what stands will be refused when it is written, and changes nothing.
    return present;
  }
}
