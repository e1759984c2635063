// What survives what, in words, from how the streams and the server are really set up. Pure.

import { printSpan } from "../../core/amounts.ts";
import type { SyncFacts } from "../../runtime/inspect.ts";
import type { StreamFacts } from "../../runtime/inspect-stream.ts";

export const mishaps = ["a worker dies", "kill -9 of the server", "the machine crashes", "a disk is lost"] as const;
export type Mishap = (typeof mishaps)[number];

/** What is left of what was acknowledged: all, all but the last moments, none, or what nobody here can know. */
export type Verdict = "kept" | "partly-lost" | "lost" | "unknown";

export interface Survival {
  readonly mishap: Mishap;
  readonly verdict: Verdict;
  readonly text: string;
}

const namesOf = (streams: readonly StreamFacts[]) => streams.map(({ name }) => name).join(", ");

/**
 * For each mishap, what becomes of acknowledged messages and states. All streams count, that of who owns what too: by its
 * cursors what was handled is told from what was not. `sync` is undefined when it cannot be read.
 */
export function explainSurvival(streams: readonly StreamFacts[], sync: SyncFacts | undefined): readonly Survival[] {
  return [
    {
      mishap: "a worker dies",
      verdict: "kept",
      text: "Nothing that was acknowledged is lost: another worker takes over, and repeats no effect on state.",
    },
    afterServerKill(streams),
    afterMachineCrash(streams, sync),
    afterDiskLoss(streams),
  ];
}

function afterServerKill(streams: readonly StreamFacts[]): Survival {
  const mishap = "kill -9 of the server";
  const inMemory = streams.filter(({ storage, replicas }) => storage === "memory" && replicas === 1);
  if (inMemory.length > 0) {
    return { mishap, verdict: "lost", text: `Everything in ${namesOf(inMemory)}, which is kept in memory only.` };
  }
  const early = streams.filter(({ isAcknowledgedEarly, replicas }) => isAcknowledgedEarly && replicas === 1);
  if (early.length > 0) {
    const text = `The last moments of ${namesOf(early)}: \`persist_mode: async\` acknowledges before it writes.`;
    return { mishap, verdict: "partly-lost", text };
  }
  const text = "Nothing is lost: what was acknowledged is with the operating system, and the server reads it again.";
  return { mishap, verdict: "kept", text };
}

function afterMachineCrash(streams: readonly StreamFacts[], sync: SyncFacts | undefined): Survival {
  const mishap = "the machine crashes";
  const single = streams.filter(({ replicas }) => replicas === 1);
  const isReplicated = single.length === 0;
  const together = "should all its machines lose power at once";
  const inMemory = streams.filter(({ storage }) => storage === "memory");
  if (inMemory.length > 0) {
    const lost = isReplicated ? `, ${together}` : "";
    return { mishap, verdict: isReplicated ? "kept" : "lost", text: `Everything in ${namesOf(inMemory)}${lost}.` };
  }
  if (sync?.isAlways === true) {
    const text =
      "Nothing is lost: the server writes through to the disk before it acknowledges (`sync_interval: always`).";
    return { mishap, verdict: "kept", text };
  }
  const span = sync === undefined ? "sync interval (which cannot be read from here)" : printSpan(sync.intervalMs);
  if (isReplicated) {
    const text = `Nothing is lost while a majority of the servers runs on; ${together}, up to ${span} of writes.`;
    return { mishap, verdict: "kept", text };
  }
  const text = `Up to the last ${span} of acknowledged writes: ${namesOf(single)} lie on one server, and its disk is synced only that often.`;
  return { mishap, verdict: sync === undefined ? "unknown" : "partly-lost", text };
}

function afterDiskLoss(streams: readonly StreamFacts[]): Survival {
  const mishap = "a disk is lost";
  const single = streams.filter(({ replicas }) => replicas === 1);
  if (single.length > 0) {
    return {
      mishap,
      verdict: "lost",
      text: `Everything in ${namesOf(single)}: one copy each. Back up, or use 3 replicas.`,
    };
  }
  const least = Math.min(...streams.map(({ replicas }) => replicas));
  const text = `Nothing is lost while a majority of the ${least} copies is left.`;
  return { mishap, verdict: "kept", text };
}
