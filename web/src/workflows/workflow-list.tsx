// All workflows, with how many of their runs are in which phase.

import { useCallback } from "preact/hooks";
import type { WorkflowRow, WorkflowsView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { exact, unknown } from "../format/figures.ts";
import { useGet } from "../live/use-get.ts";
import { useLive } from "../live/use-live.ts";
import { Badge } from "../parts/badge.tsx";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";
import { Phase, phases } from "./phase.tsx";

export function WorkflowList() {
  const got = useGet<WorkflowsView>("workflows");
  useLive(
    "runs",
    useCallback(() => got.reload(), [got.reload]),
  );
  return (
    <>
      <div class="view-head">
        <h1 tabIndex={-1}>Workflows</h1>
      </div>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      <Panel
        title="Runs by phase"
        aside={got.data?.isComplete === false && <span class="quiet">not all are known here: figures may grow</span>}
      >
        {got.data === null ? (
          got.problem === null && <Loading what="workflows" />
        ) : (
          <DataTable
            label="Workflows"
            columns={columns}
            rows={got.data.workflows}
            keyOf={({ name }) => name}
            hrefOf={({ name }) => hrefOf(["workflows", name])}
            toneOf={({ phases: counts }) => ((counts.held ?? 0) > 0 ? "problem" : undefined)}
            empty={<NoWorkflows />}
          />
        )}
      </Panel>
    </>
  );
}

function NoWorkflows() {
  return (
    <Empty title="There are no workflows yet">
      A workflow is here as soon as a worker serves it or a run of it has begun:{" "}
      <code>troupe workflow start triage i-1 '…'</code>
    </Empty>
  );
}

const sumOf = ({ phases: counts }: WorkflowRow): number => Object.values(counts).reduce((sum, one) => sum + one, 0);

const columns: readonly Column<WorkflowRow>[] = [
  { id: "name", head: "Workflow", cell: ({ name }) => name },
  {
    id: "phases",
    head: "Runs by phase",
    cell: ({ phases: counts, paused, awaiting }) => (
      <span class="phases">
        {sorted(Object.keys(counts)).map((phase) => (
          <Phase key={phase} phase={phase} count={counts[phase] ?? 0} />
        ))}
        {awaiting > 0 && <Badge tone="warning">{exact(awaiting)} wait for a signal</Badge>}
        {paused > 0 && <span class="quiet">{exact(paused)} paused</span>}
        {Object.keys(counts).length === 0 && <span class="quiet">no run yet</span>}
      </span>
    ),
  },
  { id: "runs", head: "Runs", align: "end", isWideOnly: true, cell: (row) => exact(sumOf(row)) },
  {
    id: "version",
    head: "Version",
    align: "end",
    isWideOnly: true,
    cell: ({ version }) => <span title="Of the definition that a worker has registered">{version ?? unknown}</span>,
  },
];

/** Known phases in their order, others behind them. */
function sorted(names: readonly string[]): readonly string[] {
  const rank = (name: string) => (phases as readonly string[]).indexOf(name) + 1 || phases.length + 1;
  return names.toSorted((one, other) => rank(one) - rank(other));
}
