// How fast something grows and when it is full, in words that tell a person what it means for them.

import type { StreamRow } from "../../../src/monitoring/dashboard/api/memory.ts";
import { bytes } from "../format/figures.ts";
import type { Tone } from "../parts/tone.ts";

export interface Forecast {
  readonly tone: Tone;
  readonly text: string;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Of the limit: whatever the growth, that is little room. */
const nearlyFull = 0.9;

/** Slower growth than this is none: it would take longer than ten years to fill anything that has a limit. Unit: bytes an hour. */
const noticeablePerHour = 1;

export function growthOf(bytesPerHour: number | null): string {
  if (bytesPerHour === null) return "not known yet";
  if (Math.abs(bytesPerHour) < noticeablePerHour) return "does not grow";
  const sign = bytesPerHour < 0 ? "−" : "+";
  return `${sign}${bytes(Math.abs(bytesPerHour))}/h`;
}

export function forecastOf(
  stream: Pick<StreamRow, "bytes" | "bytesMax" | "bytesPerHour" | "fullAtMs">,
  nowMs: number,
): Forecast {
  const { bytesMax, bytesPerHour, fullAtMs } = stream;
  if (bytesMax === null) return { tone: "quiet", text: "no limit" };
  const used = bytesMax === 0 ? 1 : stream.bytes / bytesMax;
  if (used >= 1) return { tone: "problem", text: "full now" };
  if (fullAtMs !== null) {
    const leftMs = fullAtMs - nowMs;
    if (leftMs <= hourMs) return { tone: "problem", text: `full ${inWords(leftMs)}` };
    return { tone: leftMs <= dayMs || used >= nearlyFull ? "warning" : "quiet", text: `full ${inWords(leftMs)}` };
  }
  const tone = used >= nearlyFull ? "warning" : "quiet";
  if (bytesPerHour === null) return { tone, text: "watched for too short a time to say" };
  if (Math.abs(bytesPerHour) < noticeablePerHour) return { tone, text: "does not fill up as it goes now" };
  return { tone, text: bytesPerHour < 0 ? "shrinks" : "not within the next years" };
}

/** Rough on purpose: a forecast is no timetable. */
export function inWords(ms: number): string {
  if (ms < 60_000) return "within a minute";
  const steps = [
    [60_000, hourMs, "minute"],
    [hourMs, 2 * dayMs, "hour"],
    [dayMs, 60 * dayMs, "day"],
    [30 * dayMs, 730 * dayMs, "month"],
  ] as const;
  for (const [unit, below, name] of steps) {
    if (ms >= below) continue;
    const number = Math.max(1, Math.round(ms / unit));
    return `in about ${number} ${name}${number === 1 ? "" : "s"}`;
  }
  return "in more than 2 years";
}

type Past = StreamRow["past"];

/** Points of several streams on common times. Each is looked at at moments of its own: until the next, what was last seen holds. */
export function alignedOf(pasts: readonly Past[]): {
  readonly times: readonly number[];
  /** One to each past, as long as `times`; null: it was not looked at yet. */
  readonly lines: readonly (readonly (number | null)[])[];
} {
  const times = [...new Set(pasts.flatMap((past) => past.map(({ atMs }) => atMs)))].sort((one, other) => one - other);
  const lines = pasts.map((past) => {
    let at = 0;
    return times.map((time) => {
      while (at < past.length && (past[at]?.atMs ?? 0) <= time) at += 1;
      return past[at - 1]?.bytes ?? null;
    });
  });
  return { times, lines };
}
