// Asks from within the process that owns the actors: no request crosses the network, the commits do.

import type { IdRange } from "../side.ts";
import type { BenchCase } from "./case.ts";

const ids: IdRange = { prefix: "c", first: 0, count: 1_000 };
const inFlight = 256;

export const askLocal: BenchCase = {
  name: "ask.local",
  what: "1,000 actors, 256 asks in flight, the caller in the owner's process",
  unit: "asks/s",
  async open(stage) {
    const worker = await stage.start("worker");
    let added = 0;

    async function drive(durationMs: number) {
      const result = await worker.call("driveLocal", { ids, inFlight, durationMs });
      added += result.count;
      return result;
    }

    return {
      async warm() {
        await drive(stage.scale.warmMs);
      },
      async round() {
        const { count, elapsedMs, p50Ms, p99Ms } = await drive(stage.scale.roundMs);
        return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
      },
      async check() {
        const caller = await stage.start("caller");
        const total = await caller.call("total", ids);
        if (total !== added) throw new Error(`${added} asks were answered, but the actors hold ${total}`);
      },
    };
  },
};
