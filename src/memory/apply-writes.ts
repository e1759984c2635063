// Writes what waited for something else to stand: entries that may go together in one append, facts one after the other.
//
//   A1. Whoever applies a write again under the same name applies it once: entries are known by their ids, changes of facts
//       by their writer's number.

import { invariant } from "../core/errors.ts";
import type { NewEntry } from "./entry.ts";
import type { Facts } from "./facts.ts";
import type { AppendOptions } from "./log-calls.ts";
import type { FactWrite, NamedWrite } from "./memory-write.ts";
import { isEntryWrite } from "./memory-write.ts";

/** One scope's memory, as far as it is written to. */
export interface WritableMemory {
  readonly log: { append(entries: readonly NewEntry[], options?: AppendOptions): Promise<unknown> };
  readonly facts: Pick<Facts, "set" | "merge" | "delete">;
}

/** How many of the writes, from the first on, can go together. At most `most`. */
export function togetherOf(writes: readonly NamedWrite[], most: number): number {
  const [first] = writes;
  if (first === undefined || !isEntryWrite(first.write)) return Math.min(writes.length, 1);
  const { era } = first.write;
  const end = writes.findIndex(({ write }, at) => at >= most || !isEntryWrite(write) || write.era !== era);
  return end < 0 ? writes.length : end;
}

/** Applies writes that can go together. Rejects as `append` of a log and `set`, `merge` and `delete` of facts do. */
export async function applyTogether(memory: WritableMemory, writes: readonly NamedWrite[]): Promise<void> {
  const [first] = writes;
  if (first === undefined) return;
  if (!isEntryWrite(first.write)) return applyFact(memory.facts, first, first.write);
  const { era } = first.write;
  const entries = writes.map(({ id, write }) => {
    invariant(isEntryWrite(write), "only entries go together");
    return { ...write.entry, id };
  });
  await memory.log.append(entries, era === undefined ? {} : { era });
}

async function applyFact(facts: WritableMemory["facts"], { id: writeId, numbered }: NamedWrite, write: FactWrite) {
  const { fact: name, change, era } = write;
  const named = { writeId, ...(era === undefined ? {} : { era }), ...(numbered === undefined ? {} : { numbered }) };
  if (change.kind === "delete") await facts.delete(name, { ...change.options, ...named });
  else if (change.kind === "set") await facts.set(name, change.value, { ...change.options, ...named });
  else await facts.merge(name, change.value, { ...change.options, ...named, policy: change.policy });
}
