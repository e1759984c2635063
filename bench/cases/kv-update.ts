// The KvStore's own compare-and-set, without any actor.

import type { BenchCase } from "./case.ts";

const keys = 1_000;
const inFlight = 256;

export const kvUpdate: BenchCase = {
  name: "kv.update",
  what: "1,000 keys, 256 updates in flight, each expecting the key's revision",
  unit: "updates/s",
  async open(stage) {
    const store = await stage.start("store");
    return {
      async warm() {
        await store.call("driveUpdates", { keys, inFlight, durationMs: stage.scale.warmMs });
      },
      async round() {
        const order = { keys, inFlight, durationMs: stage.scale.roundMs };
        const { count, elapsedMs, p50Ms, p99Ms } = await store.call("driveUpdates", order);
        return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
      },
    };
  },
};
