// What a log's writer does next, decided from what it knows: one value in, one step out, no I/O.
//
//   W1. It writes only behind the end that it knows, and only while that knowledge is fresh: tombstones, which refuse a
//       late writer, do not live for ever. Writing does not make it fresh: a bucket that was made anew takes what is
//       written behind the end of the old one as well.
//   W2. A call is refused once the log is of another era than the one it was formed in, and while it is being erased.
//   W3. A record whose fate is in doubt is settled before anything else is written, and by what stands at its number.

import type { Revision } from "../kv/store.ts";
import type { AppendedEntry } from "./log-calls.ts";
import { recordEntriesMax } from "./memory-keys.ts";

/** How long a handle trusts what it knows of a log. Unit: ms. Far below `tombstoneTtlMs`. */
export const knowledgeMsMax = 600_000;
/** Most bytes of entries that are written together, unless one call alone has more. */
export const groupBytesMax = 262_144;

/** What a handle knows of its log. */
export interface Tail {
  readonly era: number;
  readonly isErasing: boolean;
  /** The last record that stands. */
  readonly end: number;
  /** One that the bucket has come to: what is written to it gets a later one (K1). */
  readonly revision: Revision;
  /** When it was last looked at, on the clock that never runs backwards. Unit: ms. */
  readonly asOfMs: number;
}

/** An entry on its way. */
export interface Draft {
  readonly id: string;
  /** The id was the caller's: an entry that has it already may stand. */
  readonly isNamed: boolean;
  /** Its JSON. */
  readonly text: string;
  readonly bytes: number;
}

export interface DraftCall {
  readonly drafts: readonly Draft[];
  /** Undefined until the first look of a handle that knew nothing when the call began. */
  readonly era: number | undefined;
}

export type AppendStep = "look" | "learn-ids" | "write";

export interface WriterKnowledge {
  readonly tail: Tail | undefined;
  /** The ids of the log's last entries are known up to its end. */
  readonly knowsIds: boolean;
  /** It has looked since the last record was written or refused. */
  readonly hasLooked: boolean;
}

export function nextStep(know: WriterKnowledge, nowMs: number, calls: readonly DraftCall[]): AppendStep {
  const { tail, knowsIds, hasLooked } = know;
  if (tail === undefined) return "look";
  // An erasure may be over by now, and a caller may know of an era that this handle does not.
  const isOld = !isFresh(tail, nowMs) || tail.isErasing || calls.some(({ era = 0 }) => era > tail.era);
  if (isOld && !hasLooked) return "look"; // W1
  const isNamed = calls.some(({ drafts }) => drafts.some((draft) => draft.isNamed));
  return isNamed && !knowsIds ? "learn-ids" : "write";
}

export function isFresh(tail: Tail, nowMs: number): boolean {
  return nowMs - tail.asOfMs < knowledgeMsMax;
}

/** Why a call may not be written (W2). */
export function refusalOf(log: Pick<Tail, "era" | "isErasing">, era: number): string | undefined {
  if (log.isErasing) return "it is being erased";
  if (era === log.era) return undefined;
  return `it was ${era < log.era ? "erased" : "set back"}: its era is ${log.era}, and this was formed in ${era}`;
}

/** A record that was tried. */
export interface Attempt {
  readonly record: number;
  readonly ids: readonly string[];
  /** An answer was lost: it may stand, or come to stand. */
  readonly isInDoubt: boolean;
}

/** "stands": it is this one. "open": nobody has that number yet, the same is tried again. "taken": another's stands there. */
export type Verdict = "stands" | "open" | "taken";

/** `standing`: ids of the record that has the number now; empty for a tombstone, undefined when there is none. */
export function judge(attempt: Attempt, standing: readonly string[] | undefined): Verdict {
  if (standing === undefined) return "open";
  const isSame = standing.length === attempt.ids.length && standing.every((id, at) => id === attempt.ids[at]);
  return attempt.isInDoubt && isSame ? "stands" : "taken"; // W3
}

/** Where an entry of a call comes to stand: at an index of the record to write, or where it stands already. */
export type Slot =
  | { readonly kind: "new"; readonly index: number }
  | { readonly kind: "repeat"; readonly index: number }
  | { readonly kind: "known"; readonly entry: AppendedEntry };

/** The first calls of a queue, as one record. */
export interface Group {
  /** How many calls it takes from the queue. */
  readonly calls: number;
  /** What is to be written; empty when every entry stands already. */
  readonly drafts: readonly Draft[];
  /** For each call, for each of its entries. */
  readonly slots: readonly (readonly Slot[])[];
}

/** As many calls as one record takes; at least one. `known`: where the entry of an id stands. */
export function planGroup(
  calls: readonly DraftCall[],
  known: (id: string) => AppendedEntry | undefined,
  bytesMax: number,
): Group {
  const drafts: Draft[] = [];
  const slots: (readonly Slot[])[] = [];
  const indexOf = new Map<string, number>();
  let bytes = 0;
  for (const call of calls) {
    const fresh = call.drafts.filter(({ id, isNamed }) => !(isNamed && (indexOf.has(id) || known(id) !== undefined)));
    const added = fresh.reduce((sum, draft) => sum + draft.bytes + 1, 0);
    const isFull = drafts.length + fresh.length > recordEntriesMax || bytes + added > bytesMax;
    if (slots.length > 0 && isFull) break;
    bytes += added;
    slots.push(call.drafts.map((draft) => slotOf(draft, drafts, indexOf, known)));
  }
  return { calls: slots.length, drafts, slots };
}

function slotOf(
  draft: Draft,
  drafts: Draft[],
  indexOf: Map<string, number>,
  known: (id: string) => AppendedEntry | undefined,
): Slot {
  const index = indexOf.get(draft.id);
  if (index !== undefined) return { kind: "repeat", index };
  const entry = draft.isNamed ? known(draft.id) : undefined;
  if (entry !== undefined) return { kind: "known", entry };
  indexOf.set(draft.id, drafts.length);
  drafts.push(draft);
  return { kind: "new", index: drafts.length - 1 };
}
