// What retention would take out now, and why. Looking changes nothing.

import type { RetentionView } from "../../../src/monitoring/dashboard/api/memory.ts";
import { bytes, exact, plural } from "../format/figures.ts";
import { useGet } from "../live/use-get.ts";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";

type Planned = RetentionView["scopes"][number];

export function RetentionPlan() {
  const got = useGet<RetentionView>("memory/retention");
  if (got.data === null)
    return got.problem === null ? (
      <Loading what="what retention would take out" />
    ) : (
      <ProblemBox problem={got.problem} onRetry={got.reload} />
    );
  const { scopes, note } = got.data;
  return (
    <Panel
      title={scopes.length === 0 ? "Retention plan" : `Retention would take from ${plural(scopes.length, "scope")}`}
      aside={
        <button type="button" onClick={got.reload}>
          Plan again
        </button>
      }
    >
      <p class="panel-body quiet">
        {note ?? "Nothing is taken out by looking. `troupe memory retention --apply` does what stands here."}
      </p>
      {scopes.length > 0 && (
        <DataTable
          label="What retention would take out"
          columns={columns}
          rows={scopes}
          keyOf={({ scope }) => scope}
          hrefOf={({ scope }) => hrefOf(["memory", scope])}
          empty={<Empty title="Nothing" />}
        />
      )}
    </Panel>
  );
}

const columns: readonly Column<Planned>[] = [
  {
    id: "scope",
    head: "Scope",
    cell: ({ scope }) => (
      <span class="run-name" title={scope}>
        <bdi>{scope}</bdi>
      </span>
    ),
  },
  { id: "entries", head: "Entries", align: "end", cell: ({ entries }) => exact(entries) },
  { id: "facts", head: "Facts", align: "end", cell: ({ facts }) => exact(facts) },
  { id: "bytes", head: "Size", align: "end", isWideOnly: true, cell: (row) => bytes(row.bytes) },
  { id: "reason", head: "Why", isFlexible: true, cell: ({ reason }) => <span title={reason}>{reason}</span> },
];
