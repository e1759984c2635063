// What a race is: many writers, each with handles of its own, do one kind of write at once; what was acknowledged is then
// looked for. Everything that passes between processes is JSON.

import type { Json } from "../../src/core/codec.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";

/** What became of one writer's write. */
export type Attempt =
  | { readonly kind: "acknowledged"; readonly writer: number; readonly what: Json }
  /** A value said that somebody else was first: nothing was written. */
  | { readonly kind: "conflict"; readonly writer: number }
  /** An error with a code said so. */
  | { readonly kind: "refused"; readonly writer: number; readonly code: string };

export interface Acknowledged {
  readonly writer: number;
  /** What `write` returned. */
  readonly what: Json;
}

export interface Race {
  readonly name: string;
  /** Makes what is written to. What it returns is given to every writer. */
  prepare(place: RacePlace): Promise<Json>;
  /** Returns what is to be looked for; undefined when it was told of a conflict. */
  write(place: RacePlace, writer: number, given: Json): Promise<Json | undefined>;
  /** Those that stand, or gave way to a later write as they may. */
  kept(place: RacePlace, acknowledged: readonly Acknowledged[], given: Json): Promise<readonly Acknowledged[]>;
}

export interface RacePlace {
  readonly stores: MemoryStores;
  readonly scope: Scope;
}

/** One writer's write. Rejects with what has no code: that is a bug, and no answer. */
export async function attempt(race: Race, place: RacePlace, writer: number, given: Json): Promise<Attempt> {
  try {
    const what = await race.write(place, writer, given);
    return what === undefined ? { kind: "conflict", writer } : { kind: "acknowledged", writer, what };
  } catch (thrown) {
    if (!isTroupeError(thrown)) throw thrown;
    return { kind: "refused", writer, code: thrown.code };
  }
}
