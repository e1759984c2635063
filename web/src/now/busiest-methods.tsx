// What most of the work is.

import type { MethodRow } from "../../../src/monitoring/dashboard/api/now.ts";
import { count, duration } from "../format/figures.ts";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";

const columns: readonly Column<MethodRow>[] = [
  {
    id: "method",
    head: "Method",
    isFlexible: true,
    cell: ({ type, method, turn }) => (
      <>
        <span class="quiet">{type}.</span>
        {method} <span class="quiet">{turn}</span>
      </>
    ),
  },
  { id: "rate", head: "Turns/s", align: "end", cell: ({ perS }) => count(perS) },
  { id: "failed", head: "Failed/s", align: "end", cell: ({ failedPerS }) => count(failedPerS) },
  { id: "p50", head: "p50", align: "end", isWideOnly: true, cell: ({ p50Ms }) => duration(p50Ms) },
  { id: "p99", head: "p99", align: "end", cell: ({ p99Ms }) => duration(p99Ms) },
];

export function BusiestMethods({ methods }: { readonly methods: readonly MethodRow[] }) {
  return (
    <Panel title="Busiest methods" class="busiest">
      <DataTable
        label="Busiest methods"
        columns={columns}
        rows={methods}
        keyOf={({ type, method, turn }) => `${type}.${method} ${turn}`}
        hrefOf={({ type }) => hrefOf(["actors"], { type })}
        toneOf={({ failedPerS }) => (failedPerS > 0 ? "warning" : undefined)}
        empty={<Empty title="Nothing was done in the last second" />}
      />
    </Panel>
  );
}
