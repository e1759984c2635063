// The numbers of the mail stream. Cursors, inboxes and the ids of dead letters trust that a number which was given out once
// means the message that it was given to, so none comes back:
//
//   Q1. A stream begins at the time at which it is made, in microseconds: made anew, it begins above all that the one before
//       has given out.
//   Q2. A stream that ends before a number which was given out (its last messages went with a power loss, or an older backup was
//       restored) is filled up to it before what comes then is taken. One that ends too far before is another stream: refused.

import { wakeMethod } from "../actors/system-methods.ts";
import { TroupeError } from "../core/errors.ts";
import type { LinkAnswer, NatsLink } from "../kv/nats-link.ts";
import { AckReader } from "./mail-ack.ts";
import type { Subjects } from "./subjects.ts";

/** The first number of a stream that is made now (Q1). */
export const firstNumber = (nowMs: number): number => nowMs * 1_000;

/** What a stream can have lost at its end: more than is sent between two syncs of a disk. */
const lostMax = 1_000_000;
/** Messages that are under way at once. */
const batch = 256;
const timeoutMs = 5_000;
const nothing = new Uint8Array(0);

export interface Gap {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  /** Whose mail the messages go to that fill it. */
  readonly partition: number;
  readonly endsAt: number;
  /** The highest number that was given out. */
  readonly upTo: number;
}

/** Closes the gap (Q2). Resolves with what is to be said of it; never rejects: what is not done is tried when it is met again. */
export async function fillUp(gap: Gap): Promise<TroupeError> {
  const { endsAt, upTo, subjects } = gap;
  const what = `the stream ${subjects.mailStream} ends at ${endsAt}, before ${upTo}, which was given out`;
  if (upTo - endsAt > lostMax) {
    const remedy = "restore it, or delete the state and cluster buckets with it";
    return new TroupeError("LAYOUT_MISMATCH", `${what}: it was made anew, and not by Troupe; ${remedy}`);
  }
  for (let end = endsAt; end < upTo; ) {
    const answers = await Promise.all(Array.from({ length: Math.min(batch, upTo - end) }, () => appendNothing(gap)));
    const acks = new AckReader(subjects.mailStream);
    const outcomes = answers.map((answer) => acks.outcomeOf(answer));
    const refused = outcomes.find(({ kind }) => kind !== "accepted");
    if (refused !== undefined && refused.kind !== "accepted") {
      return new TroupeError("STORE_FAILED", `${what}; filling it up failed: ${refused.reason}`);
    }
    end = Math.max(end, ...outcomes.map((outcome) => (outcome.kind === "accepted" ? outcome.sequence : 0)));
  }
  const lost = "its last messages are lost, though they were acknowledged";
  return new TroupeError("STORE_FAILED", `${what}: ${lost}; it has been filled up, and is read on from there`);
}

/** A wake of no actor: whoever reads it passes it by. */
function appendNothing({ link, subjects, partition }: Gap): Promise<LinkAnswer> {
  return link.request(subjects.mail(partition, "_._", wakeMethod), nothing, timeoutMs);
}
