// Cutting a log off before or behind an entry. A fork's share of another log is only left out of the fork; what a log cuts
// off itself is gone for its forks too.
//
//   T3. From the front the head says it first: readers miss it all at once. Behind an entry the newest go first: at every
//       moment what is left is the log as it was up to some entry.

import { TroupeError } from "../core/errors.ts";
import type { Head } from "./head.ts";
import { changeHead, checkEra } from "./head.ts";
import type { TruncateOptions, Truncation } from "./log-calls.ts";
import type { LogHandle } from "./log-handle.ts";
import type { Removed } from "./log-removal.ts";
import { entomb, takeOut } from "./log-removal.ts";
import { indexOf, positionOf, recordKey, recordOf } from "./memory-keys.ts";
import { scopeKey } from "./scope.ts";

/** Rejects with OPTION_INVALID, SCOPE_ERASED, WRITE_CONTENDED, and as the store does. */
export async function truncateLog(log: LogHandle, options: TruncateOptions): Promise<Truncation> {
  const [name, position] =
    "after" in options ? (["after", options.after] as const) : (["before", options.before] as const);
  if (!Number.isSafeInteger(position) || position < 0) {
    const text = `\`${name}\` must be a position, a whole number of 0 or more, got ${String(position)}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  const { head, end } = await log.look();
  const { segments } = await log.standing({ head, end });
  const own = segments.find(({ scope }) => scope === log.scope);
  const upTo = Number.MAX_SAFE_INTEGER;
  if (name === "after") {
    await sayInHead(log, head.era, end, (now) => cutBehind(now, position));
    if (own === undefined) return { records: 0, entries: 0 };
    const first = Math.max(own.first, recordOf(position) + 1);
    const removed = await entomb(log.stores, { ...own, first, upTo }, "newest");
    const isOwn = recordOf(position) >= own.first;
    return isOwn ? sum(removed, await takePart(log, position, (index) => index > indexOf(position))) : removed;
  }
  const bound = Math.min(position, positionOf(end + 1, 0));
  await sayInHead(log, head.era, end, (now) => cutBefore(now, bound));
  if (own === undefined) return { records: 0, entries: 0 };
  const removed = await entomb(log.stores, { ...own, last: Math.min(own.last, recordOf(bound) - 1), upTo }, "oldest");
  const isOwn = recordOf(bound) >= own.first;
  return isOwn ? sum(removed, await takePart(log, bound, (index) => index < indexOf(bound))) : removed;
}

function cutBehind(head: Head, position: number): Head {
  const { base, summary, pins } = head;
  return {
    ...head,
    pins: pins.filter((pin) => pin <= position),
    summary: summary !== undefined && summary.position > position ? undefined : summary,
    base: base === undefined ? undefined : { ...base, upTo: Math.min(base.upTo, position) },
  };
}

function cutBefore(head: Head, position: number): Head {
  const { summary, pins, first } = head;
  return {
    ...head,
    first: Math.max(first, recordOf(position)),
    pins: pins.filter((pin) => pin >= position),
    summary: summary !== undefined && summary.position < position ? undefined : summary,
  };
}

/** T1: the floor goes up with whatever else the head is to say. */
async function sayInHead(log: LogHandle, era: number, end: number, change: (head: Head) => Head): Promise<void> {
  const { stores, scope } = log;
  await changeHead(stores.entries, scope, stores.clock, (head) => {
    checkEra(scopeKey(scope), head, era);
    return { ...change(head), floor: Math.max(head.floor, end) };
  });
}

function takePart({ stores, scope }: LogHandle, position: number, goes: (index: number) => boolean): Promise<Removed> {
  return takeOut(stores, recordKey(scope, recordOf(position)), goes);
}

const sum = (one: Removed, other: Removed): Truncation => ({
  records: one.records + other.records,
  entries: one.entries + other.entries,
});
