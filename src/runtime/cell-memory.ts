// The memory of one activation: what its turns read, and what they have written that the store may not have yet.

import type { OutboxMemory } from "../actors/snapshot.ts";
import type { MemoryServices } from "../actors/turn-memory.ts";
import { isTroupeError, TroupeError } from "../core/errors.ts";
import { waitAgain } from "./burial.ts";
import type { CellHost } from "./cell-host.ts";
import { namedWrites } from "./remember.ts";

/** What the turns of an actor need. */
export function memoryServices(
  host: CellHost,
  key: string,
  unwritten: (of: "all" | "committed") => readonly OutboxMemory[],
): MemoryServices | undefined {
  const reads = host.memory.opened;
  if (reads === undefined) return undefined;
  return {
    reads,
    unwritten: (of) => namedWrites(key, unwritten(of)),
    untilRead: (read) => untilRead(host, key, read),
  };
}

async function untilRead<Found>(host: CellHost, key: string, read: () => Promise<Found>): Promise<Found> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await read();
    } catch (thrown) {
      const isPassing = isTroupeError(thrown) && thrown.retry === "later";
      if (!isPassing) throw thrown;
      if (host.lost.aborted) throw new TroupeError("FENCED", `${key} is no longer owned here`, { cause: thrown });
      await waitAgain(host, attempt);
    }
  }
}
