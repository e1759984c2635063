// Starts a stopped actor again: takes the stop out of its value by compare-and-set. Nobody acts on the actor meanwhile, as
// its activation has ended.

import { applyErrandSkipped, applyGivenUp } from "../actors/apply-failure.ts";
import type { Snapshot, Stopped } from "../actors/snapshot.ts";
import { printSnapshot, readSnapshot } from "../actors/snapshot.ts";
import { encodeText } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { errorOf } from "./cell-ended.ts";
import type { CellHost } from "./cell-host.ts";

/** With `skip` the message that it stopped at becomes a dead letter, an errand ends with the failure. Resolves with where the mail goes on for it. */
export async function resumeActor(host: CellHost, key: string, skip: boolean): Promise<Stopped | "running"> {
  while (!host.lost.aborted) {
    const entry = await host.state.get(key);
    const before = entry === undefined ? undefined : readSnapshot(key, entry.value);
    if (entry === undefined || before?.stopped === undefined) return "running";
    if (before.epoch > host.epoch) break;
    const { stopped } = before;
    const next: Snapshot = {
      ...(skip ? await withoutMessage(host, key, before, stopped) : before),
      ...{ stopped: undefined, epoch: host.epoch, commit: host.nextCommitId(), trace: undefined },
    };
    const value = encodeText(printSnapshot(next, JSON.stringify(next.state)));
    const commit = { key, value, expected: entry.revision, commitId: next.commit, lost: host.lost };
    const outcome = await host.committer.commit(commit);
    if (outcome.kind === "stands") return stopped;
    if (outcome.kind === "refused") throw outcome.error;
  }
  throw new TroupeError("FENCED", `${key} is no longer owned here`);
}

/** As if the message had been given up on instead of stopping at it. */
async function withoutMessage(host: CellHost, key: string, before: Snapshot, stopped: Stopped): Promise<Snapshot> {
  if (stopped.errand !== undefined) return applyErrandSkipped(before, stopped.errand, stopped);
  const [message] = await host.readMailbox(key, stopped.seq, 1);
  if (message?.sequence !== stopped.seq) return before; // It was told to stop, or somebody has emptied the mailbox.
  return applyGivenUp(before, message, errorOf(stopped));
}
