// The parts of a log: its own records, and before them those that it shares with the log it is a fork of, which may be a
// fork itself.

import type { Head } from "./head.ts";
import { readHead } from "./head.ts";
import { recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import type { Scope } from "./scope.ts";
import { parseScope } from "./scope.ts";

/** Records of one scope, from `first` to `last`. */
export interface Segment {
  readonly scope: Scope;
  readonly first: number;
  readonly last: number;
  /** Entries behind this position are not part of it. */
  readonly upTo: number;
}

/** How many forks a log may lie behind one that is none. */
export const forkDepthMax = 32;

/** The segments of a log, oldest first; empty ones are left out. Rejects as `get` does, and with MEMORY_UNREADABLE. */
export async function segmentsOf(
  { entries }: Pick<MemoryStores, "entries">,
  scope: Scope,
  own: Head,
  end: number,
): Promise<readonly Segment[]> {
  const segments: Segment[] = [];
  let [at, head, last, upTo, lowest] = [scope, own, end, Number.MAX_SAFE_INTEGER, own.first];
  for (let depth = 0; depth <= forkDepthMax; depth += 1) {
    const { base } = head;
    const first = Math.max(lowest, base === undefined ? 1 : recordOf(base.upTo) + 1);
    if (first <= last) segments.unshift({ scope: at, first, last, upTo });
    if (base === undefined) break;
    at = parseScope(base.scope);
    head = (await readHead(entries, at)).head;
    if (head.era !== base.era) break; // It was erased, and its share of the fork with it.
    upTo = Math.min(upTo, base.upTo);
    last = recordOf(upTo);
    lowest = Math.max(lowest, head.first);
  }
  return segments;
}
