// A core subject that is served: the server knows of it before anybody is told, and it is heard out when it ends.

import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { NatsLink } from "../kv/nats-link.ts";
import { guarded } from "./guarded.ts";

/** How long the server may take to hear that a subject is served: until then it is connected to again. Unit: ms. */
const subscribeMsMax = 15_000;
/** How long the server may take to hear that a subject is no longer served. Unit: ms. */
const unsubscribeMsMax = 2_000;

export interface ServingOptions {
  readonly link: NatsLink;
  readonly clock: Clock;
  /** Resolves when everything ends. */
  readonly closing: Promise<void>;
  readonly subject: string;
  /** Of all that serve it under one name one gets each message. */
  readonly queue?: string;
  readonly onMessage: (message: Msg) => void;
}

export interface Serving {
  /** What is under way when the server hears of it is still taken, unless `isAbrupt`. */
  close(options: { readonly isAbrupt: boolean }): Promise<void>;
}

/** Resolves when the server knows of it. Rejects with STORE_FAILED (refused), SERVER_UNREACHABLE or CLOSED. */
export async function openServing(options: ServingOptions): Promise<Serving> {
  const { link, subject, queue, onMessage } = options;
  let refused: Error | undefined;
  const callback = (error: Error | null, message: Msg) => {
    if (error !== null) refused = error;
    else guarded(onMessage, message);
  };
  const subscription = link.connection.subscribe(subject, queue === undefined ? { callback } : { queue, callback });
  const serving: Serving = { close: ({ isAbrupt }) => end(options, subscription, isAbrupt) };
  try {
    await settle(options);
  } catch (thrown) {
    await serving.close({ isAbrupt: true });
    throw thrown;
  }
  if (refused === undefined) return serving;
  await serving.close({ isAbrupt: true });
  throw new TroupeError("STORE_FAILED", `cannot serve ${subject}: ${messageOf(refused)}`, { cause: refused });
}

/** What is under way when the server hears of it is still taken, or its asker would wait in vain until its deadline. */
async function end(
  { link, clock, closing }: ServingOptions,
  subscription: Subscription,
  isAbrupt: boolean,
): Promise<void> {
  if (!isAbrupt && link.isConnected && !subscription.isClosed()) {
    const overdue = new AbortController();
    const late = delay(clock, unsubscribeMsMax, overdue.signal);
    await Promise.race([subscription.drain(), closing, late]).catch(() => undefined);
    overdue.abort();
  }
  subscription.unsubscribe();
}

/** A round trip to the server. After a break the client subscribes again by itself, before anything else. */
async function settle({ link, clock, closing }: ServingOptions): Promise<void> {
  const { connection } = link;
  const settled = new AbortController();
  const late = delay(clock, subscribeMsMax, settled.signal).then(() => "late" as const);
  const closed = Promise.race([connection.closed(), closing]).then(() => "closed" as const);
  try {
    for (let heard = ""; heard !== "known"; ) {
      if (heard === "closed" || connection.isClosed()) throw new TroupeError("CLOSED", "the connection is closed");
      if (heard === "late") {
        throw new TroupeError("SERVER_UNREACHABLE", "the server did not hear what is served here");
      }
      if (!link.isConnected) await Promise.race([closed, late, reconnectionOf(link)]);
      const flushed = connection.flush().then(
        () => "known",
        () => "broken",
      );
      heard = await Promise.race([closed, late, flushed]);
    }
  } finally {
    settled.abort();
  }
}

function reconnectionOf(link: NatsLink): Promise<void> {
  return new Promise((resolve) => {
    const stop = link.onReconnected(() => {
      stop();
      resolve();
    });
  });
}
