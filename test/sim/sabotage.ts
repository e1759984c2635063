// Ways to break a promise on purpose: the checkers must notice each of them, or they notice nothing. Each is one mistake in
// the runtime that somebody could make, put in from outside so that src/ stays as it is.

import type { Ports } from "../../src/runtime/ports.ts";
import { classMutations } from "./sabotage-classes.ts";
import { portMutations } from "./sabotage-ports.ts";

export type Sabotage = keyof typeof sabotages;

export interface Canary {
  readonly mistake: string;
  /** The laws of which at least one must be reported as broken. */
  readonly breaks: readonly string[];
  /** A seed that notices it. */
  readonly seed: number;
}

/** Runs of a canary in which it must have been noticed at least once. */
export const canarySeedsMax = 500;

export const sabotages = {
  "blind-commit": { mistake: "commits without the expected revision", breaks: ["P1"], seed: 22 },
  "blind-record": {
    mistake: "takes partitions and saves cursors without the expected revision",
    breaks: ["E1"],
    seed: 138,
  },
  "early-reply": { mistake: "answers before the commit is acknowledged", breaks: ["P4"], seed: 2 },
  "high-cursor": { mistake: "saves how far it has read as the cursor", breaks: ["H1"], seed: 1 },
  "loose-guard": { mistake: "lets the cursor pass an outbox that is not published", breaks: ["H1"], seed: 64 },
  "forgotten-sequence": { mistake: "forgets `inbox.seq` when a state is loaded", breaks: ["P2"], seed: 2 },
  "forgotten-senders": { mistake: "forgets `inbox.from` when a state is loaded", breaks: ["P2"], seed: 8 },
  "forgotten-replies": { mistake: "forgets the kept replies when a state is loaded", breaks: ["P2"], seed: 2 },
  "forgotten-steps": { mistake: "forgets the kept steps when a state is loaded", breaks: ["steps"], seed: 7 },
  "forgotten-outbox": {
    mistake: "does not publish the outbox when a state is loaded",
    breaks: ["P3", "liveness"],
    seed: 14,
  },
  "eager-outbox": { mistake: "publishes the outbox before the commit", breaks: ["P3"], seed: 1 },
  "hasty-publisher": { mistake: "takes for stored what it has sent", breaks: ["P3", "liveness"], seed: 10 },
  "unordered-publisher": { mistake: "publishes the outbox from its end", breaks: ["P3", "P5"], seed: 1 },
  "no-wake": { mistake: "commits an ask that sends without a wake before it", breaks: ["P3", "liveness"], seed: 138 },
  "no-fence": { mistake: "passes by a wake without a commit of its own (R5)", breaks: ["P3", "liveness"], seed: 106 },
  "hopeful-commit": { mistake: "takes a commit of unknown outcome for written", breaks: ["P1", "P2", "P4"], seed: 100 },
  "hopeless-commit": { mistake: "takes a commit of unknown outcome for refused", breaks: ["P2"], seed: 447 },
  "stale-draft": { mistake: "runs on its old state after another's write", breaks: ["P1"], seed: 88 },
  "no-undo": { mistake: "keeps what turns made whose commit was refused", breaks: ["P2"], seed: 161 },
  "endless-lease": { mistake: "serves on when its lease is over", breaks: ["E2"], seed: 94 },
  "forgotten-errands": { mistake: "forgets the errands when a state is loaded", breaks: ["P3", "liveness"], seed: 14 },
  "forgotten-errand-steps": {
    mistake: "forgets the steps of the errands when a state is loaded",
    breaks: ["steps"],
    seed: 14,
  },
  "loose-errands": { mistake: "lets the cursor pass an errand that stands", breaks: ["H1"], seed: 14 },
  "mute-errands": { mistake: "drops what an errand has told", breaks: ["P3", "liveness"], seed: 6 },
  "unshown-states": { mistake: "takes states for shown that are not", breaks: ["liveness", "H1"], seed: 6 },
  "forgotten-timers": { mistake: "forgets the timers when a state is loaded", breaks: ["liveness"], seed: 6 },
  "unset-timers": { mistake: "takes timers for set that are not", breaks: ["liveness"], seed: 1 },
  "deaf-to-cancelling": {
    mistake: "does not ask whether a timer that rings still stands",
    breaks: ["timers"],
    seed: 5,
  },
  "hasty-trim": { mistake: "trims the mail at once behind the saved cursor", breaks: ["K2"], seed: 1 },
  "no-burial": { mistake: "drops what it has given up on", breaks: ["P7"], seed: 1 },
  "impatient-asker": { mistake: "asks again though the first may have had an effect", breaks: ["P2"], seed: 2 },
  "new-names": { mistake: "gives a told message a new id at each attempt", breaks: ["P2"], seed: 15 },
  "overtaking-teller": { mistake: "lets a told message overtake the one before", breaks: ["P5"], seed: 1 },
  "lossy-teller": { mistake: "takes for stored what it has told", breaks: ["liveness", "P2"], seed: 3 },
} satisfies Readonly<Record<string, Canary>>;

let last: Promise<unknown> = Promise.resolve();

/**
 * Plays with a mistake in the runtime, or with none; takes it back when `play` has ended. The one place where prototypes
 * are touched: they belong to all runs of this process, so that each waits for the one before, also for one that a test has
 * given up on.
 */
export function withSabotage<Result>(
  sabotage: Sabotage | undefined,
  play: (sabotaged: (ports: Ports) => Ports) => Promise<Result>,
): Promise<Result> {
  const played = last.then(() => playWith(sabotage, play));
  last = played.catch(() => undefined); // It is told to whoever waits for `played`.
  return played;
}

async function playWith<Result>(
  sabotage: Sabotage | undefined,
  play: (sabotaged: (ports: Ports) => Ports) => Promise<Result>,
): Promise<Result> {
  const undo = sabotage === undefined ? undefined : classMutations[sabotage]?.();
  const mutate = sabotage === undefined ? undefined : portMutations[sabotage];
  try {
    return await play((ports) => mutate?.(ports) ?? ports);
  } finally {
    undo?.();
  }
}
