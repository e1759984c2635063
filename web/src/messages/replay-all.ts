// Sends all dead letters of a filter again, one after the other.
//
//   R1. Those that stand when it begins are sent, the oldest first, each once: one that fails again comes back under another number,
//       and is left alone.
//   R2. What cannot be sent is counted and passed by; when nothing can be sent any more (the token, the server), it ends at once.
//   R3. It can be stopped between any two.

import type { DeadRow } from "../../../src/monitoring/dashboard/api/messages.ts";
import type { Page, Problem } from "../../../src/monitoring/dashboard/api/page.ts";

/** Sent again at once, at most: who has more does it again. */
const lettersMax = 20_000;

export interface ReplayProgress {
  readonly sent: number;
  readonly failed: number;
  /** Of the last that could not be sent. */
  readonly problem: Problem | null;
  readonly isDone: boolean;
}

export interface ReplayMeans {
  /** Newest first, below the cursor. */
  readonly page: (cursor: string | null) => Promise<Page<Pick<DeadRow, "sequence">>>;
  readonly replay: (sequence: number) => Promise<unknown>;
  readonly problemOf: (error: unknown) => Problem;
  /** Whether it is worth going on with the next one. */
  readonly isOver: (error: unknown) => boolean;
  readonly onProgress: (progress: ReplayProgress) => void;
  readonly signal: AbortSignal;
}

export async function replayAll(means: ReplayMeans): Promise<ReplayProgress> {
  let progress: ReplayProgress = { sent: 0, failed: 0, problem: null, isDone: false };
  const tell = (change: Partial<ReplayProgress>) => {
    progress = { ...progress, ...change };
    means.onProgress(progress);
  };
  for (const sequence of (await standing(means)).toReversed()) {
    if (means.signal.aborted) break; // R3
    try {
      await means.replay(sequence);
      tell({ sent: progress.sent + 1 });
    } catch (error) {
      tell({ failed: progress.failed + 1, problem: means.problemOf(error) });
      if (means.isOver(error)) break; // R2
    }
  }
  tell({ isDone: true });
  return progress;
}

/** All that match now, newest first (R1). */
async function standing({ page, signal }: ReplayMeans): Promise<readonly number[]> {
  const sequences: number[] = [];
  let cursor: string | null = null;
  do {
    const { rows, cursor: next }: Page<Pick<DeadRow, "sequence">> = await page(cursor);
    for (const { sequence } of rows) sequences.push(sequence);
    cursor = next;
  } while (cursor !== null && !signal.aborted && sequences.length < lettersMax);
  return sequences;
}
