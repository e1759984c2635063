// What a fact was, from the versions of it that the store keeps. Pure.
//
//   V1. `versionAt`: what stood in the store at a revision or a time. `versionHeldAt`: what held in the world at a time, by
//       the validity that versions were given, as the store knew it at some moment.
//   V2. A later version says more than an earlier one where both are valid; where it is not valid, the earlier one holds.
//       A deletion, or a time to live that was over before the next version, ends all that was before it.
//   V3. What may have been overwritten beyond the kept history is refused with HISTORY_GONE, never guessed.

import { TroupeError } from "../core/errors.ts";
import type { Revision } from "../kv/store.ts";
import type { Fact } from "./fact.ts";
import { isExpired } from "./fact.ts";

/** One thing that was written at a fact's key. */
export interface FactVersion {
  readonly revision: Revision;
  readonly writtenAtMs: number;
  /** Undefined: it was deleted here. */
  readonly fact: Fact | undefined;
  /** Who deleted it and why, where that was said. */
  readonly deletion?: FactDeletion;
}

export type FactDeletion = Pick<Fact, "by" | "cause" | "trace" | "writeId">;

/** A moment of the store: a revision of its bucket, or a time by its clock in ms. */
export type FactMoment = { readonly revision: Revision } | { readonly timeMs: number };

/** What is kept of a fact, oldest first. */
export interface FactHistory {
  readonly name: string;
  readonly versions: readonly FactVersion[];
  /** Nothing was written before the first of them, as far as the store knows. */
  readonly isComplete: boolean;
}

/** What stood then; undefined when there was no such fact. Rejects with HISTORY_GONE, FACT_INVALID. */
export function versionAt(history: FactHistory, moment: FactMoment): Fact | undefined {
  const known = knownAt(history.versions, moment);
  const last = known.at(-1);
  if (last === undefined) return history.isComplete ? undefined : refuse(history, moment);
  const { fact } = last;
  if (fact === undefined) return undefined;
  const isGone = "timeMs" in moment && isExpired(fact, moment.timeMs);
  return isGone ? undefined : fact;
}

/**
 * What held in the world at `timeMs`, by what the store knew at `asOf`; `nowMs` counts times to live where `asOf` is a
 * revision. Rejects with HISTORY_GONE, FACT_INVALID.
 */
export function versionHeldAt(
  history: FactHistory,
  timeMs: number,
  asOf: FactMoment | undefined,
  nowMs: number,
): Fact | undefined {
  checkTime(timeMs);
  const known = asOf === undefined ? history.versions : knownAt(history.versions, asOf);
  const askedAtMs = asOf !== undefined && "timeMs" in asOf ? asOf.timeMs : nowMs;
  let endMs = askedAtMs;
  for (const { fact, writtenAtMs } of known.toReversed()) {
    if (fact === undefined || isExpired(fact, endMs)) return undefined; // V2
    if (isValid(fact, timeMs)) return isExpired(fact, askedAtMs) ? undefined : fact;
    endMs = writtenAtMs;
  }
  return history.isComplete ? undefined : refuse(history, { timeMs });
}

function isValid({ validFromMs, validUntilMs }: Fact, timeMs: number): boolean {
  return (validFromMs === undefined || validFromMs <= timeMs) && (validUntilMs === undefined || timeMs < validUntilMs);
}

function knownAt(versions: readonly FactVersion[], moment: FactMoment): readonly FactVersion[] {
  if ("revision" in moment) {
    const { revision } = moment;
    if (!Number.isSafeInteger(revision) || revision < 0) {
      throw new TroupeError("FACT_INVALID", `\`revision\` must be a whole number of 0 or more, got ${revision}`);
    }
    return versions.filter((version) => version.revision <= revision);
  }
  checkTime(moment.timeMs);
  return versions.filter(({ writtenAtMs }) => writtenAtMs <= moment.timeMs);
}

function checkTime(timeMs: number): void {
  if (!Number.isFinite(timeMs)) throw new TroupeError("FACT_INVALID", `\`timeMs\` must be a time in ms, got ${timeMs}`);
}

/** V3. */
function refuse({ name, versions }: FactHistory, moment: FactMoment): never {
  const oldest = versions[0];
  const text = `what ${JSON.stringify(name)} was at ${JSON.stringify(moment)} is not kept; the oldest version is of revision ${oldest?.revision ?? 0}`;
  throw new TroupeError("HISTORY_GONE", text);
}
