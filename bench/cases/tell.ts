// Tells: from the first append to the mail stream until the last one's commit is acknowledged.

import type { IdRange } from "../side.ts";
import type { BenchCase, Rig, Stage } from "./case.ts";

const inFlight = 256;
const countMin = 500;
const countMax = 200_000;

async function openRig(stage: Stage, ids: IdRange): Promise<Rig> {
  const worker = await stage.start("worker");
  const caller = await stage.start("caller");
  let told = 0;
  let perSecond = 0;

  async function tell(count: number) {
    told += count;
    const until = { count };
    const committing = worker.call("whenCommitted", { ids, total: told });
    const [appended, committedAtMs] = await Promise.all([
      caller.call("drive", { operation: "tell", ids, inFlight, until }),
      committing,
    ]);
    perSecond = (count / (committedAtMs - appended.startedAtMs)) * 1_000;
    return { figure: perSecond, p50Ms: appended.p50Ms, p99Ms: appended.p99Ms };
  }

  /** As many as this side commits in the time, going by the last time: the sides differ by more than ten times. */
  const countFor = (durationMs: number): number =>
    Math.round(Math.min(countMax, Math.max(countMin, (perSecond * durationMs) / 1_000)));

  return {
    async warm() {
      await tell(Math.max(ids.count, countMin));
      await tell(countFor(stage.scale.warmMs));
    },
    round: () => tell(countFor(stage.scale.roundMs)),
    async check() {
      const total = await caller.call("total", ids);
      if (total !== told) throw new Error(`${told} messages were told, but the actors hold ${total}`);
    },
  };
}

export const tellSpread: BenchCase = {
  name: "tell.spread",
  what: "1,000 actors, 256 appends in flight, until the last commit",
  unit: "tells/s",
  wanted: { of: "ratio_limit", atLeast: 0.7 },
  open: (stage) => openRig(stage, { prefix: "c", first: 0, count: 1_000 }),
};

export const tellHot: BenchCase = {
  name: "tell.hot",
  what: "one actor, 256 appends in flight, until the last commit",
  unit: "tells/s",
  wanted: { of: "ratio_raw", atLeast: 10 },
  open: (stage) => openRig(stage, { prefix: "hot", first: 0, count: 1 }),
};
