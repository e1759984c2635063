// A worker's feed: what happens in it, told to whoever wants to see it at the moment, four times a second.
//
//   D1. Nobody asks: it costs nothing. There is no listener, and no clock runs. Who asks for nothing ordinary has no event
//       built that is not there anyway.
//   D2. Each wish has a share of its own: at most `perSecond` ordinary items in each second, the first of each quarter of it.
//       What it asks for and nobody's share had room for is counted in what was skipped for it. What an operator must know
//       (warnings, errors) goes out besides.
//   D3. Bounded: by wishes, by items and by time; a wish that nobody renews ends by itself. What one message does not carry
//       goes out in several.

import type { Clock } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import type { EventStream, RuntimeEvent } from "../core/events.ts";
import type { FeedFilter, FeedWish } from "./control.ts";
import { wishName } from "./control.ts";
import { levelOf } from "./event-log.ts";
import type { ToldBatch, WorkerFeedItem } from "./feed-item.ts";
import { feedItemOf, isForFeed, passesEvent } from "./feed-item.ts";
import type { Mail } from "./mail.ts";

/** How often what has happened is told. Unit: ms. */
const everyMs = 250;
const batchesPerSecond = 1_000 / everyMs;
/** Wishes that differ, at a time; of more the one that ends first goes. */
const wishesMax = 16;
/** Warnings and errors that one batch holds. */
const notableMax = 500;

interface Standing {
  untilMs: number;
  readonly perSecond: number;
  readonly only: FeedFilter | undefined;
  /** Since the last batch: items of its share, and what there was no room for. */
  ordinary: number;
  skipped: number;
}

export interface WorkerFeedOptions {
  readonly worker: string;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly events: EventStream;
}

export class WorkerFeed {
  readonly #options: WorkerFeedOptions;
  /** By what is wanted, so that one that is renewed stands once. */
  readonly #wishes = new Map<string, Standing>();
  #items: WorkerFeedItem[] = [];
  #notable = 0;
  #stopListening: (() => unknown) | undefined;
  #hearsAll = false;
  #cancelBatch: (() => void) | undefined;

  constructor(options: WorkerFeedOptions) {
    this.#options = options;
  }

  want({ forMs, perSecond, only }: FeedWish): void {
    const name = wishName(perSecond, only);
    const untilMs = this.#options.clock.monotonicMs() + forMs;
    const standing = this.#wishes.get(name);
    if (standing !== undefined) standing.untilMs = untilMs;
    else this.#wishes.set(name, { untilMs, perSecond, only, ordinary: 0, skipped: 0 });
    if (this.#wishes.size > wishesMax) {
      const [[first] = [""]] = [...this.#wishes].sort(([, one], [, other]) => one.untilMs - other.untilMs);
      this.#wishes.delete(first);
    }
    this.#listen();
    this.#cancelBatch ??= this.#tellLater();
  }

  close(): void {
    this.#wishes.clear();
    this.#stopListening?.();
    this.#cancelBatch?.();
    this.#stopListening = undefined;
    this.#cancelBatch = undefined;
  }

  #listen(): void {
    const { events } = this.#options;
    const wantsAll = [...this.#wishes.values()].some(({ perSecond }) => perSecond > 0);
    if (this.#stopListening !== undefined && wantsAll === this.#hearsAll) return;
    this.#stopListening?.();
    this.#hearsAll = wantsAll;
    const take = (event: RuntimeEvent) => this.#take(event);
    this.#stopListening = wantsAll ? events.listen(take) : events.listenToNotable(take); // D1
  }

  #take(event: RuntimeEvent): void {
    if (!isForFeed(event)) return;
    const level = levelOf(event);
    const isNotable = level === "warn" || level === "error";
    const hasRoom = this.#notable < notableMax;
    let isTold = false;
    for (const wish of this.#wishes.values()) {
      if (!(isNotable ? hasRoom : wish.ordinary < wish.perSecond / batchesPerSecond)) continue;
      if (!passesEvent(event, wish.only)) continue;
      if (!isNotable) wish.ordinary += 1;
      isTold = true;
    }
    if (!isTold) return this.#skip(event, isNotable);
    if (isNotable) this.#notable += 1;
    this.#items.push(feedItemOf(event, this.#options.clock.now()));
  }

  /** Counts it for all that ask for it (D2). */
  #skip(event: RuntimeEvent, isNotable: boolean): void {
    for (const wish of this.#wishes.values()) {
      if ((isNotable || wish.perSecond > 0) && passesEvent(event, wish.only)) wish.skipped += 1;
    }
  }

  #tellLater(): () => void {
    return this.#options.clock.after(everyMs, () => this.#tell());
  }

  #tell(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const skipped: Record<string, number> = {};
    for (const [name, wish] of this.#wishes) {
      if (wish.skipped > 0) skipped[name] = wish.skipped;
      wish.ordinary = 0;
      wish.skipped = 0;
      if (wish.untilMs <= nowMs) this.#wishes.delete(name);
    }
    if (this.#items.length > 0 || Object.keys(skipped).length > 0) this.#publish(this.#items, skipped);
    this.#items = [];
    this.#notable = 0;
    if (this.#wishes.size === 0) return this.close(); // D1
    this.#listen();
    this.#cancelBatch = this.#tellLater();
  }

  /** In as many messages as it takes (D3). */
  #publish(items: readonly WorkerFeedItem[], skipped: ToldBatch["skipped"]): void {
    const { worker, mail, clock } = this.#options;
    const batch: ToldBatch = { worker, atMs: clock.now(), items, skipped };
    const payload = encodeText(JSON.stringify(batch));
    if (payload.length <= mail.payloadBytesMax || items.length < 2) return mail.publishFeed(worker, payload);
    const half = Math.floor(items.length / 2);
    this.#publish(items.slice(0, half), {});
    this.#publish(items.slice(half), skipped);
  }
}
