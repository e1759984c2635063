// When a timer is due, in words.

import type { TimerWhen } from "../actors/timer.ts";

/** `at 2026-11-23T09:00:00.000Z`, `every 60 s`, `0 0 9 * * mon-fri (Europe/Berlin)`. */
export function printWhen(when: TimerWhen): string {
  switch (when.kind) {
    case "at":
      return `at ${new Date(when.atMs).toISOString()}`;
    case "every":
      return `every ${when.everyMs / 1_000} s`;
    case "cron":
      return `${when.cron} (${when.timeZone})`;
  }
}
