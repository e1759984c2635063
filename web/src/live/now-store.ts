// The last ten minutes, second by second, for the charts, and how it stands now. The page's header needs it whatever is looked at.

import { signal } from "@preact/signals";
import type { NowView, PastView, Second } from "../../../src/monitoring/dashboard/api/now.ts";
import type { AppView } from "../../../src/monitoring/dashboard/api/page.ts";
import { noteServerTime } from "../page-clock.ts";
import { get } from "./api-client.ts";
import { joined } from "./joined-seconds.ts";
import { listen, whenConnected } from "./live.ts";

export const app = signal<AppView | null>(null);
export const now = signal<NowView | null>(null);
/** Oldest first, at most ten minutes. */
export const seconds = signal<readonly Second[]>([]);

/** The stream may have been away: the server has kept what happened meanwhile. */
async function readPast(): Promise<void> {
  const [about, past] = await Promise.all([get<AppView>("app"), get<PastView>("now/past")]);
  noteServerTime(about.nowMs);
  app.value = about;
  seconds.value = joined(past.seconds, seconds.peek());
}

export function startNow(): void {
  listen("now", (view) => {
    noteServerTime(view.atMs);
    now.value = view;
    seconds.value = joined(seconds.peek(), [view.second]);
  });
  // When this fails the stream has failed too, or will: it says so, and this is tried again when it is back.
  whenConnected(() => readPast().catch(() => undefined));
}
