// Mishaps that wait for their moment: a process dies or stands still exactly while it writes, publishes or hands over.
// Chance alone hits such a moment, which lasts less than a millisecond, once in many thousand runs.

import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import type { Subjects } from "../../src/runtime/subjects.ts";
import type { Dice } from "./dice.ts";

/** What a worker is at when it is hit. */
export type Moment =
  /** Reads an actor's value. */
  | "load"
  /** Writes an actor's value. */
  | "commit"
  /** Stores the wake before the commit of an ask that sends. */
  | "wake"
  /** Writes the value that the wake announced. */
  | "commit-after-wake"
  /** Publishes what a committed turn has sent. */
  | "publish"
  /** Sets or cancels a timer on the server. */
  | "timer"
  /** Keeps a message that was given up on. */
  | "bury"
  /** Answers an ask. */
  | "reply"
  /** Gives a sign of life. */
  | "renew"
  /** Takes a partition, saves a cursor, or gives the partition back. */
  | "record"
  /** Begins to read or to serve a partition, or ends it. */
  | "host"
  | "trim"
  /** Any of these while it leaves: the hand-over. */
  | "leave";

/** What hits it. */
export type Blow = "kill" | "kill-all" | "pause" | "cut" | "stop-server";

export interface Ambush {
  readonly moment: Moment;
  readonly blow: Blow;
  /** `done`: what it was at has come to its end on the server, and it does not hear so. `late`: it arrives long after. */
  readonly when: "done" | "late";
  /** One in so many operations of the kind is hit. */
  readonly oneIn: number;
  /** So often in one run. */
  readonly timesMax: number;
}

const moments: readonly Moment[] = [
  ...(["commit", "commit", "wake", "commit-after-wake", "publish", "publish", "record", "leave", "leave"] as const),
  ...(["load", "timer", "timer", "bury", "reply", "renew", "host", "trim"] as const),
];

/** Those that have broken systems before, and that chance alone would draw once in thousands of runs. */
const classics: readonly Pick<Ambush, "moment" | "blow" | "when">[] = [
  // The last commit of a dead owner arrives when the next one has passed by.
  { moment: "commit-after-wake", blow: "kill", when: "late" },
  // The lease is over in the middle of a commit, which arrives all the same.
  { moment: "commit-after-wake", blow: "pause", when: "late" },
  { moment: "commit", blow: "pause", when: "late" },
  // What was published is published again when the server has forgotten its id.
  { moment: "publish", blow: "kill-all", when: "done" },
  // The owner dies between its last save and the next owner's first.
  { moment: "leave", blow: "kill", when: "done" },
];

export function drawAmbush(dice: Dice): Ambush {
  if (dice.happens(0.4)) return { ...dice.one(classics), oneIn: dice.one([1, 3]), timesMax: dice.whole(1, 5) };
  return {
    moment: dice.one(moments),
    blow: dice.one<Blow>(["kill", "kill", "kill-all", "pause", "pause", "cut", "stop-server"]),
    when: dice.one(["done", "late"]),
    oneIn: dice.one([1, 3, 10]),
    timesMax: dice.whole(1, 5),
  };
}

/** What a worker is at with this operation; undefined when it is nothing of note. */
function momentOf({ kind, subject }: MemoryOperation, subjects: Subjects): Moment | undefined {
  const isOfState = subject.startsWith(`${subjects.stateBucket}.`);
  switch (kind) {
    case "append":
      return subject.endsWith("._wake") ? "wake" : "publish";
    case "kv-read":
      return isOfState ? "load" : undefined;
    case "kv-write":
      if (isOfState) return "commit";
      return subject.startsWith(`${subjects.clusterBucket}.worker.`) ? "renew" : "record";
    case "read":
    case "serve":
      return "host";
    case "bury":
    case "reply":
    case "trim":
      return kind;
    case "schedule":
    case "cancel":
      return "timer";
    case "read-mailbox":
    case "ping":
    case "feed":
    case "request":
    case "deliver":
      return undefined;
  }
}

export interface Strike {
  readonly ambush: Ambush;
  readonly fault: MemoryFault;
}

/** When the blow falls, and when what is then `done` would have been heard of. Unit: ms. */
export const blowAfterMs = 10;
const heardAfterMs = 20;
const lateMsMax = 8_000;

export class Ambushes {
  readonly #ambushes: readonly Ambush[];
  readonly #dice: Dice;
  readonly #times = new Map<Ambush, number>();
  /** Who has announced a commit of which actor. */
  readonly #announced = new Set<string>();

  constructor(ambushes: readonly Ambush[], dice: Dice) {
    this.#ambushes = ambushes;
    this.#dice = dice;
  }

  /** Whether a worker that is about to do this is hit now. */
  strike(operation: MemoryOperation, subjects: Subjects, isLeaving: boolean): Strike | undefined {
    const moment = this.#momentOf(operation, subjects);
    for (const ambush of this.#ambushes) {
      const isMet = ambush.moment === moment || (ambush.moment === "commit" && moment === "commit-after-wake");
      if (!isMet && !(ambush.moment === "leave" && isLeaving && moment !== undefined)) continue;
      const times = this.#times.get(ambush) ?? 0;
      if (times >= ambush.timesMax || !this.#dice.happens(1 / ambush.oneIn)) continue;
      this.#times.set(ambush, times + 1);
      const lateMs = this.#dice.whole(heardAfterMs, lateMsMax);
      const fault = ambush.when === "done" ? { answerDelayMs: heardAfterMs } : { delayMs: lateMs };
      return { ambush, fault };
    }
    return undefined;
  }

  #momentOf(operation: MemoryOperation, subjects: Subjects): Moment | undefined {
    const moment = momentOf(operation, subjects);
    const [type, id] = operation.subject.split(".").slice(moment === "wake" ? -3 : -2);
    const commit = `${operation.client} ${type} ${id}`;
    if (moment === "wake") this.#announced.add(commit);
    return moment === "commit" && this.#announced.delete(commit) ? "commit-after-wake" : moment;
  }
}
