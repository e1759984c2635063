// Times for people. What is near is said as an age, and the exact time is always a hover or a screen reader away.

import { duration } from "./figures.ts";

/** "now" below two seconds, then "14 s ago"; a clock that is a little wrong makes no "in 1 s". */
export function ago(atMs: number, nowMs: number): string {
  const age = nowMs - atMs;
  if (age < -2_000) return `in ${duration(-age)}`;
  return age < 2_000 ? "now" : `${duration(Math.floor(age / 1_000) * 1_000)} ago`;
}

const two = (part: number): string => String(part).padStart(2, "0");

/** 04:12:07, where one is. */
export function timeOfDay(atMs: number): string {
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** 2026-11-23 04:12:07.123, where one is. */
export function exactTime(atMs: number): string {
  const at = new Date(atMs);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${timeOfDay(atMs)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
