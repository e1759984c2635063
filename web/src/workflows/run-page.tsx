// One run, live: where it is on its graph, what it waits for, why it went the way it went.

import { useCallback, useMemo, useState } from "preact/hooks";
import type { RunsView } from "../../../src/monitoring/dashboard/api/live.ts";
import type { RunView } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { exact, unknown } from "../format/figures.ts";
import { apiPath } from "../live/api-client.ts";
import { useGet } from "../live/use-get.ts";
import { useLive } from "../live/use-live.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { Panel } from "../parts/panel.tsx";
import { Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { hrefOf, route, setQuery } from "../router.ts";
import { NodeList } from "./node-list.tsx";
import { Phase } from "./phase.tsx";
import { RunActions } from "./run-actions.tsx";
import { RunGraph } from "./run-graph.tsx";
import { RunPast } from "./run-past.tsx";
import { RunProgress } from "./run-progress.ts";
import { SignalForms } from "./signal-form.tsx";

export function RunPage({ workflow, run }: { readonly workflow: string; readonly run: string }) {
  const got = useGet<RunView>(apiPath("workflows", workflow, "runs", run));
  const { data: view, reload } = got;
  const hear = useCallback(
    ({ rows }: RunsView) => {
      if (rows.some((row) => row.workflow === workflow && row.run === run)) reload();
    },
    [workflow, run, reload],
  );
  useLive("runs", hear);
  const [said, say] = useState("");
  const done = (text: string) => {
    say(text);
    reload();
  };
  return (
    <>
      <div class="view-head run-head">
        <p class="way-back">
          <a href="/workflows">Workflows</a> / <a href={hrefOf(["workflows", workflow])}>{workflow}</a> /
        </p>
        <h1 tabIndex={-1}>
          <bdi>{run}</bdi>
        </h1>
        <CopyButton text={run} what="run's id" />
        {view !== null && <Phase phase={view.phase} isPaused={view.isPaused} isStopped={view.isStopped} />}
        {view !== null && <RunActions view={view} onDone={done} />}
      </div>
      <p class="done-text" role="status">
        {said}
      </p>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={reload} />}
      {view === null && got.problem === null && <Loading what={`the run ${run}`} />}
      {view !== null && <RunBody view={view} onSent={done} />}
    </>
  );
}

function RunBody({ view, onSent }: { readonly view: RunView; readonly onSent: (text: string) => void }) {
  const progress = useMemo(() => new RunProgress(view.nodes), [view.nodes]);
  const chosen = route.value.query.get("node");
  const choose = (id: string | null) => setQuery({ node: id ?? undefined });
  const { failure, stopped } = view;
  return (
    <>
      <RunFacts view={view} />
      {stopped !== null && (
        <ProblemBox
          problem={{
            code: stopped.code,
            message: `It has been stopped since ${stopped.at}: ${stopped.message}`,
            remedy: `Remove the cause, then resume its actor (troupe resume workflow-${view.workflow} ${view.run}).`,
          }}
        />
      )}
      {failure !== null && (
        <ProblemBox
          problem={{
            code: failure.code,
            message: failure.path === null ? failure.message : `${failure.message} (at ${failure.path})`,
            remedy: view.phase === "held" ? "Remove the cause, then retry the run; or cancel it." : "",
          }}
        />
      )}
      <SignalForms view={view} onSent={onSent} />
      <div class="run-parts">
        {view.graph !== null && <RunGraph graph={view.graph} progress={progress} chosen={chosen} onChoose={choose} />}
        <NodeList view={view} progress={progress} chosen={chosen} onChoose={choose} />
      </div>
      <div class="two-parts">
        <Panel title={view.result === null ? "State" : "State and result"}>
          <div class="panel-body">
            <JsonTree value={view.state} label={`state of ${view.run}`} />
            {view.result !== null && <JsonTree value={view.result} label={`result of ${view.run}`} />}
          </div>
        </Panel>
        <RunPast past={view.past} />
      </div>
    </>
  );
}

function RunFacts({ view }: { readonly view: RunView }) {
  const { startedAtMs, changedAtMs, done, failed, version, workflow, run } = view;
  return (
    <dl class="facts">
      <div>
        <dt>Started</dt>
        <dd>{startedAtMs === null ? unknown : <TimeAgo atMs={startedAtMs} />}</dd>
      </div>
      <div>
        <dt>Changed</dt>
        <dd>
          <TimeAgo atMs={changedAtMs} />
        </dd>
      </div>
      <div>
        <dt>Nodes done</dt>
        <dd>{exact(done)}</dd>
      </div>
      <div>
        <dt>Nodes failed</dt>
        <dd>{exact(failed)}</dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd>{version ?? unknown}</dd>
      </div>
      <div>
        <dt>Actor</dt>
        <dd>
          <a href={hrefOf(["actors", `workflow-${workflow}`, run])}>its revisions</a>
        </dd>
      </div>
    </dl>
  );
}
