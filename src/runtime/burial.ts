// Keeps what was given up on among the dead letters, however long that takes (P7). The id of a dead letter is made of its
// place in the mail, so that whoever tries again keeps it once.

import type { OutboxDead } from "../actors/snapshot.ts";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import { messageOf } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import { addressOf } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { endSpan, traceIdOf, traceparentOf } from "../core/trace.ts";
import type { Letter, Mail } from "./mail.ts";
import { startBury } from "./spans.ts";

/** A partition, as far as burying needs it. */
export interface BurialPlace {
  readonly clock: Clock;
  readonly events: EventStream;
  readonly log: Logger;
  readonly mail: Mail;
  readonly partition: number;
  /** Aborts when this worker no longer owns the partition. */
  readonly lost: AbortSignal;
}

export interface Verdict {
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
}

const buryTimeoutMs = 5_000;
const againMsMax = 2_000;
/** Looks at the mail before a message counts as gone from it: what answers may be a follower that lags. */
const looksMax = 10;

/** What a message is called that came without an id. */
export const mailId = (sequence: number): string => `mail-${sequence}`;

/** Resolves when it is kept; false when ownership was lost before. */
export async function buryLetter(place: BurialPlace, letter: Letter, verdict: Verdict): Promise<boolean> {
  const { mail, partition, lost, events } = place;
  const { code, message, attempts } = verdict;
  const { key, method, sequence, meta } = letter;
  const messageId = meta.messageId ?? mailId(sequence);
  const span = startBury({ partition, key, method }, messageId, meta.trace);
  const trace = traceparentOf(span, meta.trace);
  const kept: Letter = { ...letter, meta: { ...meta, trace } };
  for (let attempt = 0; !lost.aborted; attempt += 1) {
    const outcome = await mail.bury({ letter: kept, partition, code, message, attempts }, buryTimeoutMs);
    if (outcome.kind === "accepted") {
      endSpan(span, { code, message });
      // Whoever buried it before has told of it; what an attempt before has stored unheard is news all the same.
      if (outcome.isDuplicate && attempt === 0) return true;
      const actor = addressOf(key) ?? { type: key, id: "" };
      const event = { kind: "dead-lettered", actor, method, messageId, sequence, code, message } as const;
      const traceId = traceIdOf(trace);
      events.emit(traceId === undefined ? event : { ...event, trace: traceId });
      return true;
    }
    await waitAgain(place, attempt);
  }
  endSpan(span, { code: "FENCED", message: "ownership was lost before the message was kept" });
  return false;
}

/** The same for what a commit has given up on: the message is read from the mail again. */
export async function buryStored(place: BurialPlace, key: string, { dead, trace }: OutboxDead): Promise<boolean> {
  const { seq, method, code, reason, attempts, input } = dead;
  const found = await readLetter(place, key, seq);
  if (place.lost.aborted) return false;
  if (found !== undefined) {
    const letter = trace === undefined ? found : { ...found, meta: { ...found.meta, trace } };
    return buryLetter(place, letter, { code, message: reason, attempts });
  }
  if (input !== undefined) {
    const fired = { key, method, payload: encodeText(JSON.stringify(input)), sequence: seq, meta: { trace } };
    return buryLetter(place, fired, { code, message: reason, attempts });
  }
  // Somebody has emptied the mailbox. That it was there, and why it was given up on, is still kept.
  const rest = { key, method, payload: new Uint8Array(0), sequence: seq, meta: { trace } };
  return buryLetter(place, rest, { code, message: `${reason} (the message itself was removed)`, attempts });
}

async function readLetter(place: BurialPlace, key: string, sequence: number): Promise<Letter | undefined> {
  const { mail, partition, lost, log } = place;
  for (let attempt = 0, looks = 0; looks < looksMax && !lost.aborted; attempt += 1) {
    try {
      const [letter] = await mail.readMailbox(partition, key, sequence, 1);
      if (letter?.sequence === sequence) return letter;
      looks += 1;
    } catch (thrown) {
      log.warn(
        { partition, error: messageOf(thrown) },
        "a message that was given up on could not be read, trying again",
      );
    }
    await waitAgain(place, attempt);
  }
  return undefined;
}

/** Waits before the next attempt: each time longer, and no longer than ownership lasts. */
export function waitAgain({ clock, lost }: Pick<BurialPlace, "clock" | "lost">, attempt: number): Promise<void> {
  return delay(clock, Math.min(againMsMax, 50 * 2 ** attempt), lost);
}
