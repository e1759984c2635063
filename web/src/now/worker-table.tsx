// Who works: what each owns and how busy it is.

import { useState } from "preact/hooks";
import type { WorkerRow } from "../../../src/monitoring/dashboard/api/now.ts";
import { bytes, count, duration, exact, unknown } from "../format/figures.ts";
import { Badge } from "../parts/badge.tsx";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Meter } from "../parts/meter.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { DrainButton, DrainQuestion } from "./drain-button.tsx";
import { Mark } from "./owner-mark.tsx";

export const nameOfWorker = ({ name, worker }: Pick<WorkerRow, "name" | "worker">): string =>
  name ?? worker.slice(0, 8);

const states = {
  serves: <Badge tone="good">serves</Badge>,
  drains: <Badge tone="warning">drains</Badge>,
  silent: <Badge tone="problem">silent</Badge>,
} as const;

const columns: readonly Column<WorkerRow>[] = [
  {
    id: "name",
    head: "Worker",
    cell: (row) => (
      <span class="worker-name" title={row.worker}>
        <Mark worker={row.worker} /> {nameOfWorker(row)}
      </span>
    ),
  },
  { id: "state", head: "State", cell: ({ state }) => states[state] },
  { id: "busy", head: "Busy", align: "end", isWideOnly: true, cell: ({ busy }) => <Meter of={busy} label="busy" /> },
  { id: "turns", head: "Turns/s", align: "end", cell: ({ turnsPerS }) => count(turnsPerS) },
  { id: "lag", head: "Waiting", align: "end", cell: ({ lag }) => count(lag) },
  { id: "p99", head: "p99", align: "end", isWideOnly: true, cell: ({ turnP99Ms }) => duration(turnP99Ms) },
  { id: "failed", head: "Failed/s", align: "end", isWideOnly: true, cell: ({ failedPerS }) => count(failedPerS) },
  { id: "partitions", head: "Partitions", align: "end", isWideOnly: true, cell: ({ partitions }) => exact(partitions) },
  { id: "actors", head: "Actors", align: "end", isWideOnly: true, cell: ({ activations }) => count(activations) },
  { id: "heap", head: "Heap", align: "end", isWideOnly: true, cell: ({ heapBytes }) => bytes(heapBytes) },
  { id: "pools", head: "Pools", isWideOnly: true, cell: ({ pools }) => pools.join(", ") },
  { id: "pid", head: "Process", align: "end", isWideOnly: true, cell: ({ pid }) => pid ?? unknown },
  { id: "up", head: "Up", align: "end", isWideOnly: true, cell: ({ upMs }) => duration(upMs) },
];

/** Who has to be looked at stands first. */
const ranks = { silent: 0, drains: 1, serves: 2 } as const;

function drainColumn(ask: (row: WorkerRow) => void): Column<WorkerRow> {
  return {
    ...{ id: "drain", head: <span class="unseen">What can be done</span>, isWideOnly: true },
    cell: (row) => row.state === "serves" && <DrainButton name={nameOfWorker(row)} onAsk={() => ask(row)} />,
  };
}

/** Those that would take what `row` has. */
const canTake = (row: WorkerRow) => (other: WorkerRow) =>
  other.worker !== row.worker && other.state === "serves" && other.pools.some((pool) => row.pools.includes(pool));

export function WorkerTable({ workers }: { readonly workers: readonly WorkerRow[] }) {
  const [asked, ask] = useState<WorkerRow | null>(null);
  return (
    <Panel title="Workers" aside={<span class="tile-beside">{exact(workers.length)}</span>}>
      <DataTable
        label="Workers"
        columns={[...columns, drainColumn(ask)]}
        rows={workers.toSorted((one, other) => ranks[one.state] - ranks[other.state])}
        keyOf={({ worker }) => worker}
        toneOf={({ state }) => (state === "silent" ? "problem" : state === "drains" ? "warning" : undefined)}
        empty={
          <Empty title="Nobody works">
            Messages wait until somebody does: <code>troupe worker actors.ts</code>
          </Empty>
        }
      />
      {asked !== null && (
        <DrainQuestion
          row={asked}
          name={nameOfWorker(asked)}
          others={workers.filter(canTake(asked)).length}
          onClose={() => ask(null)}
        />
      )}
    </Panel>
  );
}
