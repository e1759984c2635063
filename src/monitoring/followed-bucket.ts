// A bucket that is looked at for as long as the process lives, and may not be there yet.
//
//   B1. What stands is told first, then each change; after every break, and when the place was lost, `restarted` comes first and what
//       stands is told again (P8).
//   B2. Nothing is made on the server: a bucket that is not there is looked for again. What is in it when it is found is news.

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import { isTroupeError, messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { KvChange, KvStore } from "../kv/store.ts";

export interface FollowOptions {
  readonly clock: Clock;
  /** Undefined while it is not there. Rejects while the server is away. */
  readonly open: () => Promise<KvStore | undefined>;
  readonly onChange: (change: KvChange) => void;
  readonly log?: Pick<Logger, "warn"> | undefined;
  /** How soon a bucket is looked for again. Unit: ms. Default 2,000. */
  readonly lookMs?: number | undefined;
}

/** Wait before a watch that has broken is begun again. Unit: ms. */
const againMs = 500;

export class FollowedBucket implements AsyncDisposable {
  readonly #options: FollowOptions;
  readonly #ended = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #isCurrent = false;
  #isBroken = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** All that stands has been told; also while there is no such bucket. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  start(): void {
    this.#following = this.#follow();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    const { clock, open, log, lookMs = 2_000 } = this.#options;
    const { signal } = this.#ended;
    let wasMissing = false;
    for (let isAgain = false; !signal.aborted; ) {
      let pauseMs = againMs;
      try {
        const store = await open();
        if (store === undefined) pauseMs = lookMs;
        else await this.#watch(store, isAgain, wasMissing);
        wasMissing = store === undefined;
        isAgain ||= store !== undefined;
        this.#isCurrent = store === undefined;
        if (store === undefined) this.#noteWhole();
      } catch (thrown) {
        this.#isCurrent = false;
        if (isTroupeError(thrown) && thrown.code === "CLOSED") return;
        // Once: an outage of a night is no reason for 60,000 lines among those that say who has done what.
        if (!this.#isBroken)
          log?.warn({ error: messageOf(thrown) }, "a watch has broken, and is begun again until it stands");
        this.#isBroken = true;
      }
      await delay(clock, pauseMs, signal);
    }
  }

  #noteWhole(): void {
    if (this.#isBroken) this.#options.log?.warn({}, "a watch that had broken stands again");
    this.#isBroken = false;
  }

  async #watch(store: KvStore, isAgain: boolean, wasMissing: boolean): Promise<void> {
    const { onChange } = this.#options;
    await using watcher = await store.watch(">", { signal: this.#ended.signal });
    this.#isCurrent = false;
    if (isAgain) onChange({ kind: "restarted", reason: "the watch was begun anew" }); // B1
    let isNews = wasMissing; // B2
    for await (const change of watcher) {
      if (change.kind !== "entry") isNews = false;
      if (change.kind === "restarted") this.#isCurrent = false;
      if (change.kind === "current") {
        this.#isCurrent = true;
        this.#noteWhole();
      }
      onChange(isNews && change.kind === "entry" ? { ...change, isSnapshot: false } : change);
    }
  }
}
