// Actors whose turns have failed lately, as the workers tell. Of asks the asker hears; here are those that a message was tried
// again for, given up on or stopped at.
//
//   F1. It holds the last failure of each of at most `actorsMax` actors, for five minutes.

import type { Clock } from "../core/clock.ts";
import type { RuntimeEvent } from "../core/events.ts";
import { addressOf, keyOfPrinted, printAddress } from "../core/ids.ts";
import type { Feed } from "../runtime/feed.ts";
import { openFeed } from "../runtime/feed.ts";
import type { FeedBatch } from "../runtime/feed-item.ts";
import type { Mail } from "../runtime/mail.ts";

const failures: readonly RuntimeEvent["kind"][] = [
  ...(["turn-retried", "dead-lettered", "actor-stopped", "escalated", "commit-refused", "memory-refused"] as const),
];
/** How long a failure counts. Unit: ms. */
const heldMs = 300_000;
const actorsMax = 10_000;

export interface RecentFailuresOptions {
  readonly mail: Mail;
  readonly clock: Clock;
}

export class RecentFailures implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #feed: Feed;
  /** Keys of actors, the one that failed last at the end. */
  readonly #failed = new Map<string, number>();

  constructor({ mail, clock }: RecentFailuresOptions) {
    this.#clock = clock;
    // All of these are what an operator must know: whoever asks for nothing ordinary makes no worker build an event for it.
    const onBatch = (batch: FeedBatch) => this.#take(batch);
    this.#feed = openFeed({ mail, clock, perSecond: 0, only: { kinds: failures }, onBatch });
  }

  /** From now on these workers are listened to. */
  follow(workers: readonly string[]): void {
    this.#feed.follow(workers);
  }

  has(key: string): boolean {
    const atMs = this.#failed.get(key);
    return atMs !== undefined && this.#clock.now() - atMs < heldMs;
  }

  get size(): number {
    this.#letGo();
    return this.#failed.size;
  }

  /** `type/id` of the one that failed last. */
  get lastActor(): string | undefined {
    const address = addressOf([...this.#failed.keys()].at(-1) ?? "");
    return address === undefined ? undefined : printAddress(address);
  }

  close(): Promise<void> {
    return this.#feed.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take({ items }: FeedBatch): void {
    for (const { actor } of items) {
      const key = actor === null ? undefined : keyOfPrinted(actor);
      if (key === undefined) continue;
      this.#failed.delete(key);
      this.#failed.set(key, this.#clock.now());
    }
    this.#letGo();
  }

  /** F1: the oldest stand first. */
  #letGo(): void {
    for (const [key, atMs] of this.#failed) {
      if (this.#failed.size <= actorsMax && this.#clock.now() - atMs < heldMs) return;
      this.#failed.delete(key);
    }
  }
}
