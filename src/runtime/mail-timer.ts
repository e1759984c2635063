// A timer on its way to the server, and its firings on the way back. Shared by every implementation of the Mail port, so
// that all refuse the same and say the same.
//
// The server keeps a timer as a message of its own at `A.timer.<key>.<name>.<number>`, with the headers of `scheduleLines`
// and those of `firingLines`; what it appends at the time carries the latter. A firing lies in the actor's mailbox at the
// method `_timer-<number>`, which no user's method is called, and the header says which method is meant.

import type { TimerFiring, TimerWhen } from "../actors/timer.ts";
import { checkedAt, checkedCron, checkedEvery } from "../actors/timer.ts";
import { isTroupeError } from "../core/errors.ts";
import { escapeId, unescapeId } from "../core/ids.ts";
import { isTraceparent } from "../core/trace.ts";
import type { AppendOutcome, Letter, MailAddress, MailMeta, MailTimer, MailTimerId } from "./mail.ts";
import type { MailTarget } from "./mail-subject.ts";
import { timerMethod } from "./subjects.ts";

/** A firing, with the method that is meant. */
export interface MailFiring extends TimerFiring {
  readonly method: string;
}

export const timerHeaderNames = {
  /** `<number>.<name>.<method>`, the name escaped as an id is. */
  timer: "Troupe-Timer",
  /** Of the server: when it fires again, or `purge`. */
  next: "Nats-Schedule-Next",
} as const;

const timerForm = /^([0-9]{1,16})\.([A-Za-z0-9_=-]{1,768})\.([A-Za-z][A-Za-z0-9_-]{0,63})$/;

/** Why no server would take the timer; undefined when one would. */
export function refusalOf(when: TimerWhen, nowMs: number): (AppendOutcome & { readonly kind: "refused" }) | undefined {
  try {
    switch (when.kind) {
      case "at":
        checkedAt({ at: when.atMs }, nowMs);
        break;
      case "every":
        checkedEvery({ everyMs: when.everyMs });
        break;
      case "cron":
        checkedCron(when, nowMs);
    }
    return undefined;
  } catch (thrown) {
    if (isTroupeError(thrown)) return { kind: "refused", reason: thrown.message, isFinal: true };
    throw thrown;
  }
}

/** What comes out with each firing. */
export function firingLines(to: MailAddress, { name, number }: MailTimerId, trace: MailMeta["trace"]): string[] {
  const lines = [`${timerHeaderNames.timer}: ${number}.${escapeId(name)}.${to.method}`];
  if (trace !== undefined && isTraceparent(trace)) lines.push(`traceparent: ${trace}`);
  return lines;
}

/** What tells the server when, and where to. */
export function scheduleLines({ when }: MailTimer, target: string): string[] {
  return [`Nats-Schedule: ${specOf(when)}`, `Nats-Schedule-Target: ${target}`, ...repeatLines(when)];
}

/** What a header says of the firing; undefined when it is not in its form. */
export function readFiring(value: string): MailFiring | undefined {
  const [, digits = "", token = "", method = ""] = timerForm.exec(value) ?? [];
  const [number, name] = [Number(digits), unescapeId(token)];
  return digits === "" || name === undefined || !Number.isSafeInteger(number)
    ? undefined
    : { name, number, nextMs: undefined, method };
}

/** A stored message as a letter: a firing is one of the method that is meant. */
export function letterOf({ key, method }: MailTarget, payload: Uint8Array, meta: MailMeta, sequence: number): Letter {
  const { timer } = meta;
  const isFiring = timer !== undefined && method === timerMethod(timer.number);
  return { key, method: isFiring ? timer.method : method, payload, meta, sequence };
}

function specOf(when: TimerWhen): string {
  switch (when.kind) {
    case "at":
      return `@at ${new Date(Math.max(0, when.atMs)).toISOString()}`;
    case "every":
      return `@every ${when.everyMs / 1_000}s`;
    case "cron":
      return when.cron;
  }
}

/** Of a timer that repeats the last firing alone is kept until it is read: however long nobody reads, it is one message. */
function repeatLines(when: TimerWhen): string[] {
  switch (when.kind) {
    case "at":
      return [];
    case "every":
      return ["Nats-Schedule-Rollup: sub"];
    case "cron":
      return ["Nats-Schedule-Rollup: sub", `Nats-Schedule-Time-Zone: ${when.timeZone}`];
  }
}
