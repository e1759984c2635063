// All actors of the app: searched, filtered, ordered and cut into pages by the server, so that 100,000 are no more work than ten.

import { useEffect, useRef } from "preact/hooks";
import type { ActorRow, ActorsPage } from "../../../src/monitoring/dashboard/api/actors.ts";
import { bytes, count, exact, plural } from "../format/figures.ts";
import type { Query } from "../live/api-client.ts";
import { useDebounced } from "../live/use-debounced.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import { Badge } from "../parts/badge.tsx";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { hrefOf, route, setQuery } from "../router.ts";
import { ActorFilters } from "./actor-filters.tsx";
import type { LiveRows } from "./row-changes.ts";
import { useLiveRows } from "./row-changes.ts";

const pageLength = 50;
const totalsEveryMs = 3_000;
const none: readonly ActorRow[] = [];

export function ActorList() {
  const { query } = route.value;
  const filter = {
    type: query.get("type") ?? "",
    search: useDebounced(query.get("search") ?? ""),
    only: query.get("only") ?? "",
    sort: query.get("sort") ?? "changed",
  };
  const pages = usePages(JSON.stringify(filter));
  const got = useGet<ActorsPage>("actors", { ...filter, limit: pageLength, cursor: pages.cursor });
  const live = useLiveRows(got.data?.rows ?? none, filter.type);
  const totals = useTotals(filter, live.changed) ?? got.data;
  useGrowing(got.data, got.reload);
  return (
    <>
      <div class="view-head">
        <h1 tabIndex={-1}>Actors</h1>
        <ActorFilters types={totals?.types ?? {}} />
      </div>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      <Panel title={titleOf(totals)} aside={<Liveness live={live} onReload={got.reload} />}>
        {got.data === null ? (
          got.problem === null && <Loading what="actors" />
        ) : (
          <DataTable
            label="Actors"
            columns={columnsFor(filter.sort)}
            rows={live.rows}
            keyOf={({ type, id }) => `${type}/${id}`}
            hrefOf={({ type, id }) => hrefOf(["actors", type, id])}
            flashOn={({ revision }) => revision}
            toneOf={({ isStopped }) => (isStopped ? "problem" : undefined)}
            empty={<NoActors isFiltered={filter.type + filter.search + filter.only !== ""} />}
          />
        )}
        {got.data !== null && <Pager pages={pages} page={got.data} pageLength={pageLength} isReading={got.isLoading} />}
      </Panel>
    </>
  );
}

function titleOf(page: ActorsPage | null): string {
  if (page === null) return "Actors";
  const all = Object.values(page.types).reduce((sum, one) => sum + one, 0);
  const reading = page.isComplete ? "" : ", still reading";
  return page.total === all
    ? `${plural(all, "actor")}${reading}`
    : `${exact(page.total)} of ${plural(all, "actor")}${reading}`;
}

function Liveness({ live, onReload }: { readonly live: LiveRows; readonly onReload: () => void }) {
  const { changed, changesPerS, isSampled } = live;
  return (
    <span class="liveness">
      <span title={isSampled ? "More change than can be shown: rows are updated from a sample." : undefined}>
        {count(changesPerS)} changes/s{isSampled ? ", sampled" : ""}
      </span>
      <button type="button" onClick={onReload} disabled={changed === 0} title="Reads the list again">
        Show latest
      </button>
    </span>
  );
}

function NoActors({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty title="No actor matches">
        The search looks for a part of the id, or of `type/id`. <a href="/actors">Show all</a>
      </Empty>
    );
  return (
    <Empty title="There are no actors yet">
      An actor is here as soon as a first turn has changed its state: <code>troupe ask counter c1 add 5</code>
    </Empty>
  );
}

function columnsFor(sort: string): readonly Column<ActorRow>[] {
  const by = (order: string, direction: "ascending" | "descending") => ({
    by: () => setQuery({ sort: order }),
    sorted: sort === order ? direction : ("none" as const),
  });
  return [
    {
      id: "actor",
      head: "Actor",
      sort: by("key", "ascending"),
      cell: ({ type, id, isStopped }) => (
        <span class="actor-name" title={`${type}/${id}`}>
          <span class="quiet">{type}/</span>
          <bdi class="actor-id">{id}</bdi>
          {isStopped && <Badge tone="problem">stopped</Badge>}
        </span>
      ),
    },
    {
      id: "status",
      head: "Status",
      isWideOnly: true,
      cell: ({ status }) => status !== null && <Badge tone="quiet">{status}</Badge>,
    },
    { id: "revision", head: "Revision", align: "end", isWideOnly: true, cell: ({ revision }) => exact(revision) },
    {
      id: "changed",
      head: "Changed",
      align: "end",
      sort: by("changed", "descending"),
      cell: ({ changedAtMs }) => <TimeAgo atMs={changedAtMs} />,
    },
    {
      id: "bytes",
      head: "Size",
      align: "end",
      isWideOnly: true,
      sort: by("bytes", "descending"),
      cell: (row) => bytes(row.bytes),
    },
    {
      id: "glimpse",
      head: "State",
      isFlexible: true,
      isWideOnly: true,
      cell: ({ glimpse }) => <code class="glimpse">{glimpse}</code>,
    },
  ];
}

/** While the server still reads what stands, the list is read again each second. */
function useGrowing(page: ActorsPage | null, reload: () => void): void {
  const isGrowing = page !== null && !page.isComplete;
  const second = isGrowing ? secondNow.value : 0;
  useEffect(() => {
    if (second !== 0) reload();
  }, [second]);
}

/** How many there are: asked for every few seconds while anything changes, since the rows on the screen stay where they are. */
function useTotals(filter: Query, changed: number): ActorsPage | null {
  const { data, reload } = useGet<ActorsPage>("actors", { ...filter, limit: 1 });
  const asked = useRef(changed);
  const moment = Math.floor(secondNow.value / totalsEveryMs);
  useEffect(() => {
    if (asked.current !== changed) reload();
    asked.current = changed;
  }, [moment]);
  return data;
}
