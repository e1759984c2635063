// Troupe's worker, as a user starts one.

import { createWorker, silentLogger } from "../../src/index.ts";
import { sharedNowMs } from "../clock.ts";
import { startObserving } from "../observe.ts";
import type { Place, WorkerSide } from "../side.ts";
import { settle } from "../side.ts";
import { Counter, turns } from "./counter.ts";

export async function open({ servers, app, observe }: Place): Promise<WorkerSide> {
  const stopObserving = observe === undefined ? undefined : await startObserving(observe);
  const figures = observe?.mode !== "off";
  const worker = await createWorker({ servers, app, actors: [Counter], logger: silentLogger, figures });
  return {
    ask: (id, n, done) => settle(worker.actor(Counter, id).ask.add(n), done),
    query: (id, done) => settle(worker.actor(Counter, id).ask.total(), done),
    async whenCommitted(ids, total) {
      await turnsReach(total);
      // A turn runs before its commit, so the committed state is asked for, by queries that stay in this process. What
      // these queries take counts against Troupe: some ms for 1,000 actors.
      for (;;) {
        const counts = await Promise.all(ids.map((id) => worker.actor(Counter, id).ask.total()));
        if (counts.reduce((sum, count) => sum + count, 0) >= total) return sharedNowMs();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async close() {
      await worker.drain();
      await stopObserving?.();
    },
  };
}

function turnsReach(goal: number): Promise<void> {
  if (turns.count >= goal) return Promise.resolve();
  return new Promise((resolve) => {
    turns.goal = goal;
    turns.onGoal = resolve;
  });
}
