// What the dashboard's routes read from: one of each for all of them.

import type { Hono } from "hono";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import type { TroupeClient } from "../../runtime/client.ts";
import type { Inspector } from "../../runtime/inspect.ts";
import type { ActorIndex } from "../actor-index.ts";
import type { AgentStatuses } from "../agent-statuses.ts";
import type { MemoryMonitor } from "../memory-monitor.ts";
import type { NowReader } from "../now-reader.ts";
import type { RecentFailures } from "../recent-failures.ts";
import type { RunFeed } from "../run-feed.ts";
import type { StateFeed } from "../state-feed.ts";
import type { LiveHub } from "./live-hub.ts";

export interface DashboardSources {
  readonly troupe: TroupeClient;
  readonly inspector: Inspector;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of this package. */
  readonly version: string;
  /** Where traces are looked at: `{trace}` stands for the trace id. */
  readonly traceUrl: string | null;
  /** The second that was, and those before it. */
  readonly now: NowReader;
  /** Every change of every actor, read once for all: listen before the dashboard has started. */
  readonly state: StateFeed;
  /** All actors in a few words each. */
  readonly actors: ActorIndex;
  /** How much agents remember, how fast it grows, what is written most. */
  readonly memory: MemoryMonitor;
  /** The runs of workflows. */
  readonly runs: RunFeed;
  /** Which of them have failed lately. */
  readonly failures: RecentFailures;
  /** What those that are agents are doing. */
  readonly statuses: AgentStatuses;
  /** Where topics of the live stream are registered. */
  readonly live: LiveHub;
}

/**
 * What a file of `routes/` exports: it adds its routes, and its topics to `sources.live`. It starts what it has to keep running by
 * itself; the function that it returns ends that.
 */
export type AddRoutes = (app: Hono, sources: DashboardSources) => (() => Promise<void>) | undefined | void;
