// An actor's timers: what stands of them in its committed value, and the door at which they are checked. The server fires
// them (the Mail port's M6); what a firing may do is decided here and in `apply-turn.ts`, by the committed value alone.
//
//   T1. A timer is known by its name and the number that it was given when it was set. A firing counts only while the
//       value holds that name with that number; a number never comes back.
//   T2. What is accepted here the server accepts: points in time that its clock can count, whole seconds, its cron.

import { nextCronMs, parseCron, previousCronMs, timeZoneOf } from "../core/cron.ts";
import { TroupeError } from "../core/errors.ts";
import { idBytesMax } from "../core/ids.ts";

/** Timers of one actor. Each stands in its value, which is written whole with each commit. */
export const timersMax = 64;
/** The server counts nanoseconds since 1970 in 63 bits; what is later would fire at once. Unit: ms. */
export const timerAtMsMax = 9_223_372_036_000;
/** Longest interval: 100 years. Unit: ms. */
export const timerEveryMsMax = 100 * 365 * 86_400_000;
export const timerEveryMsMin = 1_000;
/** Longest cron expression: it travels in a header. Unit: characters. */
const cronLengthMax = 256;

export type TimerWhen =
  | { readonly kind: "at"; readonly atMs: number }
  | { readonly kind: "every"; readonly everyMs: number }
  /** `cron` in six fields. */
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string };

/** A timer before it has a number. */
export interface NewTimer {
  readonly method: string;
  /** The input's JSON; undefined when there is none. */
  readonly inputText: string | undefined;
  readonly when: TimerWhen;
}

export interface Timer extends NewTimer {
  readonly n: number;
}

/** By name. */
export type Timers = Readonly<Record<string, Timer>>;

export const noTimers: Timers = Object.freeze({});

/** What comes along with a message that a timer has sent. */
export interface TimerFiring {
  readonly name: string;
  readonly number: number;
  /** When it fires again; undefined for one that fires once. Unit: ms since the epoch. */
  readonly nextMs: number | undefined;
}

/** What all timers take. */
export interface TimerOptions {
  /** Default: the method's. Up to 256 bytes. */
  readonly name?: string;
  /** The method's argument. */
  readonly input?: unknown;
}

export type TellLaterOptions = TimerOptions &
  (
    | {
        /** Unit: ms, 0 or more. */
        readonly afterMs: number;
        readonly at?: undefined;
      }
    | {
        /** A point in time, as a `Date` or in ms since the epoch. One that has passed is due at once. */
        readonly at: Date | number;
        readonly afterMs?: undefined;
      }
  );

export interface EveryOptions extends TimerOptions {
  /** Whole seconds, 1,000 or more; the first time after one interval. Unit: ms. */
  readonly everyMs: number;
}

export interface CronOptions extends TimerOptions {
  /** Five fields, or six with seconds: `0 9 * * MON-FRI`. */
  readonly cron: string;
  /** An IANA name such as `Europe/Berlin`. Default: UTC. */
  readonly timeZone?: string;
}

export function timerOf(timers: Timers, name: string): Timer | undefined {
  return Object.hasOwn(timers, name) ? timers[name] : undefined;
}

/** Whether the firing is of a timer that stands (T1). */
export function isCurrent(timers: Timers, firing: TimerFiring): boolean {
  return timerOf(timers, firing.name)?.n === firing.number;
}

export function withTimer(timers: Timers, name: string, timer: Timer): Timers {
  return { ...timers, [name]: timer };
}

export function withoutTimer(timers: Timers, name: string): Timers {
  const { [name]: _gone, ...others } = timers;
  return others;
}

/** The timers when the turn of this firing ends: one that fires once is over. */
export function withoutFired(timers: Timers, firing: TimerFiring | undefined): Timers {
  if (firing === undefined || !isCurrent(timers, firing)) return timers;
  return timerOf(timers, firing.name)?.when.kind === "at" ? withoutTimer(timers, firing.name) : timers;
}

/** When it is due first or next after a time; undefined when never. Unit: ms. */
export function nextDueMs(when: TimerWhen, afterMs: number): number | undefined {
  switch (when.kind) {
    case "at":
      return when.atMs;
    case "every": // The server counts from the whole second.
      return Math.round(afterMs / 1_000) * 1_000 + when.everyMs;
    case "cron": {
      const cron = parseCron(when.cron);
      return typeof cron === "string" ? undefined : nextCronMs(cron, when.timeZone, afterMs);
    }
  }
}

/** When the firing was due. Unit: ms. */
export function firedDueMs(when: TimerWhen, { nextMs }: TimerFiring, nowMs: number): number {
  switch (when.kind) {
    case "at":
      return when.atMs;
    case "every":
      return (nextMs ?? nowMs) - when.everyMs;
    case "cron": {
      const cron = parseCron(when.cron);
      const dueMs = typeof cron === "string" ? undefined : previousCronMs(cron, when.timeZone, nextMs ?? nowMs);
      return dueMs ?? nowMs;
    }
  }
}

/** The timer's name, else the method's. Throws TIMER_INVALID. */
export function checkedTimerName(name: unknown, method: string): string {
  const chosen = name ?? method;
  const isName = typeof chosen === "string" && chosen !== "" && chosen.isWellFormed();
  if (isName && Buffer.byteLength(chosen) <= idBytesMax) return chosen;
  throw invalid("`name`", `a string of 1 to ${idBytesMax} bytes`, chosen);
}

/** Throws TIMER_INVALID. */
export function checkedAt(options: TellLaterOptions, nowMs: number): TimerWhen {
  const { afterMs, at } = (options ?? {}) as { readonly afterMs?: unknown; readonly at?: unknown };
  if ((afterMs === undefined) === (at === undefined)) {
    throw new TroupeError("TIMER_INVALID", "a timer takes `afterMs` or `at`, one of the two");
  }
  if (afterMs !== undefined && !(typeof afterMs === "number" && afterMs >= 0 && nowMs + afterMs <= timerAtMsMax)) {
    throw invalid("`afterMs`", "0 or more, and not beyond the year 2262", afterMs);
  }
  const atMs = afterMs === undefined ? (at instanceof Date ? at.getTime() : at) : nowMs + (afterMs as number);
  if (!(typeof atMs === "number" && atMs <= timerAtMsMax && atMs >= -timerAtMsMax)) {
    throw invalid("`at`", "a point in time until the year 2262", at);
  }
  return { kind: "at", atMs: Math.max(0, Math.ceil(atMs)) };
}

/** Throws TIMER_INVALID. */
export function checkedEvery(options: EveryOptions): TimerWhen {
  const everyMs: unknown = options?.everyMs;
  const isWhole = typeof everyMs === "number" && everyMs % 1_000 === 0;
  if (isWhole && everyMs >= timerEveryMsMin && everyMs <= timerEveryMsMax) return { kind: "every", everyMs };
  throw invalid("`everyMs`", "whole seconds, from 1,000 ms to 100 years", everyMs);
}

/** Throws TIMER_INVALID. */
export function checkedCron(options: CronOptions, nowMs: number): TimerWhen {
  const { cron: text, timeZone: zone = "UTC" } = (options ?? {}) as { readonly cron?: unknown; timeZone?: unknown };
  const timeZone = typeof zone === "string" ? timeZoneOf(zone) : undefined;
  if (timeZone === undefined) throw invalid("`timeZone`", 'the IANA name of a time zone, as "Europe/Berlin"', zone);
  const isText = typeof text === "string" && text.length <= cronLengthMax;
  const cron = isText ? parseCron(text) : `it is no string of at most ${cronLengthMax} characters`;
  if (typeof cron === "string") {
    throw invalid("`cron`", 'a cron expression of 5 or 6 fields, as "0 9 * * MON-FRI"', text, cron);
  }
  if (nextCronMs(cron, timeZone, nowMs) === undefined) {
    throw invalid("`cron`", "an expression that comes true within five years", text);
  }
  return { kind: "cron", cron: cron.text, timeZone };
}

function invalid(what: string, wanted: string, got: unknown, why?: string): TroupeError {
  const shown = typeof got === "string" ? JSON.stringify(got) : String(got);
  return new TroupeError(
    "TIMER_INVALID",
    `${what} of a timer must be ${wanted}, got ${shown}${why === undefined ? "" : `: ${why}`}`,
  );
}

interface StoredTimer {
  readonly n: number;
  readonly method: string;
  readonly input?: unknown;
  /** ISO 8601. */
  readonly at?: string;
  readonly everyMs?: number;
  readonly cron?: string;
  readonly timeZone?: string;
}

/** As it stands in the committed value. */
export function printTimers(timers: Timers): string {
  const print = ([name, { n, method, inputText, when }]: [string, Timer]) => {
    const input = inputText === undefined ? "" : `,"input":${inputText}`;
    return `${JSON.stringify(name)}:{"n":${n},"method":"${method}"${input},${printWhen(when)}}`;
  };
  return `{${Object.entries(timers).map(print).join(",")}}`;
}

/** What `printTimers` has printed; timers of a form that is not known are left out. */
export function readTimers(stored: unknown): Timers {
  if (typeof stored !== "object" || stored === null) return noTimers;
  const read = Object.entries(stored as Record<string, StoredTimer>).flatMap(([name, timer]) => {
    const when = whenOf(timer);
    if (when === undefined) return [];
    const inputText = timer.input === undefined ? undefined : JSON.stringify(timer.input);
    return [[name, { n: timer.n, method: timer.method, inputText, when }] as const];
  });
  return read.length === 0 ? noTimers : Object.fromEntries(read);
}

function printWhen(when: TimerWhen): string {
  switch (when.kind) {
    case "at":
      return `"at":"${new Date(when.atMs).toISOString()}"`;
    case "every":
      return `"everyMs":${when.everyMs}`;
    case "cron":
      return `"cron":${JSON.stringify(when.cron)},"timeZone":${JSON.stringify(when.timeZone)}`;
  }
}

function whenOf({ at, everyMs, cron, timeZone = "UTC" }: StoredTimer): TimerWhen | undefined {
  if (at !== undefined) return { kind: "at", atMs: Date.parse(at) };
  if (everyMs !== undefined) return { kind: "every", everyMs };
  return cron === undefined ? undefined : { kind: "cron", cron, timeZone };
}
