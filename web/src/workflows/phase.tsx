// The phases of a run, as they look everywhere.

import { exact } from "../format/figures.ts";
import { Badge } from "../parts/badge.tsx";
import type { Tone } from "../parts/tone.ts";

/** Those that somebody has to look at first (src/workflow/run.ts). */
export const phases = ["held", "compensating", "running", "failed", "cancelled", "completed", "new"] as const;

const tones: Readonly<Record<string, Tone>> = {
  held: "problem",
  compensating: "warning",
  failed: "problem",
  running: "note",
  completed: "good",
};

export const toneOfPhase = (phase: string): Tone => tones[phase] ?? "quiet";

export function Phase(props: {
  readonly phase: string;
  readonly isPaused?: boolean;
  readonly isStopped?: boolean;
  readonly count?: number;
}) {
  return (
    <>
      <Badge tone={toneOfPhase(props.phase)}>
        {props.phase}
        {props.count !== undefined && <b> {exact(props.count)}</b>}
      </Badge>
      {props.isPaused === true && <Badge tone="warning">paused</Badge>}
      {props.isStopped === true && <Badge tone="problem">stopped</Badge>}
    </>
  );
}
