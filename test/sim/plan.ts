// What a seed decides before the run: how big the world is and what may go wrong in it. Each kind of fault is left out of
// some runs, so that rare ones are not drowned by common ones.

import type { FaultRates } from "../../src/runtime/memory-faults.ts";
import type { Ambush } from "./ambush.ts";
import { drawAmbush } from "./ambush.ts";
import type { Dice } from "./dice.ts";

/** What happens to processes and to the server, each now and then. */
export type Mishap =
  | "start-worker"
  | "kill-worker"
  | "restart-worker"
  | "close-worker"
  | "drain-worker"
  | "pause-worker"
  /** No worker lives for longer than the server knows the ids of messages. */
  | "kill-all-workers"
  | "kill-client"
  | "cut-connection"
  | "stop-server"
  | "jump-clock"
  | "foreign-write";

export interface Plan {
  /** Of each pool. */
  readonly partitions: number;
  /** Where the relays live: with the tallies, or in a pool of their own. */
  readonly relayPool: "main" | "side";
  /** Some workers have only tallies or only relays, as while new code is rolled out. */
  readonly isMixed: boolean;
  readonly clients: number;
  readonly workersMax: number;
  readonly tallies: readonly string[];
  readonly relays: readonly string[];
  readonly bells: readonly string[];
  readonly deeds: number;
  /** Share of the deeds that begin a run of the workflow; 0 where no worker has it. */
  readonly runShare: number;
  /** Mean time between two deeds of one client, and between two mishaps. Unit: ms. */
  readonly deedEveryMs: number;
  readonly mishapEveryMs: number;
  readonly mishaps: readonly Mishap[];
  readonly ambushes: readonly Ambush[];
  /** Longest pause, break or stop. Unit: ms. */
  readonly absenceMsMax: number;
  /** Share of all breaks after which what had been sent arrives late. */
  readonly linger: number;
  readonly rates: FaultRates;
  /** How much faster or slower than the world's a process's clock may run. */
  readonly driftMax: number;
  /** How wrong a process's wall clock may be, and how far it may jump. Unit: ms. */
  readonly wallErrorMsMax: number;
  /** How long the server knows a message's id. Unit: ms. */
  readonly duplicateWindowMs: number;
}

const allMishaps: readonly Mishap[] = [
  "kill-worker",
  "restart-worker",
  "close-worker",
  "drain-worker",
  "pause-worker",
  "kill-all-workers",
  "kill-client",
  "cut-connection",
  "stop-server",
  "jump-clock",
  "foreign-write",
];

/**
 * A window that no message of a client outlives: one may be told for 10 s, be 8 s on its way, and linger for 20 s behind a
 * connection that broke.
 */
const shortWindowMs = 40_000;

/** `flowDice`: of its own, so that runs without a workflow are what they would be if there were none. */
export function drawPlan(dice: Dice, flowDice: Dice): Plan {
  const rate = (most: number) => (dice.happens(0.5) ? dice.random() * most : 0);
  const names = (prefix: string, most: number) =>
    Array.from({ length: dice.whole(1, most) }, (_, at) => `${prefix}${at}`);
  const linger = rate(1);
  return {
    partitions: dice.one([1, 2, 4]),
    relayPool: dice.happens(0.3) ? "side" : "main",
    isMixed: dice.happens(0.3),
    clients: dice.whole(1, 3),
    workersMax: dice.whole(1, 3),
    tallies: names("t", 3),
    relays: names("r", 3),
    bells: names("b", 2),
    deeds: dice.whole(20, 60),
    runShare: flowDice.happens(0.3) ? flowDice.one([0.05, 0.3]) : 0,
    deedEveryMs: dice.one([1, 20, 200, 1_000]),
    mishapEveryMs: dice.one([200, 1_000, 4_000]),
    mishaps: ["start-worker", "start-worker", ...allMishaps.filter(() => dice.happens(0.5))],
    ambushes: Array.from({ length: dice.whole(0, 2) }, () => drawAmbush(dice)),
    absenceMsMax: dice.one([500, 5_000, 20_000]),
    linger,
    rates: {
      loseRequest: rate(0.05),
      loseAnswer: rate(0.05),
      refuse: rate(0.03),
      delay: rate(0.1),
      cut: rate(0.01),
      linger,
      delayMsMax: dice.one([50, 1_000, 8_000]),
    },
    driftMax: dice.one([0, 0.01]),
    wallErrorMsMax: dice.one([0, 5_000, 600_000]),
    duplicateWindowMs: dice.one([120_000, shortWindowMs]),
  };
}
