// The central state store: states that many change, one at a time or together, and what is asked about them.

import type { BenchCase, Rig, Stage } from "./case.ts";

const sides = ["ours", "raw"] as const;

function updates(name: string, what: string, keys: number, inFlight: number): BenchCase {
  return {
    ...{ name, what, sides: ["ours", "raw", "limit"], unit: "updates/s" },
    async open(stage: Stage): Promise<Rig> {
      const central = await stage.start("central");
      await central.call("fill", { count: keys });
      let updated = 0;
      const run = async (durationMs: number) => {
        const result = await central.call("driveUpdates", { keys, inFlight, durationMs });
        updated += result.count;
        return result;
      };
      return {
        warm: async () => void (await run(stage.scale.warmMs)),
        async round() {
          const { count, elapsedMs, p50Ms, p99Ms } = await run(stage.scale.roundMs);
          return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
        },
        async check() {
          const sum = await central.call("sum", { keys });
          if (sum !== keys * 1_000 + updated) throw new Error(`${updated} updates, and the balances hold ${sum}`);
        },
      };
    },
  };
}

function transactions(states: number): BenchCase {
  const keys = 1_000;
  return {
    name: `state.transact-${states}`,
    what: `${states} of 1,000 states changed together, 16 transactions in flight`,
    unit: "tx/s",
    sides,
    async open(stage: Stage): Promise<Rig> {
      const central = await stage.start("central");
      await central.call("fill", { count: keys });
      const order = { keys, states, inFlight: 16 };
      return {
        warm: async () => void (await central.call("driveTransactions", { ...order, durationMs: stage.scale.warmMs })),
        async round() {
          const result = await central.call("driveTransactions", { ...order, durationMs: stage.scale.roundMs });
          const { count, elapsedMs, p50Ms, p99Ms } = result;
          return { figure: (count / elapsedMs) * 1_000, p50Ms, p99Ms };
        },
        async check() {
          const sum = await central.call("sum", { keys });
          if (sum !== keys * 1_000) throw new Error(`the balances hold ${sum}`);
        },
      };
    },
  };
}

export const stateUpdate = updates("state.update", "1,000 states, 256 read-change-writes in flight", 1_000, 256);
export const stateUpdateHot = updates("state.update-hot", "one state, 64 read-change-writes in flight", 1, 64);
export const stateTransact2 = transactions(2);
export const stateTransact10 = transactions(10);

const queried = 100_000;

export const stateQuery: BenchCase = {
  name: "state.query",
  what: "the 10 best of the 1,000 that match among 100,000 states",
  unit: "ms",
  isLowerBetter: true,
  sides,
  async open(stage: Stage): Promise<Rig> {
    const central = await stage.start("central");
    await central.call("fill", { count: queried });
    const run = async () => {
      const { p50Ms, p99Ms } = await central.call("driveQueries", { count: 3, matches: queried / 100 });
      return { figure: p50Ms, p50Ms, p99Ms };
    };
    return { warm: async () => void (await run()), round: run };
  },
};
