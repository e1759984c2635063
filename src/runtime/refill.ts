// Reads again what a full mailbox left in the stream, until the mailbox is level with it.

import type { Mailbox } from "../actors/mailbox.ts";
import { delay } from "../core/clock.ts";
import type { CellHost } from "./cell-host.ts";

/** Wait when the server did not show yet what was deferred (a follower that lags). Unit: ms. */
const againMs = 50;

/** Ends when nothing is deferred any more, when the mailbox has no room, or when ownership is lost. */
export async function refillMailbox(
  host: CellHost,
  key: string,
  mailbox: Mailbox,
  onQueued: (count: number) => void,
): Promise<void> {
  for (let from = mailbox.refillFrom; from !== undefined && !host.lost.aborted; from = mailbox.refillFrom) {
    const queued = mailbox.refill(await host.readMailbox(key, from, mailbox.refillMost));
    if (queued > 0) onQueued(queued);
    else await delay(host.clock, againMs, host.lost);
  }
}
