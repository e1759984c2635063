// Everything of a bucket that is stored now and matches: for lists and histories.

import type { Clock } from "../core/clock.ts";
import { TroupeError } from "../core/errors.ts";
import type { Bucket } from "./nats-bucket.ts";
import type { NatsLink } from "./nats-link.ts";
import { openReader, type StoredMessage } from "./nats-reader.ts";

/** A snapshot that nothing has come for in this time is given up. Unit: ms. */
const silenceMsMax = 10_000;

export interface SnapshotRequest {
  readonly link: NatsLink;
  readonly bucket: Bucket;
  readonly clock: Clock;
  readonly filter: string;
  /** "last": the last message of each subject; "all": every one that is kept. */
  readonly which: "last" | "all";
  readonly headersOnly: boolean;
  readonly onMessage: (message: StoredMessage) => void;
  /** It begins anew: what came before does not count. */
  readonly onRestarted: () => void;
}

/** Resolves when all has been handed over. */
export async function readSnapshot(request: SnapshotRequest): Promise<void> {
  const { link, bucket, clock, filter, which, headersOnly, onRestarted } = request;
  let isAlive = true;
  let cancel = () => {};
  const done = Promise.withResolvers<void>();
  const opening = openReader({
    link,
    clock,
    stream: bucket.stream,
    filters: [bucket.prefix + filter],
    from: which === "last" ? "last" : 1,
    headersOnly,
    role: "list",
    onMessage: (message) => {
      isAlive = true;
      request.onMessage(message);
    },
    onRestarted,
    onCurrent: () => done.resolve(),
    onLost: done.reject,
  });
  const watch = () => {
    cancel = clock.after(silenceMsMax, () => {
      if (isAlive) watch();
      else done.reject(new TroupeError("SERVER_UNREACHABLE", `${bucket.stream}: no answer in time`));
      isAlive = false;
    });
  };
  watch();
  // A failure of the opening is thrown below; this promise must not be the second to tell of it.
  done.promise.catch(() => undefined);
  try {
    await using _reader = await opening;
    await done.promise;
  } finally {
    cancel();
  }
}
