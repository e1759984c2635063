// A recall as it is seen from outside: its span, and the event that tells how long it took and how much it found.

import type { Clock } from "../core/clock.ts";
import type { EventStream, Recaller } from "../core/events.ts";
import { traced } from "../core/trace.ts";
import { recallSpan } from "./memory-spans.ts";

export interface RecallAbout {
  readonly by: Recaller;
  readonly events: EventStream | undefined;
  readonly clock: Clock;
  /** Key texts, or patterns of them, of where it looks. Asked for only when somebody traces. */
  readonly scopes: () => readonly string[];
  /** Hits at most, as it was asked for. */
  readonly k: number | undefined;
}

/** Of one that rejects the span tells, but no event. */
export function heardRecall<Found>(
  about: RecallAbout,
  recall: () => Promise<Found>,
  hitsOf: (found: Found) => readonly unknown[],
): Promise<Found> {
  return traced(
    () => recallSpan(about.scopes(), about.k),
    async (span) => {
      const { by, events, clock } = about;
      if (events?.isHeard !== true && span === undefined) return recall();
      const startedMs = clock.monotonicMs();
      const found = await recall();
      const hits = hitsOf(found).length;
      span?.setAttribute("troupe.recall.hits", hits);
      if (events?.isHeard === true) {
        events.emit({ kind: "recalled", by, durationMs: clock.monotonicMs() - startedMs, hits });
      }
      return found;
    },
  );
}
