// A window out of what a replica holds: what of it fits, without asking the store. Its laws are those of `log-window.ts`.

import { TroupeError } from "../../core/errors.ts";
import type { Entry } from "../entry.ts";
import type { LeftOut, LogWindow, WindowOptions } from "../log-calls.ts";
import { inOrder, kindsInWindows, WindowFilling } from "../log-window.ts";
import { approximateTokens } from "../token-count.ts";

/** What a replica holds of a log. */
export interface HeldLog {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** Pinned entries and the summary, in order. */
  readonly fixed: readonly Entry[];
  readonly summary: Entry | undefined;
  /** Position up to which the summary speaks; -1 without one. */
  readonly covers: number;
  /** The log has no older entries than these. */
  readonly isWhole: boolean;
}

/** Rejects with OPTION_INVALID. */
export function heldWindow(held: HeldLog, options: Omit<WindowOptions, "signal">): LogWindow {
  const { tokens, countTokens = approximateTokens, kinds = kindsInWindows } = options;
  if (!(tokens >= 0)) throw new TroupeError("OPTION_INVALID", `\`tokens\` must be 0 or more, got ${String(tokens)}`);
  const { entries, fixed, summary, covers } = held;
  const filling = new WindowFilling(tokens, countTokens, fixed);
  const wanted = entries.filter(({ position, kind }) => position > covers && kinds.includes(kind));
  wanted.findLast((entry) => !filling.offer(entry));
  return {
    entries: inOrder(filling.entries, summary, covers),
    ...{ summary, tokens: filling.tokens, isOverBudget: filling.isOverBudget },
    leftOut: leftOutOf(held, wanted, filling.refused),
  };
}

/** Of what is not held only that there is some is known. */
function leftOutOf(held: HeldLog, wanted: readonly Entry[], refused: Entry | undefined): LeftOut | undefined {
  const { entries, fixed, covers, isWhole } = held;
  const oldest = entries[0];
  const isMissing = !isWhole && (oldest === undefined || oldest.position > covers + 1);
  if (refused === undefined)
    return isMissing ? { upTo: (oldest?.position ?? 0) - 1, entries: 0, isExact: false } : undefined;
  const kept = new Set(fixed.map(({ position }) => position));
  const left = wanted.filter(({ position }) => position <= refused.position && !kept.has(position)).length;
  return { upTo: refused.position, entries: left, isExact: !isMissing };
}
