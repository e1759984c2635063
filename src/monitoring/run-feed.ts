// The runs of workflows as they change: one watch of the central bucket, for the index and for all who listen.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { KvChange, KvEntry, KvStore } from "../kv/store.ts";
import type { TroupeClient } from "../runtime/client.ts";
import type { Inspector } from "../runtime/inspect.ts";
import { FollowedBucket } from "./followed-bucket.ts";
import type { RunSummary } from "./run-index.ts";
import { RunIndex } from "./run-index.ts";

export interface RunFeedOptions {
  readonly clock: Clock;
  /** Undefined while there is none. */
  readonly openCentral: () => Promise<KvStore | undefined>;
  /** Told of each write of the bucket, whatever it holds. */
  readonly onWrite?: ((entry: KvEntry) => void) | undefined;
  /** Told of all that the watch says: what stands, and what changes. */
  readonly onChange?: ((change: KvChange) => void) | undefined;
  readonly log?: Pick<Logger, "warn"> | undefined;
}

type Listener = (run: RunSummary) => void;

/** Of an app on a server. It runs from `start` to `close`. */
export function runFeedOf(
  { troupe, inspector }: { readonly troupe: TroupeClient; readonly inspector: Inspector },
  options: Pick<RunFeedOptions, "onWrite" | "onChange" | "log"> = {},
): RunFeed {
  const { ports } = troupe;
  const openCentral = async () => ((await inspector.hasBucket("central")) ? ports.openCentral() : undefined);
  return new RunFeed({ ...options, clock: ports.clock, openCentral });
}

export class RunFeed implements AsyncDisposable {
  readonly index: RunIndex;
  readonly #listeners = new Set<Listener>();
  readonly #bucket: FollowedBucket;

  /** See `runFeedOf`. */
  constructor({ clock, openCentral, onWrite, onChange, log }: RunFeedOptions) {
    this.index = new RunIndex({ onRun: (run) => this.#tell(run) });
    this.#bucket = new FollowedBucket({
      ...{ clock, open: openCentral, log },
      onChange: (change) => {
        this.index.take(change);
        onChange?.(change);
        if (change.kind === "entry" && !change.isSnapshot) onWrite?.(change.entry);
      },
    });
  }

  /** All that stands has been read. */
  get isCurrent(): boolean {
    return this.#bucket.isCurrent;
  }

  /** Runs `listener` for each run that changes. Returns the function that stops it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    this.#bucket.start();
  }

  close(): Promise<void> {
    return this.#bucket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #tell(run: RunSummary): void {
    for (const listener of this.#listeners) listener(run);
  }
}
