// Which dead letters there are, without what they hold: for lists that are filtered and counted.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { headersOf } from "../kv/nats-link.ts";
import { openReader } from "../kv/nats-reader.ts";
import type { DeadLettersOptions } from "./dead-letters.ts";
import { deadHeaderNames } from "./mail-dead.ts";

export interface ListedLetter {
  /** Its place in the dead stream. */
  readonly sequence: number;
  /** Empty when its subject was no actor's. */
  readonly type: string;
  readonly code: string;
}

/** A list that nothing has come for in this time is given up. Unit: ms. */
const listMsMax = 10_000;

/** Those from a sequence on, oldest first. Rejects with STORE_FAILED, SERVER_UNREACHABLE. */
export async function listDeadLetters(
  { link, subjects }: DeadLettersOptions,
  clock: Clock,
  fromSequence: number,
): Promise<readonly ListedLetter[]> {
  const letters: ListedLetter[] = [];
  const prefixLength = `${subjects.app}.dead.`.length;
  const { promise: isRead, resolve, reject } = Promise.withResolvers<boolean>();
  const reader = await openReader({
    ...{ link, clock, stream: subjects.deadStream, filters: [], from: fromSequence },
    ...{ headersOnly: true, role: "dead", batch: 1_024 },
    onMessage: ({ subject, sequence, message }) => {
      const headers = headersOf(message);
      const code = headers === undefined || headers === "unreadable" ? "" : headers.get(deadHeaderNames.code);
      const key = subject.slice(prefixLength);
      letters.push({ sequence, type: key.slice(0, Math.max(0, key.indexOf("."))), code });
    },
    onRestarted: () => letters.splice(0),
    onCurrent: () => resolve(true),
    onLost: reject,
  });
  await using _reader = reader;
  const overdue = new AbortController();
  const late = delay(clock, listMsMax, overdue.signal).then(() => false);
  const isComplete = await Promise.race([isRead, late]).finally(() => overdue.abort());
  if (!isComplete) throw new TroupeError("SERVER_UNREACHABLE", `the dead letters were not listed in ${listMsMax} ms`);
  return letters;
}
