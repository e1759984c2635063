// Opens what the routes read from, in the order in which it depends on each other.

import type { Clock } from "../../core/clock.ts";
import { printAddress } from "../../core/ids.ts";
import { silentLogger } from "../../core/log.ts";
import { ActorIndex } from "../actor-index.ts";
import { AgentStatuses } from "../agent-statuses.ts";
import { keepCatchingUp } from "../catch-up.ts";
import { followConflicts } from "../conflict-feed.ts";
import { memoryMonitorOf } from "../memory-monitor.ts";
import { NowReader } from "../now-reader.ts";
import type { ActorsSeen } from "../now-unhealthy.ts";
import { RecentFailures } from "../recent-failures.ts";
import { runFeedOf } from "../run-feed.ts";
import { StateFeed } from "../state-feed.ts";
import { LiveHub } from "./live-hub.ts";
import type { DashboardOptions } from "./server.ts";
import type { DashboardSources } from "./sources.ts";

export interface PreparedSources {
  readonly sources: DashboardSources;
  /** When all routes are added: whoever listens misses nothing. Rejects as reading the app does. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function prepareSources(options: DashboardOptions, clock: Clock): PreparedSources {
  const { troupe, inspector, version, traceUrl = null, log = silentLogger } = options;
  const state = new StateFeed({ store: troupe.ports.state, clock, log });
  const actors = new ActorIndex();
  state.listen(actors);
  const failures = new RecentFailures({ mail: troupe.ports.mail, clock });
  const memory = memoryMonitorOf({ troupe, inspector }, { log });
  const statuses = new AgentStatuses();
  const runs = runFeedOf(
    { troupe, inspector },
    {
      ...{ log, onWrite: (entry) => memory.wrote("central", entry), onChange: (change) => statuses.take(change) },
    },
  );
  const now = new NowReader({
    ...{ troupe, inspector, clock, actors: () => actorsSeen(actors, failures) },
    runs: () => ({ held: runs.index.held, awaiting: runs.index.awaiting }),
  });
  const live = new LiveHub(clock);
  let stopCatchingUp = () => {};
  return {
    sources: {
      troupe,
      inspector,
      clock,
      log,
      version,
      traceUrl,
      now,
      state,
      actors,
      failures,
      statuses,
      memory,
      runs,
      live,
    },
    start: async () => {
      now.onSecond(({ workers }) => failures.follow(workers.map(({ worker }) => worker)));
      followConflicts(now, memory);
      for (const each of [state, memory, runs]) each.start();
      const isRead = () => runs.isCurrent;
      stopCatchingUp = keepCatchingUp({ events: troupe.events, inspector, clock, state, health: now.health, isRead });
      await now.start();
    },
    close: async () => {
      stopCatchingUp();
      await Promise.all([state, failures, memory, runs, now].map((each) => each.close()));
    },
  };
}

function actorsSeen(actors: ActorIndex, failures: RecentFailures): ActorsSeen {
  const stopped = actors.find({ only: ({ isStopped }) => isStopped, order: "changed", most: 1 });
  const [one] = stopped.actors;
  return {
    ...{ stopped: stopped.total, stoppedOne: one === undefined ? undefined : printAddress(one) },
    ...{ failing: failures.size, failingOne: failures.lastActor, isFull: actors.isFull, size: actors.size },
  };
}
