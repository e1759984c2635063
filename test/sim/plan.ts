// What a seed decides before the run: how big the world is and what may go wrong in it. Each kind of fault is left out of
// some runs, so that rare ones are not drowned by common ones.

import type { FaultRates } from "../../src/runtime/memory-faults.ts";
import type { Dice } from "./dice.ts";

/** What happens to processes and to the server, each now and then. */
export type Mishap =
  | "start-worker"
  | "kill-worker"
  | "close-worker"
  | "drain-worker"
  | "pause-worker"
  | "cut-connection"
  | "stop-server"
  | "foreign-write";

export interface Plan {
  readonly partitions: number;
  readonly clients: number;
  readonly workersMax: number;
  readonly tallies: readonly string[];
  readonly relays: readonly string[];
  readonly deeds: number;
  /** Mean time between two deeds of one client, and between two mishaps. Unit: ms. */
  readonly deedEveryMs: number;
  readonly mishapEveryMs: number;
  readonly mishaps: readonly Mishap[];
  /** Longest pause, break or stop. Unit: ms. */
  readonly absenceMsMax: number;
  readonly rates: FaultRates;
}

const allMishaps: readonly Mishap[] = [
  "kill-worker",
  "close-worker",
  "drain-worker",
  "pause-worker",
  "cut-connection",
  "stop-server",
  "foreign-write",
];

export function drawPlan(dice: Dice): Plan {
  const rate = (most: number) => (dice.happens(0.5) ? dice.random() * most : 0);
  const names = (prefix: string, most: number) =>
    Array.from({ length: dice.whole(1, most) }, (_, at) => `${prefix}${at}`);
  return {
    partitions: dice.one([1, 2, 4]),
    clients: dice.whole(1, 3),
    workersMax: dice.whole(1, 3),
    tallies: names("t", 3),
    relays: names("r", 3),
    deeds: dice.whole(20, 60),
    deedEveryMs: dice.one([1, 20, 200]),
    mishapEveryMs: dice.one([200, 1_000, 4_000]),
    mishaps: ["start-worker", "start-worker", ...allMishaps.filter(() => dice.happens(0.6))],
    absenceMsMax: dice.one([500, 5_000, 20_000]),
    rates: {
      loseRequest: rate(0.05),
      loseAnswer: rate(0.05),
      refuse: rate(0.03),
      delay: rate(0.1),
      cut: rate(0.01),
      delayMsMax: dice.one([50, 1_000, 8_000]),
    },
  };
}
