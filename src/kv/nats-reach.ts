// Whether a stream can be reached from the server that a connection is to. Each server of a cluster learns in its own time
// which subjects the others take in: for some milliseconds after a stream was made, by whomever, a write through another
// server than its leader's finds nobody, and so does a direct read.

import type { MsgHdrs } from "@nats-io/transport-node";
import { delay, systemClock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import { type NatsLink, rawHeaders } from "./nats-link.ts";

export interface Reach {
  readonly stream: string;
  /** One that the stream takes in; nothing is stored under it. */
  readonly subject: string;
}

const nothing = new Uint8Array(0);
/** No stream is called that, since a name may not hold a dot: the leader refuses what expects it. */
const expectsAnother = rawHeaders(["Nats-Expected-Stream: no.stream"]);
const triesMax = 500;
const againMs = 20;
/** A client that may not write, or not read, needs no wait either: whoever asks next is told so. Unit: ms. */
const answerMsMax = 1_000;

/** Waits until writes to the stream and direct reads find somebody. Rejects with SERVER_UNREACHABLE after 10 s. */
export async function untilReached(link: NatsLink, { stream, subject }: Reach): Promise<void> {
  await Promise.all([
    untilSomebody(link, subject, expectsAnother),
    untilSomebody(link, `$JS.API.DIRECT.GET.${stream}.${subject}`),
  ]);
}

async function untilSomebody(link: NatsLink, subject: string, headers?: MsgHdrs): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const answer = await link.request(subject, nothing, answerMsMax, headers);
    if (answer.kind !== "nobody") return;
    if (tries === triesMax) throw new TroupeError("SERVER_UNREACHABLE", `${subject}: no server takes it in now`);
    await delay(systemClock, againMs);
  }
}
