// All scopes in which something is remembered: searched, ordered and cut into pages by the server.

import type { ScopeRow } from "../../../src/monitoring/dashboard/api/memory.ts";
import type { Page } from "../../../src/monitoring/dashboard/api/page.ts";
import { bytes, exact, plural, unknown } from "../format/figures.ts";
import { useDebounced } from "../live/use-debounced.ts";
import { useGet } from "../live/use-get.ts";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { Panel } from "../parts/panel.tsx";
import { QueryBox } from "../parts/query-box.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { hrefOf, route, setQuery } from "../router.ts";
import { scopeName } from "./scope-name.ts";

const pageLength = 50;

export function ScopeList() {
  const { query } = route.value;
  const filter = { search: useDebounced(query.get("search") ?? ""), sort: query.get("sort") ?? "bytes" };
  const pages = usePages(JSON.stringify(filter));
  const got = useGet<Page<ScopeRow>>("memory/scopes", { ...filter, limit: pageLength, cursor: pages.cursor });
  return (
    <>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      <Panel
        title={got.data === null ? "Scopes" : plural(got.data.total, "scope")}
        aside={
          <search class="filters">
            <QueryBox name="search" label="Search by scope" />
            <button type="button" onClick={got.reload}>
              Read again
            </button>
          </search>
        }
      >
        {got.data === null ? (
          got.problem === null && <Loading what="scopes" />
        ) : (
          <DataTable
            label="Scopes"
            columns={columnsFor(filter.sort)}
            rows={got.data.rows}
            keyOf={({ scope }) => scope}
            hrefOf={({ scope }) => hrefOf(["memory", scope])}
            empty={
              <Empty title={filter.search === "" ? "Nothing is remembered yet" : "No scope matches"}>
                A scope is here as soon as an entry or a fact is written in it.
              </Empty>
            }
          />
        )}
        {got.data !== null && <Pager pages={pages} page={got.data} pageLength={pageLength} isReading={got.isLoading} />}
      </Panel>
    </>
  );
}

function columnsFor(sort: string): readonly Column<ScopeRow>[] {
  const by = (order: string, direction: "ascending" | "descending") => ({
    by: () => setQuery({ sort: order }),
    sorted: sort === order ? direction : ("none" as const),
  });
  return [
    {
      id: "scope",
      head: "Scope",
      sort: by("key", "ascending"),
      isFlexible: true,
      cell: ({ scope }) => (
        <span title={scope}>
          <bdi>{scopeName(scope)}</bdi>
        </span>
      ),
    },
    { id: "entries", head: "Entries", align: "end", cell: ({ entries }) => exact(entries) },
    { id: "facts", head: "Facts", align: "end", cell: ({ facts }) => exact(facts) },
    { id: "bytes", head: "Size", align: "end", sort: by("bytes", "descending"), cell: (row) => bytes(row.bytes) },
    {
      id: "changed",
      head: "Changed",
      align: "end",
      isWideOnly: true,
      cell: ({ changedAtMs }) => (changedAtMs === null ? unknown : <TimeAgo atMs={changedAtMs} />),
    },
  ];
}
