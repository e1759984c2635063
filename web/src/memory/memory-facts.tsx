// The facts of a scope, each with its past: what it was, when it changed and by whom.

import { useEffect, useState } from "preact/hooks";
import type { FactHistoryView, FactRow, FactsView } from "../../../src/monitoring/dashboard/api/memory.ts";
import { exact, plural } from "../format/figures.ts";
import { exactTime } from "../format/times.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import { Badge } from "../parts/badge.tsx";
import { JsonDiff } from "../parts/json-diff.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { usePages } from "../parts/pages.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { stepsBetween } from "../parts/steps-between.ts";
import { TimeAgo } from "../parts/time-ago.tsx";
import { TraceLink } from "../parts/trace-link.tsx";

const pageLength = 50;
const everySeconds = 5;

export function MemoryFacts({ scope }: { readonly scope: string }) {
  const pages = usePages(scope);
  const got = useGet<FactsView>("memory/facts", { scope, limit: pageLength, cursor: pages.cursor });
  const [open, setOpen] = useState<string | null>(null);
  const round = Math.floor(secondNow.value / 1_000 / everySeconds);
  useEffect(() => got.reload(), [round]);
  const cursor = got.data?.cursor ?? null;
  const isLong = cursor !== null || pages.before > 0;
  return (
    <Panel
      title="Facts"
      aside={
        isLong && (
          <nav class="log-pages" aria-label="Pages of facts">
            <button type="button" disabled={pages.before === 0} onClick={pages.previous}>
              Previous
            </button>
            <button type="button" disabled={cursor === null} onClick={() => cursor !== null && pages.next(cursor)}>
              Next
            </button>
          </nav>
        )
      }
    >
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      {got.data === null && got.problem === null && <Loading what="facts" />}
      {got.data?.facts.length === 0 && <Empty title="No facts are known here" />}
      <ul class="facts-list">
        {got.data?.facts.map((fact) => (
          <Fact
            key={fact.name}
            scope={scope}
            fact={fact}
            isOpen={open === fact.name}
            onToggle={() => setOpen(open === fact.name ? null : fact.name)}
          />
        ))}
      </ul>
    </Panel>
  );
}

interface FactProps {
  readonly scope: string;
  readonly fact: FactRow;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function Fact({ scope, fact, isOpen, onToggle }: FactProps) {
  const { name, value, revision, atMs, by, trace } = fact;
  return (
    <li>
      <div class="fact-head">
        <b class="fact-name">
          <bdi>{name}</bdi>
        </b>
        <span class="quiet">
          revision {exact(revision)}
          {by !== null && (
            <>
              {" "}
              by <bdi>{by}</bdi>
            </>
          )}
        </span>
        <TimeAgo atMs={atMs} />
        <TraceLink trace={trace} />
        <button type="button" class="link" aria-expanded={isOpen} onClick={onToggle}>
          history<span class="unseen"> of {name}</span>
        </button>
      </div>
      <JsonTree value={value} label={`fact ${name}`} openLevels={1} />
      {isOpen && <FactHistory scope={scope} name={name} revision={revision} />}
    </li>
  );
}

function FactHistory({
  scope,
  name,
  revision,
}: {
  readonly scope: string;
  readonly name: string;
  readonly revision: number;
}) {
  const got = useGet<FactHistoryView>("memory/facts/history", { scope, name });
  useEffect(() => got.reload(), [revision]);
  if (got.data === null)
    return got.problem === null ? (
      <Loading what={`the past of ${name}`} />
    ) : (
      <ProblemBox problem={got.problem} onRetry={got.reload} />
    );
  const { versions } = got.data;
  return (
    <div class="fact-history">
      <p class="quiet">{plural(versions.length, "version")} kept, the latest first</p>
      <ol>
        {versions
          .map((version, at) => ({ version, before: versions[at - 1] }))
          .toReversed()
          .map(({ version, before }) => (
            <li key={version.revision}>
              <p>
                <b>revision {exact(version.revision)}</b>{" "}
                <span class="quiet">
                  {exactTime(version.atMs)}
                  {version.by !== null && ` by ${version.by}`}
                </span>{" "}
                <TraceLink trace={version.trace} />
              </p>
              {version.isDeleted ? (
                <Badge tone="warning">deleted</Badge>
              ) : (
                <Change
                  label={`Changes of ${name} in revision ${version.revision}`}
                  before={before}
                  after={version.value}
                />
              )}
            </li>
          ))}
      </ol>
    </div>
  );
}

interface ChangeProps {
  readonly label: string;
  readonly before: FactHistoryView["versions"][number] | undefined;
  readonly after: unknown;
}

function Change({ label, before, after }: ChangeProps) {
  if (before === undefined || before.isDeleted)
    return <JsonTree value={after} label={`${label}: all of it`} openLevels={1} />;
  const steps = stepsBetween(before.value, after);
  if (steps.length === 0) return <p class="quiet">The same value again.</p>;
  return <JsonDiff label={label} patch={steps} before={before.value} />;
}
