// The first ask of an actor whose state is on the server and not in the worker: load, turn, commit, reply.

import type { IdRange } from "../side.ts";
import type { BenchCase } from "./case.ts";

const inFlight = 256;

export const activate: BenchCase = {
  name: "activate",
  what: "cold actors with a state on the server, 256 first asks in flight",
  unit: "actors/s",
  async open(stage) {
    const { coldActors, rounds } = stage.scale;
    const slice = (round: number): IdRange => ({ prefix: "cold", first: round * coldActors, count: coldActors });
    const everyone: IdRange = { prefix: "cold", first: 0, count: (rounds + 1) * coldActors };

    // One worker writes the states and goes; the next one has never seen them.
    const seeder = await stage.start("worker");
    const caller = await stage.start("caller");
    const seeding = { operation: "ask", ids: everyone, inFlight, until: { count: everyone.count } } as const;
    await caller.call("drive", seeding);
    await seeder.close();
    await stage.start("worker");

    const wake = (ids: IdRange) =>
      caller.call("drive", { operation: "ask", ids, inFlight, until: { count: ids.count } });
    return {
      async warm() {
        await wake(slice(rounds));
      },
      async round(round) {
        const { count, elapsedMs, p50Ms, p99Ms } = await wake(slice(round));
        return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
      },
      async check() {
        const total = await caller.call("total", everyone);
        const wanted = 2 * everyone.count;
        if (total !== wanted) throw new Error(`the actors hold ${total} instead of ${wanted}: a state was not loaded`);
      },
    };
  },
};
