// Asks and queries from another process: how many are answered a second, or how long one takes.

import type { Operation } from "../roles/caller.ts";
import type { IdRange } from "../side.ts";
import type { BenchCase, Rig, Stage } from "./case.ts";

interface AskPlan {
  readonly operation: Operation;
  readonly ids: IdRange;
  readonly inFlight: number;
  /** The figure is the median time of one, instead of how many a second. */
  readonly isLatency?: boolean;
}

async function openRig(stage: Stage, { operation, ids, inFlight, isLatency = false }: AskPlan): Promise<Rig> {
  await stage.start("worker");
  const caller = await stage.start("caller");
  let added = 0;

  async function drive(durationMs: number) {
    const result = await caller.call("drive", { operation, ids, inFlight, until: { durationMs } });
    if (operation === "ask") added += result.count;
    return result;
  }

  return {
    async warm() {
      // Every actor once, so that no round pays for loading.
      await caller.call("drive", { operation: "ask", ids, inFlight, until: { count: ids.count } });
      added += ids.count;
      await drive(stage.scale.warmMs);
    },
    async round() {
      const { count, elapsedMs, p50Ms, p99Ms } = await drive(stage.scale.roundMs);
      return { figure: isLatency ? p50Ms : (count / elapsedMs) * 1_000, p50Ms, p99Ms };
    },
    async check() {
      const total = await caller.call("total", ids);
      if (total !== added) throw new Error(`${added} asks were answered, but the actors hold ${total}`);
    },
  };
}

const oneActor: IdRange = { prefix: "hot", first: 0, count: 1 };
const manyActors: IdRange = { prefix: "c", first: 0, count: 1_000 };

export const askSingle: BenchCase = {
  name: "ask.single",
  what: "one actor, one ask in flight: the median time of an ask",
  unit: "ms",
  isLowerBetter: true,
  wanted: { of: "ratio_raw", atMost: 1.2 },
  open: (stage) => openRig(stage, { operation: "ask", ids: oneActor, inFlight: 1, isLatency: true }),
};

export const askSpread: BenchCase = {
  name: "ask.spread",
  what: "1,000 actors, 256 asks in flight",
  unit: "asks/s",
  wanted: { of: "ratio_limit", atLeast: 0.75 },
  open: (stage) => openRig(stage, { operation: "ask", ids: manyActors, inFlight: 256 }),
};

export const askHot: BenchCase = {
  name: "ask.hot",
  what: "one actor, 256 asks in flight",
  unit: "asks/s",
  wanted: { of: "ratio_raw", atLeast: 10 },
  open: (stage) => openRig(stage, { operation: "ask", ids: oneActor, inFlight: 256 }),
};

export const querySpread: BenchCase = {
  name: "query.spread",
  what: "1,000 actors, 256 queries in flight: nothing is written",
  unit: "queries/s",
  open: (stage) => openRig(stage, { operation: "query", ids: manyActors, inFlight: 256 }),
};
