// Runs one race and counts: what was acknowledged is kept, or it is lost.

import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";
import { factRaces } from "./fact-races.ts";
import { logRaces } from "./log-races.ts";
import type { Acknowledged, Race } from "./race.ts";
import type { Writers } from "./writers.ts";

export const allRaces: readonly Race[] = [...factRaces, ...logRaces];

export interface RaceCount {
  readonly writers: number;
  readonly acknowledged: number;
  readonly kept: number;
  /** Told by a value that somebody else was first. */
  readonly conflicts: number;
  /** Told by an error with a code, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Acknowledged and not there: always 0. */
  readonly lost: number;
  /** Of the slowest writer, or of all of them in one process. Unit: ms. */
  readonly ms: number;
}

export async function runRace(race: Race, stores: MemoryStores, writers: Writers, count: number): Promise<RaceCount> {
  const scope: Scope = { shared: "race", session: stores.clock.uniqueId() };
  const given = await race.prepare({ stores, scope });
  const beganMs = performance.now();
  const attempts = await writers(race, scope, count, given);
  const ms = performance.now() - beganMs;
  const acknowledged: Acknowledged[] = attempts.filter((each) => each.kind === "acknowledged");
  const kept = await race.kept({ stores, scope }, acknowledged, given);
  const codes = attempts.flatMap((each) => (each.kind === "refused" ? [each.code] : []));
  return {
    writers: attempts.length,
    acknowledged: acknowledged.length,
    kept: kept.length,
    conflicts: attempts.filter(({ kind }) => kind === "conflict").length,
    refused: Object.fromEntries(
      Object.entries(Object.groupBy(codes, (code) => code)).map(([code, all]) => [code, all?.length ?? 0]),
    ),
    lost: acknowledged.length - kept.length,
    ms,
  };
}
