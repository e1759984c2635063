// After a break: the dashboard is current again when all that stood at the server then has been told (H2 of `health.ts`).

import type { Clock } from "../core/clock.ts";
import { delay } from "../core/clock.ts";
import type { EventStream } from "../core/events.ts";
import type { Inspector } from "../runtime/inspect.ts";
import type { HealthKeeper } from "./health.ts";
import type { StateFeed } from "./state-feed.ts";

export interface CatchUpOptions {
  readonly events: EventStream;
  readonly inspector: Inspector;
  readonly clock: Clock;
  readonly state: StateFeed;
  readonly health: HealthKeeper;
  /** The other buckets that are followed have been read. */
  readonly isRead: () => boolean;
}

/** Wait before the server is asked again how far it is. Unit: ms. */
const againMs = 500;
/** A last message that somebody has taken out by hand never comes. Unit: ms. */
const toldMsMax = 30_000;

/** Watches from now on. Returns the function that ends it. */
export function keepCatchingUp({ events, inspector, clock, state, health, isRead }: CatchUpOptions): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  // A break while it catches up makes the attempt void.
  let attempt = 0;
  const catchUp = async () => {
    attempt += 1;
    const mine = attempt;
    health.hear({ kind: "followed", isCurrent: false });
    for (; mine === attempt && !signal.aborted; await delay(clock, againMs, signal)) {
      const app = await inspector.app().catch(() => undefined);
      const last = app?.streams.find(({ role }) => role === "state")?.lastSequence;
      if (last === undefined) continue;
      await Promise.race([state.told(last, signal), delay(clock, toldMsMax, signal)]);
      while (mine === attempt && !isRead() && !signal.aborted) await delay(clock, againMs, signal);
      if (mine === attempt) health.hear({ kind: "followed", isCurrent: true });
      return;
    }
  };
  const stops = [
    events.listenToNotable(({ kind }) => {
      if (kind === "connection-lost") attempt += 1;
      else if (kind === "connection-restored") void catchUp();
    }),
    state.listen({ onEntry: () => {}, onRestarted: () => void catchUp() }),
  ];
  void catchUp();
  return () => {
    attempt += 1;
    ended.abort();
    for (const stop of stops) stop();
  };
}
