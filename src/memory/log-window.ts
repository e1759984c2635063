// What of a log fits into a model's window.
//
//   N1. What is pinned and the summary in force are in it, whatever they take; then the newest entries, without a gap, as
//       far as they fit.
//   N2. What the summary in force covers is not in it, unless it is pinned.
//   N3. The window says what it takes and what it leaves out.

import { TroupeError } from "../core/errors.ts";
import type { Entry, EntryKind } from "./entry.ts";
import { entryKinds } from "./entry.ts";
import type { LeftOut, LogWindow, WindowOptions } from "./log-calls.ts";
import type { LogHandle } from "./log-handle.ts";
import type { Segment } from "./log-segments.ts";
import { indexOf, recordOf } from "./memory-keys.ts";
import type { CountTokens } from "./token-count.ts";
import { approximateTokens } from "./token-count.ts";

/** A summary is in windows only while it is in force. */
export const kindsInWindows: readonly EntryKind[] = entryKinds.filter((kind) => kind !== "summary");

/** Rejects with OPTION_INVALID, and as reading does. */
export async function windowOf(log: LogHandle, options: WindowOptions): Promise<LogWindow> {
  const { tokens, countTokens = approximateTokens, kinds = kindsInWindows, signal } = options;
  if (!(tokens >= 0)) throw new TroupeError("OPTION_INVALID", `\`tokens\` must be 0 or more, got ${String(tokens)}`);
  const standing = await log.open();
  const { pins, summary: place } = standing.head;
  const fixed = await log.entriesAt(place === undefined ? pins : [...pins, place.position], standing);
  const summary = fixed.find(({ position }) => position === place?.position);
  const covers = summary === undefined ? -1 : (place?.covers ?? -1);
  const filling = new WindowFilling(tokens, countTokens, fixed);
  const wanted = { after: covers, kinds, order: "newest", pageSize: pageSizeFor(tokens) } as const;
  for await (const entry of log.read({ ...wanted, ...(signal && { signal }) }, standing)) {
    if (!filling.offer(entry)) break;
  }
  const { refused } = filling;
  return {
    entries: inOrder(filling.entries, summary, covers),
    ...{ summary, tokens: filling.tokens, isOverBudget: filling.isOverBudget },
    leftOut: refused && leftBehind(standing.segments, refused.position, covers, fixed),
  };
}

/** Takes the newest entries as long as they fit (N1). */
export class WindowFilling {
  readonly #budget: number;
  readonly #count: CountTokens;
  readonly #entries: Entry[];
  readonly #fixed: ReadonlySet<number>;
  #tokens = 0;
  #refused: Entry | undefined;
  readonly isOverBudget: boolean;

  constructor(budget: number, count: CountTokens, fixed: readonly Entry[]) {
    this.#budget = budget;
    this.#count = count;
    this.#entries = [...fixed];
    this.#fixed = new Set(fixed.map(({ position }) => position));
    for (const entry of fixed) this.#tokens += tokensOf(count, entry);
    this.isOverBudget = this.#tokens > budget;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** The newest entry that did not fit. */
  get refused(): Entry | undefined {
    return this.#refused;
  }

  /** The next older entry; false when it does not fit, and then nothing older is to be offered. */
  offer(entry: Entry): boolean {
    if (this.#fixed.has(entry.position)) return true;
    const tokens = this.#tokens + tokensOf(this.#count, entry);
    if (tokens > this.#budget) {
      this.#refused = entry;
      return false;
    }
    this.#tokens = tokens;
    this.#entries.push(entry);
    return true;
  }
}

/** By position, the summary behind what it covers: where what it stands for was. */
export function inOrder(entries: readonly Entry[], summary: Entry | undefined, covers: number): readonly Entry[] {
  const placeOf = (entry: Entry) => (entry === summary ? covers + 0.5 : entry.position);
  return entries.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** What lies up to `upTo`, which is left out, and behind `covers`, without what is in the window anyway (N3). */
export function leftBehind(
  segments: readonly Segment[],
  upTo: number,
  covers: number,
  fixed: readonly Entry[],
): LeftOut {
  let records = 0;
  for (const { first, last } of segments) {
    records += Math.max(0, Math.min(last, recordOf(upTo)) - Math.max(first, recordOf(covers) + 1) + 1);
  }
  const kept = fixed.filter(({ position }) => position > covers && position < upTo).length;
  return { upTo, entries: Math.max(1, records - kept), isExact: records === 1 && indexOf(upTo) === 0 };
}

function tokensOf(count: CountTokens, entry: Entry): number {
  const tokens = count(entry);
  if (tokens >= 0) return Math.ceil(tokens);
  throw new TroupeError("OPTION_INVALID", `\`countTokens\` must give a number of 0 or more, gave ${String(tokens)}`);
}

/** A window of few tokens does not need a large page. Short entries: a page too many costs less than one more request. */
function pageSizeFor(tokens: number): number {
  return Math.min(256, Math.max(16, Math.ceil(tokens / 8)));
}
