// What a list says of an actor, read out of its committed value without parsing it: there are 10,000 a second.
//
// A value is written with its state first and its trace last (`actors/snapshot.ts`), so both ends say most of it; only what
// may be stopped or has sent something is parsed. A value that is not ours has a row too: its beginning, and no more.

import type { KvEntry } from "../kv/store.ts";
import { beginsWithState, endOfJson, stateFrom, withoutState } from "./state-apart.ts";

/** Longest beginning of a state. Unit: bytes of UTF-8. */
export const glimpseBytesMax = 120;

/** What changes with each commit; type and id do not. */
export interface ActorFacts {
  revision: number;
  changedAtMs: number;
  bytes: number;
  pendingSends: number;
  isStopped: boolean;
  trace: string | null;
  glimpse: string;
}

const outboxMark = Buffer.from('"outbox":[');
const stoppedMark = Buffer.from('"stopped":{');
const traceMark = Buffer.from('"trace":"');
/** Of a trace id, and what stands behind it. */
const [traceBytes, endBytes] = [32, 2];

export function factsOf({ value, revision, writtenAtMs }: KvEntry): ActorFacts {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const mayBeMore = bytes.includes(outboxMark) || bytes.includes(stoppedMark);
  const { pendingSends, isStopped } = mayBeMore ? parsed(bytes) : nothing;
  return {
    ...{ revision, changedAtMs: writtenAtMs, bytes: bytes.length, pendingSends, isStopped },
    ...{ trace: traceOf(bytes), glimpse: glimpseOf(bytes) },
  };
}

const nothing = { pendingSends: 0, isStopped: false };

function parsed(value: Buffer): typeof nothing {
  try {
    const { outbox, stopped } = JSON.parse(withoutState(value).toString()) as { outbox?: unknown; stopped?: unknown };
    return { pendingSends: Array.isArray(outbox) ? outbox.length : 0, isStopped: stopped !== undefined };
  } catch {
    // Not one of ours: `GET /api/actors/:type/:id` says what is wrong with it.
    return nothing;
  }
}

// Texts are read out of the bytes at their exact length: a part of a longer text would keep all of that in memory.

function traceOf(value: Buffer): string | null {
  const end = value.length - endBytes;
  const from = end - traceBytes;
  const isTraced = from >= traceMark.length && value.subarray(from - traceMark.length, from).equals(traceMark);
  return isTraced ? value.toString("latin1", from, end) : null;
}

/** The beginning of the state's JSON; of another value its own beginning. */
function glimpseOf(value: Buffer): string {
  const isOurs = beginsWithState(value);
  const from = isOurs ? stateFrom : 0;
  const most = Math.min(value.length, from + glimpseBytesMax);
  let end = isOurs ? endOfJson(value, from, most) : most;
  // Not in the middle of a character.
  while (end > from && ((value[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return value.toString("utf8", from, end);
}
