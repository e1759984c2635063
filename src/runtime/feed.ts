// What happens in the workers of an app, as they tell it to whoever asks: a client follows those that it names, and asks them
// again before they stop.

import type { Clock } from "../core/clock.ts";
import type { FeedFilter, FeedWish } from "./control.ts";
import { wishFeed } from "./control.ts";
import type { FeedBatch } from "./feed-item.ts";
import { readBatch } from "./feed-item.ts";
import type { Mail, MailServer } from "./mail.ts";

export interface FeedOptions {
  readonly mail: Mail;
  readonly clock: Clock;
  /** Ordinary items at most in a second and of each worker. Default 100. */
  readonly perSecond?: number;
  /** Default: all. */
  readonly only?: FeedFilter;
  /** Must not throw. */
  readonly onBatch: (batch: FeedBatch) => void;
}

export interface Feed extends AsyncDisposable {
  /** From now on these workers and no others. */
  follow(workers: readonly string[]): void;
  /** Idempotent. What is under way may still come. */
  close(): Promise<void>;
}

/** How often the wish is renewed, and how long a worker holds to it. Unit: ms. */
const renewEveryMs = 2_000;
const forMs = 5_000;
const askMsMax = 1_500;

/** Follows nobody until it is told whom. */
export function openFeed(options: FeedOptions): Feed {
  return new WorkersFeed(options);
}

class WorkersFeed implements Feed {
  readonly #options: FeedOptions;
  readonly #wish: FeedWish;
  /** By worker. */
  readonly #followed = new Map<string, Promise<MailServer | undefined>>();
  #cancelRenewal: (() => void) | undefined;
  #isClosed = false;

  constructor(options: FeedOptions) {
    const { perSecond = 100, only } = options;
    this.#options = options;
    this.#wish = { forMs, perSecond, ...(only === undefined ? {} : { only }) };
  }

  follow(workers: readonly string[]): void {
    if (this.#isClosed) return;
    const wanted = new Set(workers);
    for (const worker of [...this.#followed.keys()]) if (!wanted.has(worker)) void this.#leave(worker);
    for (const worker of wanted) if (!this.#followed.has(worker)) this.#followed.set(worker, this.#join(worker));
    this.#cancelRenewal ??= this.#options.clock.after(renewEveryMs, () => this.#renew());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRenewal?.();
    await Promise.all([...this.#followed.keys()].map((worker) => this.#leave(worker)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Undefined when it could not be subscribed to: then it is not followed, and whoever names it again tries again. */
  async #join(worker: string): Promise<MailServer | undefined> {
    try {
      const server = await this.#options.mail.followFeed(worker, (payload) => this.#take(worker, payload));
      this.#ask(worker);
      return server;
    } catch {
      this.#followed.delete(worker); // The mail is closed, or the server is away and did not come back in time.
      return undefined;
    }
  }

  async #leave(worker: string): Promise<void> {
    const joining = this.#followed.get(worker);
    this.#followed.delete(worker);
    await (await joining)?.close();
  }

  #renew(): void {
    for (const worker of this.#followed.keys()) this.#ask(worker);
    this.#cancelRenewal = this.#options.clock.after(renewEveryMs, () => this.#renew());
  }

  #ask(worker: string): void {
    // One that is not heard is renewed soon; a worker that is gone says nothing anyway.
    wishFeed(this.#options.mail, worker, this.#wish, askMsMax).catch(() => undefined);
  }

  #take(worker: string, payload: Uint8Array): void {
    const batch = this.#isClosed ? undefined : readBatch(payload, worker, this.#wish);
    if (batch !== undefined) this.#options.onBatch(batch);
  }
}
