// The age of something, which grows by itself; the exact time shows on hover.

import { ago, exactTime } from "../format/times.ts";
import { secondNow } from "../page-clock.ts";

export function TimeAgo({ atMs }: { readonly atMs: number }) {
  return (
    <time class="time-ago" dateTime={new Date(atMs).toISOString()} title={exactTime(atMs)}>
      {ago(atMs, secondNow.value)}
    </time>
  );
}
