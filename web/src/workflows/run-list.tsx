// The runs of one workflow: by phase, searched, in pages, live.

import { useCallback, useEffect, useState } from "preact/hooks";
import type { RunsView } from "../../../src/monitoring/dashboard/api/live.ts";
import type { RunRow, RunsPage, WorkflowsView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { exact, plural } from "../format/figures.ts";
import { apiPath } from "../live/api-client.ts";
import { useDebounced } from "../live/use-debounced.ts";
import { useGet } from "../live/use-get.ts";
import { useLive } from "../live/use-live.ts";
import { localNow } from "../page-clock.ts";
import { Badge } from "../parts/badge.tsx";
import type { Column } from "../parts/data-table.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { Panel } from "../parts/panel.tsx";
import { QueryBox, QueryChoice } from "../parts/query-box.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { hrefOf, route } from "../router.ts";
import { heardRuns, listedRuns, noRuns } from "./live-runs.ts";
import { Phase, phases } from "./phase.tsx";

const pageLength = 50;
const none: readonly RunRow[] = [];

export function RunList({ workflow }: { readonly workflow: string }) {
  const { query } = route.value;
  const filter = { phase: query.get("phase") ?? "", search: useDebounced(query.get("search") ?? "") };
  const pages = usePages(JSON.stringify(filter));
  const path = `${apiPath("workflows", workflow)}/runs`;
  const got = useGet<RunsPage>(path, { ...filter, limit: pageLength, cursor: pages.cursor });
  const live = useLiveRuns(got.data?.rows ?? none, got.askedAtMs, workflow);
  return (
    <>
      <div class="view-head">
        <p class="way-back">
          <a href="/workflows">Workflows</a> /
        </p>
        <h1 tabIndex={-1}>{workflow}</h1>
        <Filters workflow={workflow} />
      </div>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      <Panel
        title={got.data === null ? "Runs" : plural(got.data.total, "run")}
        aside={
          <>
            {got.data?.isComplete === false && <span class="quiet">not all are known here</span>}
            {live.news > 0 && (
              <button type="button" onClick={got.reload} title="Reads the list again">
                Show {exact(live.news)} new
              </button>
            )}
          </>
        }
      >
        {got.data === null ? (
          got.problem === null && <Loading what={`runs of ${workflow}`} />
        ) : (
          <DataTable
            label={`Runs of ${workflow}`}
            columns={columns}
            rows={live.rows}
            keyOf={({ run }) => run}
            hrefOf={({ run }) => hrefOf(["workflows", workflow, run])}
            flashOn={({ changedAtMs }) => changedAtMs}
            toneOf={({ phase, awaiting }) =>
              phase === "held" ? "problem" : awaiting.length > 0 ? "warning" : undefined
            }
            empty={<NoRuns workflow={workflow} isFiltered={filter.phase + filter.search !== ""} />}
          />
        )}
        {got.data !== null && <Pager pages={pages} page={got.data} pageLength={pageLength} isReading={got.isLoading} />}
      </Panel>
    </>
  );
}

function Filters({ workflow }: { readonly workflow: string }) {
  const got = useGet<WorkflowsView>("workflows");
  const row = got.data?.workflows.find(({ name }) => name === workflow);
  const counts = row?.phases ?? {};
  const choices = phases
    .filter((phase) => phase !== "new")
    .map((phase) => [phase, `${phase} (${exact(counts[phase] ?? 0)})`] as const);
  return (
    <search class="filters">
      <QueryBox name="search" label="Search by run" />
      <QueryChoice
        name="phase"
        label="Phase"
        choices={[["", "All phases"], ["waiting", `wait for a signal (${exact(row?.awaiting ?? 0)})`], ...choices]}
      />
    </search>
  );
}

function useLiveRuns(read: readonly RunRow[], askedAtMs: number, workflow: string) {
  const [held, setLive] = useState(noRuns);
  // Of the list that is drawn now, not of the one before it.
  const live = listedRuns(held, read, askedAtMs);
  useEffect(() => setLive((before) => listedRuns(before, read, askedAtMs)), [read]);
  const hear = useCallback(
    ({ rows: changed }: RunsView) => setLive((before) => heardRuns(before, changed, workflow, localNow())),
    [workflow],
  );
  useLive("runs", hear);
  return { rows: live.rows, news: live.news.size };
}

function NoRuns({ workflow, isFiltered }: { readonly workflow: string; readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty title="No run matches">
        <a href={hrefOf(["workflows", workflow])}>Show all</a>
      </Empty>
    );
  return (
    <Empty title={`${workflow} has no runs yet`}>
      One begins with <code>troupe workflow start {workflow} ID '…'</code>
    </Empty>
  );
}

/** What it is at, in the words of its paths: the last part says most. */
function At({ row }: { readonly row: RunRow }) {
  const { running, waiting, awaiting, failure } = row;
  if (failure !== null)
    return (
      <span class="cut tone-text-problem" title={failure.message}>
        {failure.code}: {failure.message}
      </span>
    );
  const asked = awaiting.map((path) => `waits for a signal at ${path}`);
  const others = waiting.filter((path) => !awaiting.includes(path)).map((path) => `waits at ${path}`);
  const at = [...others, ...running.map((path) => `runs ${path}`)];
  return (
    <span class="cut" title={[...asked, ...at].join("\n")}>
      {asked.length > 0 && <Badge tone="warning">{asked.join(", ")}</Badge>} <span class="quiet">{at.join(", ")}</span>
    </span>
  );
}

/** Where there is no room for what it is at, that it waits for somebody is said in place of that it runs. */
function PhaseCell({ row: { phase, isPaused, isStopped, awaiting } }: { readonly row: RunRow }) {
  const own = (
    <span class="run-phase">
      <Phase phase={phase} isPaused={isPaused} isStopped={isStopped} />
    </span>
  );
  if (awaiting.length === 0 || isPaused || isStopped) return own;
  return (
    <>
      <span class="wide-only">{own}</span>
      <span class="narrow-only">
        <Badge tone="warning">waits</Badge>
      </span>
    </>
  );
}

const columns: readonly Column<RunRow>[] = [
  {
    id: "run",
    head: "Run",
    cell: ({ run }) => (
      <span class="run-name" title={run}>
        <bdi>{run}</bdi>
      </span>
    ),
  },
  {
    id: "phase",
    head: "Phase",
    cell: (row) => <PhaseCell row={row} />,
  },
  { id: "at", head: "At", isFlexible: true, isWideOnly: true, cell: (row) => <At row={row} /> },
  { id: "done", head: "Done", align: "end", isWideOnly: true, cell: ({ done }) => exact(done) },
  { id: "failed", head: "Failed", align: "end", isWideOnly: true, cell: ({ failed }) => exact(failed) },
  { id: "changed", head: "Changed", align: "end", cell: ({ changedAtMs }) => <TimeAgo atMs={changedAtMs} /> },
];
