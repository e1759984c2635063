// Takes a worker out of service: for a deployment by hand, or when its machine has to go. The question stands outside of the row, which
// changes its place, and goes, while somebody reads.

import type { WorkerRow } from "../../../src/monitoring/dashboard/api/now.ts";
import { plural } from "../format/figures.ts";
import { apiPath, post } from "../live/api-client.ts";
import { Confirm } from "../parts/confirm.tsx";

export function DrainButton({ name, onAsk }: { readonly name: string; readonly onAsk: () => void }) {
  return (
    <button type="button" class="in-row" onClick={onAsk}>
      Drain<span class="unseen"> {name}</span>
    </button>
  );
}

export interface DrainQuestionProps {
  readonly row: WorkerRow;
  readonly name: string;
  /** Others that would take what it has. */
  readonly others: number;
  readonly onClose: () => void;
}

export function DrainQuestion({ row, name, others, onClose }: DrainQuestionProps) {
  return (
    <Confirm
      title={`Let the worker ${name} finish and end?`}
      action={`Drain ${name}`}
      act={() => post(`${apiPath("workers", row.worker)}/drain`)}
      onClose={onClose}
    >
      <p>
        It finishes the turns that it has begun, gives its {plural(row.partitions, "partition")} back, and its process
        ends. Nothing is lost.
      </p>
      <p>
        {others === 0
          ? "No other worker serves its pools: what is told waits until one does, and asks fail."
          : `${plural(others, "other worker takes", "other workers take")} over. Starting it again is up to you.`}
      </p>
    </Confirm>
  );
}
