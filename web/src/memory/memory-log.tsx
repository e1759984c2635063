// The log of a scope, oldest first, from its end backwards page by page.

import { useEffect } from "preact/hooks";
import type { EntryRow, LogView } from "../../../src/monitoring/dashboard/api/memory.ts";
import { plural } from "../format/figures.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import { Badge } from "../parts/badge.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { LongText } from "../parts/long-text.tsx";
import { usePages } from "../parts/pages.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { TraceLink } from "../parts/trace-link.tsx";

const pageLength = 30;
const everySeconds = 5;

export function MemoryLog({ scope }: { readonly scope: string }) {
  const pages = usePages(scope);
  const got = useGet<LogView>("memory/log", { scope, limit: pageLength, before: pages.cursor });
  // The end of the log moves; what lies behind it does not.
  const round = pages.before === 0 ? Math.floor(secondNow.value / 1_000 / everySeconds) : 0;
  useEffect(() => {
    if (round > 0) got.reload();
  }, [round]);
  const before = got.data?.before ?? null;
  return (
    <Panel
      title="Log"
      aside={
        <nav class="log-pages" aria-label="Pages of the log">
          <button type="button" disabled={before === null} onClick={() => before !== null && pages.next(before)}>
            Older
          </button>
          <button type="button" disabled={pages.before === 0} onClick={pages.previous}>
            Newer
          </button>
        </nav>
      }
    >
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      {got.data === null ? (
        got.problem === null && <Loading what="the log" />
      ) : (
        <Entries log={got.data} page={pages.before} />
      )}
    </Panel>
  );
}

function Entries({ log, page }: { readonly log: LogView; readonly page: number }) {
  const { entries } = log;
  if (entries.length === 0)
    return (
      <Empty title="Nothing is logged here">What is said to the agent and what it observes would stand here.</Empty>
    );
  return (
    <>
      <p class="panel-body quiet">
        {page === 0 ? "The last" : "Older:"} {plural(entries.length, "entry", "entries")}, oldest first
        {log.before === null && ", from the beginning"}
      </p>
      <ol class="entries">
        {entries.map((entry) => (
          <Entry key={entry.position} entry={entry} />
        ))}
      </ol>
    </>
  );
}

function Entry({ entry }: { readonly entry: EntryRow }) {
  const { position, kind, role, speaker, text, data, atMs, isPinned, cause, trace } = entry;
  const hasData = data !== null && data !== undefined;
  return (
    <li class={`entry role-${role === "user" || role === "assistant" ? role : "other"}`}>
      <p class="entry-head">
        <b>
          <bdi>{speaker ?? role}</bdi>
        </b>
        {speaker !== null && <span class="quiet">{role}</span>}
        {kind !== "turn" && <Badge tone="quiet">{kind}</Badge>}
        {isPinned && <Badge tone="note">pinned</Badge>}
        <span class="quiet" title={cause === null ? undefined : `caused by ${cause}`}>
          #{position}
        </span>
        <TimeAgo atMs={atMs} />
        <TraceLink trace={trace} />
      </p>
      <p class="entry-text" dir="auto">
        <LongText text={text} />
      </p>
      {hasData && <JsonTree value={data} label={`data of entry ${position}`} openLevels={1} />}
    </li>
  );
}
