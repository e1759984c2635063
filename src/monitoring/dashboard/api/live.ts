// GET /api/live?topics=now,changes,feed,runs[&pattern=desk.*][&kind=][&method=][&level=warn|error]: server-sent events, the name of each event is the topic and its data the
// type below. Besides, whatever is asked for, `health` when it changes. An event without news is not sent; a comment line
// each 10 s keeps the connection. Kind, method and level are of the feed: what is rare would not be in a sample of everything.

import type { ActorRow } from "./actors.ts";
import type { FeedItem } from "./messages.ts";
import type { NowView } from "./now.ts";
import type { RunRow } from "./workflows.ts";

export interface LiveEvents {
  /** Each second. */
  readonly now: NowView;
  /** At most four times a second. */
  readonly changes: ChangesView;
  readonly feed: FeedView;
  readonly runs: RunsView;
  readonly health: HealthView;
}

export type LiveTopic = Exclude<keyof LiveEvents, "health">;

/** Whether what is shown is so now. */
export interface HealthView {
  /** "stale": the dashboard's server has lost NATS, what it says is of `sinceMs`. "catching-up": it is back and reads on. */
  readonly state: "live" | "catching-up" | "stale";
  readonly sinceMs: number;
  readonly reason: string | null;
}

/** Actors whose committed value has changed, the latest of each: at most 200, the rest is only counted. */
export interface ChangesView {
  readonly rows: readonly ActorRow[];
  /** All that changed since the last event, shown or not. */
  readonly changed: number;
  readonly isSampled: boolean;
}

export interface FeedView {
  /** Oldest first. */
  readonly items: readonly FeedItem[];
  /** What happened besides and is not shown: workers tell at most so many a second. */
  readonly skipped: number;
  /** Of these, warnings and errors that the dashboard itself has left out. What a worker leaves out in a storm is in `skipped` alone. */
  readonly skippedNotable: number;
}

export interface RunsView {
  readonly rows: readonly RunRow[];
}
