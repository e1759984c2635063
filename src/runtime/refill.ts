// Reads again what a full mailbox left in the stream: until the mailbox is level with it, or to give up on all of it.

import type { Mailbox } from "../actors/mailbox.ts";
import { wakeMethod } from "../actors/system-methods.ts";
import { delay } from "../core/clock.ts";
import type { TroupeError } from "../core/errors.ts";
import type { Cell } from "./cell.ts";
import type { CellHost } from "./cell-host.ts";
import type { CellRunner } from "./cell-runner.ts";

/** Wait when the server did not show yet what was deferred (a follower that lags). Unit: ms. */
const againMs = 50;

/** Reads again for one mailbox, once at a time. `onQueued`: for each message that waits in it then. */
export class Refilling {
  readonly #read: () => Promise<void>;
  readonly #mailbox: Mailbox;
  #isUnderWay = false;

  constructor(host: CellHost, key: string, mailbox: Mailbox, onQueued: () => void) {
    this.#mailbox = mailbox;
    this.#read = () =>
      refillMailbox(host, key, mailbox, (count) => {
        for (let at = 0; at < count; at += 1) onQueued();
      });
  }

  begin(): void {
    if (this.#isUnderWay || this.#mailbox.refillFrom === undefined) return;
    this.#isUnderWay = true;
    void this.#read().finally(() => {
      this.#isUnderWay = false;
    });
  }
}

/** Ends when nothing is deferred any more, when the mailbox has no room, or when ownership is lost. */
async function refillMailbox(
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

/** Gives up on everything that waits for an actor whose value nothing can be done with. */
export async function buryWaiting(cell: Cell, mailbox: Mailbox, runner: CellRunner, error: TroupeError): Promise<void> {
  const { host, key } = cell;
  while (!host.lost.aborted) {
    const message = mailbox.take();
    runner.hold(message); // The cursor does not pass it before it is kept.
    if (message === undefined && mailbox.refillFrom === undefined) return;
    if (message === undefined) await refillMailbox(host, key, mailbox, () => {});
    else if (message.kind === "ask") message.answer({ kind: "error", error });
    else if (message.method !== wakeMethod) await host.bury(cell, message, error);
  }
}
