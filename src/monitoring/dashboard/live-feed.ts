// The topic `feed`: what happens in all workers, merged, a few times a second.
//
//   F1. What an operator must know (warnings, errors) comes before anything ordinary is shown; what is left out is counted (`skipped`),
//       here as in the workers.
//   F2. Nobody looks: no worker is asked, and it costs nothing (L3 of `live-hub.ts`).

import { addressOf } from "../../core/ids.ts";
import type { FeedFilter } from "../../runtime/control.ts";
import { openFeed } from "../../runtime/feed.ts";
import type { FeedBatch } from "../../runtime/feed-item.ts";
import type { FeedView } from "./api/live.ts";
import type { FeedItem } from "./api/messages.ts";
import type { LiveTopic } from "./live-topic.ts";
import type { DashboardSources } from "./sources.ts";

const publishEveryMs = 250;
/** Items of one event of the live stream. */
const itemsMax = 50;
/** What an operator must know, of one event. */
const notableMax = 200;
const nothing: FeedView = { items: [], skipped: 0, skippedNotable: 0 };

export function feedTopic(sources: Pick<DashboardSources, "troupe" | "clock" | "now">): LiveTopic<FeedView> {
  return { merge: mergeFeeds, open: (publish, asked) => publishFeed(sources, publish, asked) };
}

function publishFeed(
  { troupe, clock, now }: Pick<DashboardSources, "troupe" | "clock" | "now">,
  publish: (view: FeedView) => void,
  asked: string | undefined,
): () => void {
  let waiting = nothing;
  let cancel: (() => void) | undefined;
  const flush = () => {
    cancel = undefined;
    publish(waiting);
    waiting = nothing;
  };
  const only = filterOf(asked);
  const feed = openFeed({
    ...{ mail: troupe.ports.mail, clock, perSecond: itemsMax * (1_000 / publishEveryMs) },
    ...(only === undefined ? {} : { only }),
    onBatch: (batch) => {
      waiting = mergeFeeds(waiting, { ...nothing, items: itemsOf(batch), skipped: batch.skipped });
      cancel ??= clock.after(publishEveryMs, flush);
    },
  });
  const follow = () => feed.follow((now.cluster?.workers ?? []).map(({ worker }) => worker));
  const stop = now.onSecond(follow);
  follow();
  return () => {
    stop();
    cancel?.();
    void feed.close();
  };
}

/** What a page may ask for; what it does not name is all. */
export interface FeedQuery {
  readonly pattern?: string | undefined;
  readonly kind?: string | undefined;
  readonly method?: string | undefined;
  readonly level?: "warn" | "error" | undefined;
}

/** As the hub calls it: who asks for the same hears the same. */
export function feedAsked(query: FeedQuery): string | undefined {
  const only = feedFilterOf(query);
  return only === undefined ? undefined : JSON.stringify(only);
}

const filterOf = (asked: string | undefined): FeedFilter | undefined =>
  asked === undefined ? undefined : (JSON.parse(asked) as FeedFilter);

export function feedFilterOf({ pattern, kind, method, level }: FeedQuery): FeedFilter | undefined {
  const only: FeedFilter = {
    ...placeOf(pattern),
    ...(kind === undefined ? {} : { kinds: [kind] }),
    ...(method === undefined ? {} : { methods: [method] }),
    ...(level === undefined ? {} : { level }),
  };
  return Object.keys(only).length === 0 ? undefined : only;
}

/** `desk.*`: those of a type; `desk.t-1`: of one actor. Whatever else is asked for: all. */
function placeOf(pattern: string | undefined): Pick<FeedFilter, "types" | "actor"> | undefined {
  if (pattern === undefined) return undefined;
  const type = /^([A-Za-z][A-Za-z0-9_-]*)\.[*>]$/.exec(pattern)?.[1];
  if (type !== undefined) return { types: [type] };
  const address = addressOf(pattern);
  return address === undefined ? undefined : { actor: `${address.type}/${address.id}` };
}

function itemsOf({ worker, items }: FeedBatch): readonly FeedItem[] {
  return items.map((item) => ({ ...item, worker }));
}

/** Oldest first, by the workers' clocks (F1). Pure. */
export function mergeFeeds(older: FeedView, newer: FeedView): FeedView {
  const all = [...older.items, ...newer.items].sort((one, other) => one.atMs - other.atMs);
  const allNotable = all.filter(({ level }) => level !== "info");
  const notable = allNotable.slice(-notableMax);
  const room = Math.max(0, itemsMax - notable.length);
  const ordinary = room === 0 ? [] : all.filter(({ level }) => level === "info").slice(-room);
  const shown = new Set([...notable, ...ordinary]);
  const items = all.filter((item) => shown.has(item));
  return {
    items,
    skipped: older.skipped + newer.skipped + all.length - items.length,
    skippedNotable: older.skippedNotable + newer.skippedNotable + allNotable.length - notable.length,
  };
}
